"""The figures of a set of items: how many are right, how sure that is, and the change against other versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.evaluation.results import BASE, score
from prodabuild.evaluation.statistics import calibrated, compare, holm, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prodabuild.evaluation.results import ItemResult

AGAINST = "against"  # the version that was accepted, or asked for
PLACES = 6

Figures = dict[str, Any]


class Reference(NamedTuple):
    """What another version got on a suite: rows by id (none where its objects are not at hand), accuracy by split."""

    name: str
    rows: Mapping[str, ItemResult]
    acc: Mapping[str, float]


def figures_of(rows: Sequence[ItemResult], base: Mapping[str, ItemResult], other: Reference | None) -> Figures:
    """Return the figures of some items; with `base` and `other`, the paired changes against them."""
    found, correct = score(rows), sum(row.correct for row in rows)
    chance = sum(row.chance for row in rows) / len(rows) if rows else 0.0
    before = score(base[row.id] for row in rows if row.id in base)
    figures = {
        "n": found.n,
        "acc": found.acc,
        "stderr": found.stderr,
        "base_acc": before.acc,
        "interval": _rounded(wilson(correct, found.n)),
        "chance": round(chance, PLACES),
        "calibrated": round(calibrated(found.acc, chance), PLACES),
        BASE: change(rows, base),
    }
    if other is not None:
        figures[AGAINST] = change(rows, other.rows)
    return figures


def change(rows: Sequence[ItemResult], before: Mapping[str, ItemResult]) -> Figures | None:
    """Return the paired change against what a model got before, over the items that are still the same ones."""
    pairs = [(row, old) for row in rows if (old := before.get(row.id)) is not None and old.digest == row.digest]
    if not pairs:
        return None
    paired = compare([row.correct for row, _ in pairs], [old.correct for _, old in pairs])
    return {
        "n": paired.n,
        "acc": round(sum(old.correct for _, old in pairs) / paired.n, PLACES),
        "better": paired.better,
        "worse": paired.worse,
        "difference": round(paired.difference, PLACES),
        "interval": _rounded(paired.interval),
        "p": paired.p,
    }


def with_drop(figures: Figures, split: str, other: Reference | None) -> Figures:
    """Add how far a split fell: against the other version if there is one, paired where that can be, else the base."""
    if other is None or (figures.get(AGAINST) is None and split not in other.acc):
        return figures | {"drop": round(figures["base_acc"] - figures["acc"], PLACES), "drop_from": BASE}
    paired = figures.get(AGAINST)
    drop = -paired["difference"] if paired else other.acc[split] - figures["acc"]
    return figures | {"drop": round(drop, PLACES) + 0.0, "drop_from": other.name}


def correct_for_number(several: Sequence[Figures]) -> None:
    """Add `p_holm` to the changes of several sets of items, one correction for all changes against one version."""
    for which in (BASE, AGAINST):
        changes = [figures[which] for figures in several if figures.get(which)]
        for found, p in zip(changes, holm([found["p"] for found in changes]), strict=True):
            found["p_holm"] = p


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, PLACES) for value in values]
