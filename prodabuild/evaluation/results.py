"""What a suite gave: one row an item, and the figures over them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How a model did on one item. `loglikelihoods` are natural logarithms, one a choice, to five decimals."""

    id: str
    split: str
    discipline: str
    correct: bool
    pick: int
    loglikelihoods: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Accuracy over n items with its standard error (sample deviation over the root of n, as lm-eval gives it)."""

    n: int
    acc: float
    stderr: float


def score(results: Iterable[ItemResult]) -> Score:
    """Return the score of some items."""
    rows = list(results)
    n = len(rows)
    if n == 0:
        return Score(0, 0.0, 0.0)
    acc = sum(row.correct for row in rows) / n
    stderr = math.sqrt(acc * (1 - acc) / (n - 1)) if n > 1 else 0.0
    return Score(n, round(acc, 6), round(stderr, 6))


def by_split(results: Iterable[ItemResult]) -> dict[str, list[ItemResult]]:
    """Return the results of each split."""
    splits: dict[str, list[ItemResult]] = {}
    for row in results:
        splits.setdefault(row.split, []).append(row)
    return dict(sorted(splits.items()))


def to_json(row: ItemResult) -> dict[str, Any]:
    """Return a row as it stands in a results file."""
    return {
        "id": row.id,
        "split": row.split,
        "discipline": row.discipline,
        "correct": row.correct,
        "pick": row.pick,
        "loglikelihoods": list(row.loglikelihoods),
    }


def from_json(row: dict[str, Any]) -> ItemResult:
    """Return the row that a results file holds."""
    return ItemResult(
        row["id"], row["split"], row["discipline"], row["correct"], row["pick"], tuple(row["loglikelihoods"])
    )
