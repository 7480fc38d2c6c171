"""Which wrong options an item gets, such that nothing but the knowledge tells them from the right one.

Options are answers of other chains, and each concept is to be a wrong option three times as often as it is the
answer; no option shares a word, its beginning or five letters in a row with its question. So neither frequency nor
length nor wording gives an answer away, and every baseline that does not know it scores at chance. Chains that cannot
be balanced carry no item. Where so none of a few chains would carry one, they carry items that are not balanced, and
other concepts near the answers are wrong options, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import seeded
from prodabuild.knowledge.evidence import Evidence
from prodabuild.segments import fold
from prodabuild.suites.chain import clues_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prodabuild.suites.chain import Chain, Distractor

WRONG = 3  # wrong options of an item
FEW = 100  # chains that may carry items that are not balanced, where none could be balanced
NEAR = 8  # siblings of each answer that are wrong options then
REASONS = {
    "conclusion": "nothing follows from its steps",
    "wording": "its question gives letters of the answer away",
    "taught": "samples teach what it asks: a relation joins its ends, or a step states 13 words of it",
    "options": "fewer than three other concepts could be wrong options",
    "balance": "its answer cannot be a wrong option of others three times as often as it is an answer",
}

Options = dict[str, list[str]]  # chain -> concepts


class Pairing(NamedTuple):
    """The wrong options of every chain that carries an item, by chain id; of the others, why they carry none."""

    wrong: dict[str, list[Distractor]]
    none: dict[str, str]  # a key of `REASONS`
    balanced: bool = True


def pair(chains: Sequence[Chain], seed: int) -> Pairing:
    """Return the wrong options of the chains that carry an item."""
    if not chains:
        return Pairing({}, {})
    answers = _Answers(chains, seed)
    none = {chain.id: "wording" for chain in chains if answers.given_away(chain)}
    none |= {chain.id: "taught" for chain in chains if chain.id not in none and chain.taught}
    sound = sorted(
        (chain for chain in chains if chain.id not in none), key=lambda chain: seeded(seed, "keep", chain.id)
    )
    found = _balanced(sound, answers)
    balanced = bool(found) or not 0 < len(sound) <= FEW
    if not balanced:
        found = _unbalanced(sound, _Answers(chains, seed, more=True))
    unused = "balance" if balanced else "options"
    none |= {chain.id: unused for chain in sound if chain.id not in found}
    return Pairing(found, none, balanced or not found)


def _balanced(kept: list[Chain], answers: _Answers) -> dict[str, list[Distractor]]:
    candidates = {chain.id: answers.candidates(chain) for chain in kept}
    while True:
        kept = _feasible(kept, candidates)
        assignment = _Assignment(kept, candidates)
        if assignment.complete:
            break
        # each answer whose turns as a wrong option nobody can take gives up some of its own chains
        surplus = {answer: -(-left // (2 * (WRONG + 1))) for answer, left in (+assignment.budget).items()}
        kept = _without(kept, Counter(surplus))
    return {chain.id: answers.miss(chain, assignment.used[chain.id]) for chain in kept}


def _unbalanced(sound: list[Chain], answers: _Answers) -> dict[str, list[Distractor]]:
    """Return wrong options of all chains that have enough of them: those that came least often for an answer first."""
    budget = Counter({answer: WRONG * number for answer, number in Counter(chain.answer for chain in sound).items()})
    found = {}
    for chain in sound:
        options = sorted(answers.candidates(chain), key=lambda concept: -budget[concept])[:WRONG]
        if len(options) == WRONG:
            budget.subtract(options)
            found[chain.id] = answers.miss(chain, options)
    return found


class _Answers:
    """The answers of some chains: their letters, what they share, the relations that lead from them."""

    def __init__(self, chains: Sequence[Chain], seed: int, more: bool = False) -> None:
        knowledge = chains[0].knowledge
        found = {chain.answer for chain in chains}
        if more:  # concepts that are no answers may be wrong options, too
            near = (knowledge.siblings(answer, NEAR, seeded(answer), ()) for answer in sorted(found))
            found = found.union(*near, *(chain.path for chain in chains))
        order = sorted(found, key=lambda answer: seeded(seed, "tie", answer))
        self._names = {answer: fold(knowledge.name(answer).text) for answer in order}
        self._clues = {answer: clues_of(name) for answer, name in self._names.items()}
        self._named, self._akin = defaultdict(set), defaultdict(set)
        for answer, name in self._names.items():
            self._named[name].add(answer)
            for clue in self._clues[answer]:
                self._akin[clue].add(answer)
        self._evidence = Evidence(knowledge, order)
        lineage = {answer: (answer, *knowledge.ancestors(answer)) for answer in order}
        concepts = dict.fromkeys(each for line in lineage.values() for each in line)
        bits = {concept: 1 << at for at, concept in enumerate(concepts)}
        self._lineage = {answer: sum(bits[each] for each in line) for answer, line in lineage.items()}
        self._near: dict[str, list[str]] = {}
        self._inverted: dict[str, dict[str, str]] = {}
        self._links: dict[str, list[tuple[str, str, str]]] = {}
        for answer in order:
            for relation in knowledge.outgoing(answer):
                _, predicate, target = relation.triple
                self._links.setdefault(target, []).append((answer, predicate, relation.id))

    def given_away(self, chain: Chain) -> bool:
        """Tell whether a chain's question looks akin to its answer: `alloy steel` gives `steel` away."""
        return not chain.clues.isdisjoint(self._clues[chain.answer])

    def inverted(self, chain: Chain) -> dict[str, str]:
        """Return the answers that a relation leads *from* into a chain, with the relation that leads farthest."""
        if chain.id not in self._inverted:
            self._inverted[chain.id] = {
                answer: relation
                for concept in chain.path
                for answer, predicate, relation in self._links.get(concept, ())
                if predicate in chain.towards[concept]
            }
        return self._inverted[chain.id]

    def miss(self, chain: Chain, concepts: Iterable[str]) -> list[Distractor]:
        """Return how each of some concepts misses a chain."""
        inverted = self.inverted(chain)
        return [chain.miss(concept, inverted) for concept in concepts]

    def candidates(self, chain: Chain) -> list[str]:
        """Return what may be a wrong option of a chain: cut short and inverted first, then by nearness."""
        alike = (self._akin[clue] for clue in chain.clues if clue in self._akin)
        refused = set(chain.refused).union(self._named[self._names[chain.answer]], self._spoken(chain), *alike)
        sound = [answer for answer in self._by_nearness(chain.answer) if answer not in refused]
        special = {*chain.path, *self.inverted(chain)}
        return [answer for answer in sound if answer in special] + [answer for answer in sound if answer not in special]

    def _spoken(self, chain: Chain) -> set[str]:
        """Return the answers that something speaks for, in the place of a chain's own.

        What a hidden chain passes through is not the answer, though it is true of what the chain begins at.
        """
        found = set[str]().union(*map(self._evidence.about, chain.path[:-1])).difference(chain.path)
        predicate = chain.steps[-1].predicate
        inverse = predicate.name if predicate.symmetric else predicate.inverse
        if inverse is not None:
            found.update(answer for answer in self._names if chain.path[-2] in chain.knowledge.reach(answer, inverse))
        return found | self._evidence.named(chain.answer)

    def _by_nearness(self, answer: str) -> list[str]:
        if answer not in self._near:
            mine = self._lineage[answer]
            shared = {other: -(mine & theirs).bit_count() for other, theirs in self._lineage.items()}
            self._near[answer] = sorted(shared, key=shared.__getitem__)
        return self._near[answer]


def _feasible(kept: list[Chain], candidates: Options) -> list[Chain]:
    """Drop chains with too few wrong options, and chains of answers that too few others could use as one."""
    while True:
        answers = Counter(chain.answer for chain in kept)
        open_to = {chain.id: [concept for concept in candidates[chain.id] if concept in answers] for chain in kept}
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
        self._open = {chain.id: [concept for concept in candidates[chain.id] if concept in answers] for chain in kept}
        self.used: dict[str, dict[str, None]] = {chain.id: {} for chain in kept}
        self._users: dict[str, dict[str, None]] = {answer: {} for answer in answers}
        for turn in range(WRONG):
            for chain in kept if turn % 2 == 0 else kept[::-1]:
                self._give(chain.id)

    @property
    def complete(self) -> bool:
        """Tell whether every chain has its options, and so every answer its turns."""
        return not +self.budget

    def _give(self, chain: str) -> None:
        """Give a chain one more option: one that is free, or one that another chain can do without."""
        mine = self.used[chain]
        free = next(
            (concept for concept in self._open[chain] if self.budget[concept] > 0 and concept not in mine), None
        )
        if free is not None:
            self._take(chain, free, {free: None})
            return
        came: dict[str, tuple[str, str] | None] = {
            concept: None for concept in self._open[chain] if concept not in mine
        }
        todo = deque(came)
        while todo:
            concept = todo.popleft()
            if self.budget[concept] > 0:
                self._take(chain, concept, came)
                return
            for user in self._users[concept]:
                for other in self._open[user]:
                    if other not in came and other not in self.used[user]:
                        came[other] = (concept, user)
                        todo.append(other)

    def _take(self, chain: str, concept: str, came: dict[str, tuple[str, str] | None]) -> None:
        """Pass a free option down the path of chains that each give up one for the next."""
        self.budget[concept] -= 1
        while (step := came[concept]) is not None:
            left, user = step
            del self.used[user][left], self._users[left][user]
            self.used[user][concept] = self._users[concept][user] = None
            concept = left
        self.used[chain][concept] = self._users[concept][chain] = None


def _without(kept: list[Chain], drop: Counter[str]) -> list[Chain]:
    """Drop so many chains of each answer, the last ones first."""
    remaining = []
    for chain in reversed(kept):
        if drop[chain.answer] > 0:
            drop[chain.answer] -= 1
        else:
            remaining.append(chain)
    return remaining[::-1]
