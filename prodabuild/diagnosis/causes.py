"""From what probes gave to the cause of a failure, with a confidence.

A probe proves only what it can: how often known facts pass, how often facts that are given help, and how often an
answer stays when options are shown in another order, is measured on the model's own items first.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Cause = Literal["concept_gap", "reasoning_gap", "unstable", "suspect_test"]
CAUSES: tuple[Cause, ...] = ("concept_gap", "reasoning_gap", "unstable", "suspect_test")
BOUNDS = 0.55, 0.98  # of the rate at which what is known passes: no model is taken for hopeless, or for perfect
USABLE = 0.8  # the rate that a kind of probe must reach to be evidence against an item that does not pass it
DOUBT = 0.1  # how likely a test is taken to be wrong before anything is known of it


class Asked(NamedTuple):
    """What a probe gave: did the right option win, which one did, and how many there were."""

    passed: bool
    picked: str
    options: int


class Rates(NamedTuple):
    """What probes are worth: shares between 0 and 1.

    `known`: of probes of relations that passed items need, those that pass. `steady`: of passed items, those whose
    answer is the same in every order of options. `given`: of failed items, those that pass with their facts; it is
    measured on failed ones, since who passes without facts says nothing of their use.
    """

    known: float
    given: float
    steady: float


class Evidence(NamedTuple):
    """All that was asked about one item: by relation and by concept of its chain, with the facts, in other orders."""

    item: str
    relations: Mapping[str, Sequence[Asked]]
    concepts: Mapping[str, Sequence[Asked]]
    given: Sequence[Asked]
    orders: Sequence[Asked]
    violated: str  # the relation that the option which the model picked violates


class Diagnosis(NamedTuple):
    """Why one item failed: what lacks is named by record, the confidence is a probability."""

    item: str
    cause: Cause
    nodes: tuple[str, ...]
    confidence: float


def measure(passed: Sequence[Evidence], failed: Sequence[Evidence]) -> Rates:
    """Return what probes are worth, by items that the model passes and by those that it fails."""
    nodes = [asked for row in passed for found in row.relations.values() for asked in found]
    steady = [_steady(row.orders) for row in passed if row.orders]
    low, high = BOUNDS
    given = _share([asked for row in failed for asked in row.given])
    return Rates(min(high, max(low, _share(nodes))), given, sum(steady) / max(1, len(steady)))


def lacking(asked: Sequence[Asked], known: float) -> float:
    """Return the probability that what was asked is not known, where either was as likely before.

    Who knows passes each probe at the rate `known`, who does not by chance alone. Without a probe it is one half.
    """
    odds = 0.0
    for one in asked:
        chance = 1 / one.options
        odds += math.log(chance / known) if one.passed else math.log((1 - chance) / (1 - known))
    return 1 / (1 + math.exp(-odds))


def diagnose(evidence: Evidence, rates: Rates) -> Diagnosis:
    """Return the cause of a failure.

    Facts that are missing come first; then a test that fails even with its facts (if the model can use facts at all);
    then an answer that changes with the order of options (if those of passed items do not); else the reasoning.
    """
    gaps = {node: lacking(asked, rates.known) for node, asked in evidence.relations.items()}
    missing = {node: gap for node, gap in gaps.items() if gap > 0.5}
    if not missing:
        concepts = {node: lacking(asked, rates.known) for node, asked in evidence.concepts.items() if asked}
        missing = {node: gap for node, gap in concepts.items() if gap > 0.9 and not gaps}
    if missing:
        nodes = tuple(sorted(missing, key=lambda node: (-missing[node], node)))
        return Diagnosis(
            evidence.item, "concept_gap", nodes, _rounded(1 - math.prod(1 - gap for gap in missing.values()))
        )
    known = math.prod(1 - gap for gap in gaps.values())
    suspect = _suspect(evidence.given, rates.given)
    if suspect > 0.5:
        return Diagnosis(evidence.item, "suspect_test", (), _rounded(known * suspect))
    if rates.steady >= USABLE and evidence.orders and not _steady(evidence.orders):
        picks = Counter(asked.picked for asked in evidence.orders)
        return Diagnosis(evidence.item, "unstable", (), _rounded(known * (1 - max(picks.values()) / picks.total())))
    link = evidence.violated if evidence.violated in evidence.relations else list(evidence.relations)[-1]
    return Diagnosis(evidence.item, "reasoning_gap", (link,), _rounded(known * (1 - suspect)))


def _suspect(given: Sequence[Asked], rate: float) -> float:
    """Return the probability that a test is wrong, after it was asked with the facts that it needs."""
    if rate < USABLE:
        return 0.0
    odds = math.log(DOUBT / (1 - DOUBT))
    for asked in given:
        chance, sound = 1 / asked.options, min(rate, BOUNDS[1])
        odds += math.log(chance / sound) if asked.passed else math.log((1 - chance) / (1 - sound))
    return 1 / (1 + math.exp(-odds))


def _share(asked: Sequence[Asked]) -> float:
    return sum(one.passed for one in asked) / max(1, len(asked))


def _steady(orders: Sequence[Asked]) -> bool:
    return len({asked.picked for asked in orders}) == 1


def _rounded(value: float) -> float:
    return round(value, 4)
