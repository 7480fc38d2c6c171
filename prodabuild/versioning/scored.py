"""Scores of two versions: item by item where the results of both are at hand, else as their locks record them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.engine.lockfile import stored_of
from prodabuild.evaluation.figures import change
from prodabuild.evaluation.statistics import unpaired
from prodabuild.project.comparison import ScoreChange, Setting
from prodabuild.project.versions import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prodabuild.evaluation.results import ItemResult
    from prodabuild.versioning.made import Objects
    from prodabuild.versioning.snapshot import Snapshot

SCORE, RESULTS = "score", "results"
PLACES = 6


def score_changes(objects: Objects, before: Snapshot, after: Snapshot) -> Iterator[ScoreChange]:
    """Return what each split of each suite got in two versions."""
    olds, news = before.of(SCORE), after.of(SCORE)
    rows: dict[tuple[str, str], dict[str, ItemResult]] = {}
    for name in sorted(olds.keys() | news.keys()):
        suite, _, split = name.partition(":")[2].rpartition("/")
        old, new = olds.get(name), news.get(name)
        if not (old and new):
            yield ScoreChange(suite, split, old, new)
            continue
        for version in (before, after):
            if (version.name, suite) not in rows:
                rows[version.name, suite] = _rows(objects, version, suite)
        yield _compared(suite, split, old, new, rows[before.name, suite], rows[after.name, suite])


def _compared(
    suite: str,
    split: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    were: Mapping[str, ItemResult],
    are: Mapping[str, ItemResult],
) -> ScoreChange:
    paired = change([row for row in are.values() if row.split == split], were)
    if paired is not None:
        figures = (paired["n"], paired["difference"], paired["interval"], paired["p"])
        return ScoreChange(suite, split, old, new, "paired", *figures)
    difference, interval, p = unpaired(new["acc"], old["acc"], new["n"], old["n"])
    rounded = [round(value, PLACES) for value in interval]
    return ScoreChange(suite, split, old, new, "unpaired", None, round(difference, PLACES), rounded, p)


def _rows(objects: Objects, version: Snapshot, suite: str) -> dict[str, ItemResult]:
    entry = version.entries.get(f"{RESULTS}:{suite}", {})
    whole = [stored for stored in stored_of(entry) if objects.data(version, stored) is not None]
    return rows_of(entry, objects.store) if whole else {}


def maker_changes(before: Snapshot, after: Snapshot) -> Iterator[Setting]:
    """Return the libraries and the device that made the models, where they differ."""
    old, new = (version.entries.get("model", {}).get("made_with", {}) for version in (before, after))
    for name in sorted(old.keys() | new.keys()) if old and new else ():
        if old.get(name) != new.get(name):
            yield Setting(name, old.get(name), new.get(name))
