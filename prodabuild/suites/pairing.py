"""Which wrong options an item gets, such that nothing but the knowledge tells them from the right one.

Options are answers of other chains, and each concept is to be a wrong option three times as often as it is the
answer; no option shares a word with its question. So neither frequency nor length nor wording gives an answer
away, and every baseline that does not know it scores at chance. Chains that cannot be balanced carry no item.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from prodabuild.digest import seeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.suites.chain import Chain, Distractor

WRONG = 3  # wrong options of an item

Options = dict[str, list["Distractor"]]


def pair(chains: Sequence[Chain], seed: int) -> Options:
    """Return the wrong options of every chain that carries an item, by chain id."""
    sound = [chain for chain in chains if not chain.names(chain.answer)]
    answers = _Answers(sound, seed)
    candidates = {chain.id: answers.candidates(chain) for chain in sound}
    kept = sorted(sound, key=lambda chain: seeded(seed, "keep", chain.id))
    while True:
        kept = _feasible(kept, candidates)
        assignment = _Assignment(kept, candidates)
        if assignment.complete:
            return assignment.chosen
        # each answer whose turns as a wrong option nobody can take gives up some of its own chains
        surplus = {answer: -(-left // (2 * (WRONG + 1))) for answer, left in (+assignment.budget).items()}
        kept = _without(kept, Counter(surplus))


class _Answers:
    """The answers of some chains: what their near misses share, and the order in which ties are broken."""

    def __init__(self, chains: Sequence[Chain], seed: int) -> None:
        knowledge = {chain.answer: chain.knowledge for chain in chains}
        self._lineage = {answer: {answer, *found.ancestors(answer)} for answer, found in knowledge.items()}
        self._names = {answer: found.concept(answer).name.text.lower() for answer, found in knowledge.items()}
        self._rank = {answer: at for at, answer in enumerate(sorted(knowledge, key=lambda a: seeded(seed, "tie", a)))}
        self._seed = seed
        self._shared: dict[str, dict[str, int]] = {}

    def candidates(self, chain: Chain) -> list[Distractor]:
        """Return what may be a wrong option of a chain: answers of the others, those nearest to its own first."""
        own, shared = self._names[chain.answer], self._near(chain.answer)
        turn = seeded(self._seed, chain.id) % len(self._rank)
        misses = [miss for answer in self._rank if self._names[answer] != own and (miss := chain.miss(answer))]

        def far(miss: Distractor) -> tuple[bool, int, int]:
            tie = (self._rank[miss.concept] - turn) % len(self._rank)
            return (miss.operator == "NEARMISS", -shared[miss.concept], tie)

        return sorted(misses, key=far)

    def _near(self, answer: str) -> dict[str, int]:
        if answer not in self._shared:
            mine = self._lineage[answer]
            self._shared[answer] = {other: len(mine & lineage) for other, lineage in self._lineage.items()}
        return self._shared[answer]


def _feasible(kept: list[Chain], candidates: Options) -> list[Chain]:
    """Drop chains with too few wrong options, and chains of answers that too few others could use as one."""
    while True:
        answers = Counter(chain.answer for chain in kept)
        open_to = {
            chain.id: [miss.concept for miss in candidates[chain.id] if miss.concept in answers] for chain in kept
        }
        usable = Counter(concept for concepts in open_to.values() for concept in concepts)
        allowed = Counter({answer: usable[answer] // WRONG for answer in answers})
        fewer = []
        for chain in kept:
            if len(open_to[chain.id]) >= WRONG and allowed[chain.answer] > 0:
                allowed[chain.answer] -= 1
                fewer.append(chain)
        if len(fewer) == len(kept):
            return kept
        kept = fewer


class _Assignment:
    """Wrong options for chains: a largest flow from chains to answers, each as near to its chain as the turn allows."""

    def __init__(self, kept: list[Chain], candidates: Options) -> None:
        answers = Counter(chain.answer for chain in kept)
        self.budget = Counter({answer: WRONG * number for answer, number in answers.items()})
        self._open: dict[str, dict[str, Distractor]] = {
            chain.id: {miss.concept: miss for miss in candidates[chain.id] if miss.concept in answers} for chain in kept
        }
        self._used: dict[str, dict[str, None]] = {chain.id: {} for chain in kept}
        self._users: dict[str, dict[str, None]] = {answer: {} for answer in answers}
        for turn in range(WRONG):
            for chain in kept if turn % 2 == 0 else kept[::-1]:
                self._give(chain.id)

    @property
    def complete(self) -> bool:
        """Tell whether every chain has its options, and so every answer its turns."""
        return not +self.budget

    @property
    def chosen(self) -> Options:
        """Return the options of each chain."""
        return {chain: [self._open[chain][concept] for concept in used] for chain, used in self._used.items()}

    def _give(self, chain: str) -> None:
        """Give a chain one more option: one that is free, or one that another chain can do without."""
        came: dict[str, tuple[str, str] | None] = {
            concept: None for concept in self._open[chain] if concept not in self._used[chain]
        }
        todo = deque(came)
        while todo:
            concept = todo.popleft()
            if self.budget[concept] > 0:
                self._take(chain, concept, came)
                return
            for user in self._users[concept]:
                for other in self._open[user]:
                    if other not in came and other not in self._used[user]:
                        came[other] = (concept, user)
                        todo.append(other)

    def _take(self, chain: str, concept: str, came: dict[str, tuple[str, str] | None]) -> None:
        """Pass a free option down the path of chains that each give up one for the next."""
        self.budget[concept] -= 1
        while (step := came[concept]) is not None:
            left, user = step
            del self._used[user][left], self._users[left][user]
            self._used[user][concept] = self._users[concept][user] = None
            concept = left
        self._used[chain][concept] = self._users[concept][chain] = None


def _without(kept: list[Chain], drop: Counter[str]) -> list[Chain]:
    """Drop so many chains of each answer, the last ones first."""
    remaining = []
    for chain in reversed(kept):
        if drop[chain.answer] > 0:
            drop[chain.answer] -= 1
        else:
            remaining.append(chain)
    return remaining[::-1]
