"""Footprints summed up: figures of a group of modules beside their nulls, and bands over several runs."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from prodabuild.insight.bases import Effect
from prodabuild.insight.footprint import NOISY
from prodabuild.insight.spectra import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prodabuild.insight.footprint import Footprint, Row
    from prodabuild.insight.tails import Tail

CHANGED = tuple(f"{name}_change" if name.startswith("erank") else name for name in Effect._fields)
SCHEMA = 1


class Measure(NamedTuple):
    """A figure and what the null gives in its place; `low` and `high` hold nine of ten draws of the null."""

    value: float
    null: float | None = None
    low: float | None = None
    high: float | None = None


class Band(NamedTuple):
    """A figure over runs: mean and sample deviation; `null` is the mean of the runs' nulls."""

    mean: float
    deviation: float
    runs: int
    null: float | None


Measures = dict[str, Measure]


def measures_of(rows: Sequence[Row], whole: Footprint) -> Measures:
    """Return the figures of some modules of a footprint: sums of energy, and means of what has no sum."""
    energy, weights = sum(row.energy for row in rows), sum(row.rows * row.columns for row in rows)
    total = sum(row.rows * row.columns for row in whole.rows)
    found = {
        "share": Measure(energy / whole.energy if whole.energy else 0.0, weights / total),
        "norm": Measure(energy**0.5),
        "noise": Measure(sum(row.noise * row.energy for row in rows) / energy if energy else 0.0),
    }
    changed = [row for row in rows if row.figures]
    for at, name in enumerate(Figures._fields if changed else ()):
        figures = [row.figures[at] for row in changed if row.figures]
        null, low, high = (
            _mean([each[at] for each in each_row])
            for each_row in zip(*((row.null.mean, row.null.low, row.null.high) for row in changed), strict=True)
        )
        found[name] = Measure(_mean(figures), null, low, high)
    if alphas := [row.tail.alpha for row in rows if row.tail and row.tail.alpha]:
        nulls = [row.null_tail.alpha for row in rows if row.null_tail and row.null_tail.alpha]
        found["alpha"] = Measure(_mean(alphas), _mean(nulls) if nulls else None)
    return found | _effects(rows)


def _effects(rows: Sequence[Row]) -> Measures:
    beside = [(row.energy, row.beside) for row in rows if row.beside]
    if not beside:
        return {}
    found = {
        name: Measure(_mean([each.effect[at] for _, each in beside]), _mean([each.null[at] for _, each in beside]))
        for at, name in enumerate(CHANGED)
    }
    base = sum(energy / each.effect.size**2 for energy, each in beside)
    found["size"] = Measure((sum(energy for energy, _ in beside) / base) ** 0.5)
    return found


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def half_of(footprint: Footprint) -> list[str]:
    """Return the fewest modules that hold half of the energy, the largest first."""
    ordered = sorted(footprint.rows, key=lambda row: -row.energy)
    held = accumulate((row.energy for row in ordered), initial=0.0)
    return [row.name for row, before in zip(ordered, held, strict=False) if before < footprint.energy / 2]


def noisy(footprint: Footprint) -> list[str]:
    """Return the modules whose entropy ranks rounding has raised."""
    return [row.name for row in footprint.rows if row.noise >= NOISY]


def by_kind(footprint: Footprint) -> dict[str, Measures]:
    """Return the figures of each type of module."""
    return {kind: measures_of(rows, footprint) for kind, rows in footprint.by_kind().items()}


def by_layer(footprint: Footprint) -> dict[str, Measures]:
    """Return the figures of each layer."""
    return {str(layer): measures_of(rows, footprint) for layer, rows in footprint.by_layer().items()}


def bands(
    footprints: Sequence[Footprint], group: Callable[[Footprint], Mapping[str, Measures]]
) -> dict[str, dict[str, Band]]:
    """Return the bands of the figures that all runs have: a run is one sample, however many modules it has."""
    grouped = [group(each) for each in footprints]
    return {
        name: {
            key: _band([each[name][key] for each in grouped])
            for key in grouped[0][name]
            if all(key in each[name] for each in grouped)
        }
        for name in grouped[0]
        if all(name in each for each in grouped)
    }


def _band(found: Sequence[Measure]) -> Band:
    nulls = [each.null for each in found if each.null is not None]
    values = [each.value for each in found]
    return Band(_mean(values), float(np.std(values, ddof=1)), len(values), _mean(nulls) if nulls else None)


def to_json(footprints: Sequence[Footprint]) -> dict[str, Any]:
    """Return what `--json` prints."""
    document: dict[str, Any] = {"schema": SCHEMA, "runs": [_run(each) for each in footprints]}
    if len(footprints) > 1:
        document["bands"] = {
            "types": _named(bands(footprints, by_kind)),
            "layers": _named(bands(footprints, by_layer)),
        }
    return document


def _run(footprint: Footprint) -> dict[str, Any]:
    spread = footprint.spread()
    return {
        "name": footprint.name,
        "kind": footprint.kind,
        "base": footprint.base,
        "norm": footprint.energy**0.5,
        "spread": spread._asdict() if spread else None,
        "half": half_of(footprint),
        "noisy": noisy(footprint),
        "left_out": footprint.left_out,
        "types": _named(by_kind(footprint)),
        "layers": _named(by_layer(footprint)),
        "modules": [_module(row, footprint) for row in footprint.rows],
    }


def _module(row: Row, footprint: Footprint) -> dict[str, Any]:
    tails = {"change": row.tail, "null": row.null_tail}
    if row.beside:
        tails |= {"before": row.beside.tail_before, "after": row.beside.tail_after}
    return {
        "name": row.name,
        "layer": row.layer,
        "type": row.kind,
        "shape": [row.rows, row.columns],
        "rank": row.rank,
        "floor": row.floor,
        "above_floor": row.above,
        "unchanged": row.unchanged,
        "figures": {name: measure._asdict() for name, measure in measures_of([row], footprint).items()},
        "tails": {name: tail._asdict() if tail else None for name, tail in tails.items()},
        "spectrum": list(_rounded(row)),
    }


def _rounded(row: Row) -> Iterator[float]:
    return (float(f"{value:.6g}") for value in row.spectrum)


def _named(groups: Mapping[str, Mapping[str, Measure | Band]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {name: {key: found._asdict() for key, found in group.items()} for name, group in groups.items()}


def tails_of(footprint: Footprint) -> list[Tail]:
    """Return the tails of changes that have enough points for an exponent."""
    return [row.tail for row in footprint.rows if row.tail and row.tail.alpha is not None]
