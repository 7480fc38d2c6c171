"""Which wrong options an item gets, such that nothing but the knowledge tells them from the right one.

Options are answers of other chains, and each concept is to be a wrong option three times as often as it is
the answer: then neither its frequency nor its length nor its wording gives it away, and every baseline that
does not know the answer scores at chance. Chains that cannot be balanced carry no item.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prodabuild.digest import seeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.suites.chain import Chain, Distractor

WRONG = 3  # wrong options of an item
NEAREST = 24  # candidates that are weighed against each other
ROUNDS = 12

Options = dict[str, list["Distractor"]]


def pair(chains: Sequence[Chain], seed: int) -> Options:
    """Return the wrong options of every chain that carries an item, by chain id."""
    candidates = {chain.id: _candidates(chain, chains, seed) for chain in chains}
    kept = sorted((chain for chain in chains), key=lambda chain: seeded(seed, "keep", chain.id))
    found: Options = {}
    for _ in range(ROUNDS):
        kept = _feasible(kept, candidates)
        found, unused = _assign(kept, candidates)
        surplus = {answer: -(-left // (WRONG + 1)) for answer, left in unused.items() if left >= WRONG}
        short = [chain for chain in kept if chain.id not in found]
        if not surplus and not short:
            break
        kept = _without(kept, found, surplus)
    return found


def _candidates(chain: Chain, chains: Sequence[Chain], seed: int) -> list[Distractor]:
    """Return what may be a wrong option of a chain: answers of the others, those nearest to its own answer first."""
    name = chain.knowledge.concept
    own = name(chain.answer).name.text.lower()
    lineage = {other.answer: other.lineage for other in chains}
    misses = [miss for answer in lineage if (miss := chain.miss(answer)) and name(answer).name.text.lower() != own]

    def far(miss: Distractor) -> tuple[int, int, int]:
        shared = len(lineage[miss.concept] & chain.lineage)
        return (miss.operator == "NEARMISS", -shared, seeded(seed, chain.id, miss.concept))

    return sorted(misses, key=far)


def _feasible(kept: list[Chain], candidates: Options) -> list[Chain]:
    """Drop chains of answers that too few others could use as a wrong option."""
    while True:
        answers = Counter(chain.answer for chain in kept)
        usable = Counter(miss.concept for chain in kept for miss in candidates[chain.id] if miss.concept in answers)
        allowed = {answer: min(number, usable[answer] // WRONG) for answer, number in answers.items()}
        taken: Counter[str] = Counter()
        fewer = []
        for chain in kept:
            if taken[chain.answer] < allowed[chain.answer]:
                taken[chain.answer] += 1
                fewer.append(chain)
        if len(fewer) == len(kept):
            return kept
        kept = fewer


def _assign(kept: list[Chain], candidates: Options) -> tuple[Options, Counter[str]]:
    """Give each chain three wrong options within the budget of each answer; returns them and the budget left over."""
    budget = Counter({answer: WRONG * number for answer, number in Counter(chain.answer for chain in kept).items()})
    total = Counter(budget)
    open_to = Counter(miss.concept for chain in kept for miss in candidates[chain.id] if miss.concept in budget)
    chosen: Options = {chain.id: [] for chain in kept}
    for turn in range(WRONG):
        for chain in kept if turn % 2 == 0 else kept[::-1]:
            used = {miss.concept for miss in chosen[chain.id]}
            pool = [miss for miss in candidates[chain.id] if budget[miss.concept] > 0 and miss.concept not in used]
            pool = [miss for miss in pool if miss.operator != "NEARMISS"] or pool
            if pool:
                best = max(
                    range(min(len(pool), NEAREST)),
                    key=lambda at: (
                        budget[pool[at].concept] / max(1, open_to[pool[at].concept]),
                        budget[pool[at].concept] / total[pool[at].concept],
                        -at,
                    ),
                )
                chosen[chain.id].append(pool[best])
                budget[pool[best].concept] -= 1
            for miss in candidates[chain.id]:
                open_to[miss.concept] -= turn == WRONG - 1
    return {chain: misses for chain, misses in chosen.items() if len(misses) == WRONG}, +budget


def _without(kept: list[Chain], found: Options, surplus: dict[str, int]) -> list[Chain]:
    """Drop the chains that found no options and, of answers that are left over, as many as it takes."""
    drop = Counter(surplus)
    remaining = []
    for chain in reversed(kept):
        if chain.id not in found:
            continue
        if drop[chain.answer] > 0:
            drop[chain.answer] -= 1
            continue
        remaining.append(chain)
    return remaining[::-1]
