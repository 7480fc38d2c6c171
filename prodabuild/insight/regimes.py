"""Arms of an experiment side by side: a run is one sample, and an effect is told beside how far seeds differ."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.insight.trial import student

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Spot(NamedTuple):
    """Where a run lies in the plot: what it gained on items as asked, and in other formats, over its base."""

    arm: str
    seed: int
    target: float
    other: float


class Cell(NamedTuple):
    """A figure of an arm: mean and sample deviation over seeds."""

    mean: float
    deviation: float


class Effect(NamedTuple):
    """How an arm differs from the first: the difference of means with its 95 % interval (Student's, of equal
    deviations), and in pooled deviations of a seed; None where all seeds agree. `apart`: the interval leaves out 0."""

    difference: float
    low: float
    high: float
    deviations: float | None
    apart: bool


@dataclass(frozen=True)
class Comparison:
    """The runs of an experiment: figures by name and arm, the effects of all arms but the first, and the base's."""

    experiment: str
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    figures: dict[str, dict[str, Cell]]
    effects: dict[str, dict[str, Effect]]
    base: dict[str, float]
    data: dict[str, dict[str, float]]
    items: dict[str, int]
    spots: tuple[Spot, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "schema": 1,
            "experiment": self.experiment,
            "arms": list(self.arms),
            "seeds": list(self.seeds),
            "figures": {
                name: {arm: cell._asdict() for arm, cell in cells.items()} for name, cells in self.figures.items()
            },
            "effects": {
                name: {arm: effect._asdict() for arm, effect in effects.items()}
                for name, effects in self.effects.items()
            },
            "base": self.base,
            "data": self.data,
            "items": self.items,
            "runs": [spot._asdict() for spot in self.spots],
        }


def compare_runs(experiment: str, base: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> Comparison:
    """Return a comparison of what was measured of runs, and of their base; the first run's arm is the one to beat."""
    arms = tuple(dict.fromkeys(run["arm"] for run in runs))
    flat = {arm: [_flat(run) for run in runs if run["arm"] == arm] for arm in arms}
    names = list(flat[arms[0]][0])
    figures = {name: {arm: _cell([run[name] for run in flat[arm]]) for arm in arms} for name in names}
    first = flat[arms[0]]
    effects = {
        name: {arm: effect_of([run[name] for run in flat[arm]], [run[name] for run in first]) for arm in arms[1:]}
        for name in names
    }
    own = _flat(base)
    data = {arm: {key: _mean(runs, arm, key) for key in runs[0]["data"]} for arm in arms}
    items = {name: row["n"] for name, row in base["scores"].items()}
    spots = tuple(_spot(run["arm"], run["seed"], _flat(run), own) for run in runs if base["scores"])
    seeds = tuple(dict.fromkeys(run["seed"] for run in runs))
    return Comparison(experiment, arms, seeds, figures, effects, own, data, items, spots)


def effect_of(values: Sequence[float], others: Sequence[float]) -> Effect:
    """Return how far values lie above others."""
    difference = statistics.fmean(values) - statistics.fmean(others)
    free = len(values) + len(others) - 2
    squares = sum(statistics.variance(each) * (len(each) - 1) for each in (values, others))
    pooled = math.sqrt(squares / free)
    half = student(free) * pooled * math.sqrt(1 / len(values) + 1 / len(others))
    low, high = difference - half, difference + half
    return Effect(difference, low, high, difference / pooled if pooled else None, low > 0 or high < 0)


def _flat(run: Mapping[str, Any]) -> dict[str, float]:
    """Return all figures of a run by one name: scores, their mean over other formats, text, probes, weights."""
    found: dict[str, float] = {name: row["acc"] for name, row in run["scores"].items()}
    others = [acc for name, acc in found.items() if name not in ("dev", "sealed")]
    found |= {"off_format": statistics.fmean(others)} if others else {}
    found["text"] = run["text"]
    found |= {f"excess {source}": row["excess"] for source, row in run["probe"].items()}
    found |= run.get("footprint", {})
    return found


def _spot(arm: str, seed: int, run: Mapping[str, float], base: Mapping[str, float]) -> Spot:
    target = "sealed" if "sealed" in run else "dev"
    return Spot(arm, seed, run[target] - base[target], run.get("off_format", 0.0) - base.get("off_format", 0.0))


def _cell(values: Sequence[float]) -> Cell:
    return Cell(statistics.fmean(values), statistics.stdev(values))


def _mean(runs: Sequence[Mapping[str, Any]], arm: str, key: str) -> float:
    return statistics.fmean(run["data"][key] for run in runs if run["arm"] == arm)
