"""What a suite gave: one row an item, and the figures over them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.digest import canonical, change_digest
from prodabuild.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DECIMALS = 4  # of log-likelihoods in results: what batching and processors do to them shows in the fifth


BASE = "base"  # what results of the base alone are called


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How a model did on one item. `loglikelihoods` are natural logarithms, one a choice.

    An item without choices, whose answer the model writes, has no pick and no log-likelihoods. `digest` is that of what
    was asked: results of two versions are compared where it is the same.
    """

    id: str
    digest: str
    split: str
    discipline: str
    correct: bool
    pick: int | None
    loglikelihoods: tuple[float, ...]

    @property
    def chance(self) -> float:
        """Return the share of such items that guessing gets right."""
        return 1 / len(self.loglikelihoods) if self.loglikelihoods else 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """Accuracy over n items with its standard error (sample deviation over the root of n, as lm-eval gives it)."""

    n: int
    acc: float
    stderr: float


def digest_of(asked: Any) -> str:
    """Return the digest of what an item asks, and of its right answer."""
    return change_digest(canonical(asked)).hex()


def choose(likelihoods: Sequence[float]) -> int:
    """Return the likeliest choice, the first of those that are equally likely, as lm-eval does."""
    return max(range(len(likelihoods)), key=lambda choice: likelihoods[choice])


def rounded(likelihoods: Iterable[float]) -> tuple[float, ...]:
    """Return log-likelihoods as they stand in results."""
    return tuple(round(value, DECIMALS) for value in likelihoods)


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


def document(suite: str, model: str, results: Sequence[ItemResult]) -> dict[str, Any]:
    """Return what a results file holds."""
    splits = {split: score(rows) for split, rows in by_split(results).items()}
    return {
        "suite": suite,
        "model": model,
        "splits": {split: {"n": found.n, "acc": found.acc, "stderr": found.stderr} for split, found in splits.items()},
        "items": [to_json(row) for row in sorted(results, key=lambda row: row.id)],
    }


def to_json(row: ItemResult) -> dict[str, Any]:
    """Return a row as it stands in a results file."""
    return {
        "id": row.id,
        "digest": row.digest,
        "split": row.split,
        "discipline": row.discipline,
        "correct": row.correct,
        "pick": row.pick,
        "chance": round(row.chance, 6),
        "loglikelihoods": list(row.loglikelihoods),
    }


def from_json(row: dict[str, Any]) -> ItemResult:
    """Return the row that a results file holds; raises `ProjectError` where a likelihood there is no finite number."""
    values = row["loglikelihoods"]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        raise ProjectError(
            "recorded results have likelihoods that are NaN or infinite: they are no score",
            "test that version again; where it was accepted, remove its entry from proda.lock and accept another",
        )
    return ItemResult(
        row["id"],
        row.get("digest", ""),
        row["split"],
        row["discipline"],
        row["correct"],
        row["pick"],
        tuple(values),
    )
