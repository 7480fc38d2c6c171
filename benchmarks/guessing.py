"""How well test items are answered by who does not know: rules of thumb, and a model that sees no question."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from math import log, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Item: TypeAlias = Mapping[str, Any]
    Weigh: TypeAlias = Callable[[Item], Sequence[float]]

FOLDS = 5
CHANCE = 0.25
NEAR = 0.05  # how far from chance a baseline may be; where items are few, three standard errors


class Score(NamedTuple):
    """An accuracy (of two options that weigh the same, each counts half) and its standard error."""

    accuracy: float
    error: float

    @property
    def at_chance(self) -> bool:
        """Tell whether it is as near to chance as it has to be."""
        return abs(self.accuracy - CHANCE) <= max(NEAR, 3 * self.error)


def mark(items: Sequence[Item], weigh: Weigh) -> Score:
    """Return how often the option of most weight is the right one."""
    return _score([_point(item, weigh(item)) for item in items])


def rules_of_thumb(items: Sequence[Item]) -> dict[str, Score]:
    """Return how well each rule answers."""
    answers = Counter(item["choices"][item["gold"]] for item in items)
    offered = Counter(choice for item in items for choice in item["choices"])
    rules: dict[str, Weigh] = {
        "always first": lambda item: [-at for at in range(len(item["choices"]))],
        "always last": lambda item: range(len(item["choices"])),
        "always longest": lambda item: [len(choice) for choice in item["choices"]],
        "always shortest": lambda item: [-len(choice) for choice in item["choices"]],
        "most frequent answer": lambda item: [answers[choice] for choice in item["choices"]],
        "least frequent answer": lambda item: [-answers[choice] for choice in item["choices"]],
        "most frequent option": lambda item: [offered[choice] for choice in item["choices"]],
        "least frequent option": lambda item: [-offered[choice] for choice in item["choices"]],
        "most words of the question": lambda item: _overlap(item, _words),
        "most letters of the question": lambda item: _overlap(item, _grams),
    }
    return {name: mark(items, weigh) for name, weigh in rules.items()}


def without_question(seen: Sequence[Item], asked: Sequence[Item]) -> Score:
    """Return how well a model that was trained on the options of some items answers others."""
    model = Model(seen)
    return mark(asked, model.weigh)


def folded(items: Sequence[Item], apart: Callable[[Item], str], least: bool = False) -> Score:
    """Return how well such a model answers each fifth of the items, trained on the rest; or by what it likes least.

    Items that `apart` gives the same text are in one fifth.
    """
    points = []
    for fold in range(FOLDS):
        model = Model([item for item in items if _fold(apart(item)) != fold])
        asked = [item for item in items if _fold(apart(item)) == fold]
        points += [_point(item, [-one if least else one for one in model.weigh(item)]) for item in asked]
    return _score(points)


class Model:
    """Naive Bayes on an option alone: its words, its letters in threes and fours, its place, its rank by length."""

    def __init__(self, items: Sequence[Item]) -> None:
        right: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for item in items:
            for at, features in enumerate(_features(item)):
                (right if at == item["gold"] else wrong).update(features)
        known = right.keys() | wrong.keys()
        base = log((right.total() + len(known)) / (wrong.total() + len(known)))
        self._weights = {one: log((right[one] + 1) / (wrong[one] + 1)) - base for one in known}

    def weigh(self, item: Item) -> list[float]:
        """Return how much each option looks like a right one."""
        return [sum(self._weights.get(one, 0.0) for one in sorted(features)) for features in _features(item)]


def _features(item: Item) -> list[set[str]]:
    choices = item["choices"]
    ranks = [sum(len(other) < len(choice) for other in choices) for choice in choices]
    return [
        {f"text {choice}", f"place {at}", f"rank {rank}", *_words(choice), *_grams(choice)}
        for at, (choice, rank) in enumerate(zip(choices, ranks, strict=True))
    ]


def _overlap(item: Item, parts: Callable[[str], set[str]]) -> list[float]:
    """Return which share of each option's parts its question has."""
    asked = parts(item["question"])
    return [len(parts(choice) & asked) / max(1, len(parts(choice))) for choice in item["choices"]]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", text.lower()))


def _grams(text: str) -> set[str]:
    edged = f" {text.lower().rstrip('.')} "
    return {edged[at : at + size] for size in (3, 4) for at in range(len(edged) - size + 1)}


def _fold(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % FOLDS


def _point(item: Item, weights: Sequence[float]) -> float:
    best = max(weights)
    return (weights[item["gold"]] == best) / list(weights).count(best)


def _score(points: Sequence[float]) -> Score:
    mean = sum(points) / len(points)
    return Score(mean, sqrt(sum((point - mean) ** 2 for point in points)) / len(points))
