"""Which chain a statement of ProDa's belongs to: by the words they share, not by the id that the statement names.

Merging chunks renames every chain to `chain-001` and renumbers statements, so that ids lead astray. What stays true
are the words: a statement was made from two adjacent steps of its chain, and quotes the text that the chain is about.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.segments import fold, is_letter, split
from prodabuild.sources.naming import bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.sources.proda_core import Chain, Core, Statement

ENOUGH = 1.5  # of 4: adjacent steps count 2, the quote 1, mentions anywhere in the chain 1
MARGIN = 0.5  # by which the best chain must be ahead of the next
_IDLE = frozenset(
    (
        *(
            "a",
            "an",
            "and",
            "are",
            "as",
            "at",
            "be",
            "by",
            "for",
            "from",
            "has",
            "have",
            "in",
            "into",
            "is",
            "it",
            "its",
        ),
        *("of", "on", "or", "that", "the", "their", "this", "to", "was", "were", "which", "with"),
    )
)


class Parent(NamedTuple):
    """Where a statement belongs: the number of a chain in its file, and its place among the chain's statements."""

    chain: int
    place: float


class _Words(NamedTuple):
    """A chain as sets of words: one for each step, and all of them."""

    steps: list[frozenset[str]]
    all: frozenset[str]


def find_parents(core: Core) -> list[Parent | None]:
    """Return, for each statement, the chain that the evidence shows clearly, or None."""
    chains = [_words_of(chain) for chain in core.chains]
    found = [_by_words(core, chains, statement) for statement in core.statements]
    for number in range(1, len(found) - 1):
        before, after = found[number - 1], found[number + 1]
        if found[number] is None and before and after and before.chain == after.chain:
            one, here, two = core.statements[number - 1 : number + 2]
            if bare(one.object) == bare(here.subject) and bare(here.object) == bare(two.subject):
                found[number] = Parent(before.chain, (before.place + after.place) / 2)
    return found


def longest_run(links: Sequence[tuple[str, str]]) -> list[int]:
    """Return the numbers of the longest run of links (from, to) in which each begins where the one before ends."""
    before: list[int | None] = []  # of each link, the one that it follows in its longest run
    lengths: list[int] = []
    ending: dict[str, int] = {}  # what a run leads to -> the last link of the longest one, the first of several
    for number, (start, end) in enumerate(links):
        joined = ending.get(start)
        before.append(joined)
        lengths.append(1 if joined is None else lengths[joined] + 1)
        if end not in ending or lengths[number] > lengths[ending[end]]:
            ending[end] = number
    run: list[int] = []
    here = max(range(len(links)), key=lengths.__getitem__, default=None)
    while here is not None:
        run.append(here)
        here = before[here]
    return run[::-1]


def _by_words(core: Core, chains: Sequence[_Words], statement: Statement) -> Parent | None:
    if len(chains) == 1 and statement.parent == core.chains[0].id:
        return Parent(0, _evidence(statement, chains[0])[1])
    scores = sorted(((*_evidence(statement, chain), number) for number, chain in enumerate(chains)), reverse=True)
    if not scores or scores[0][0] < ENOUGH or (len(scores) > 1 and scores[0][0] - scores[1][0] < MARGIN):
        return None
    return Parent(scores[0][2], scores[0][1])


def _evidence(statement: Statement, chain: _Words) -> tuple[float, float]:
    """Return how much speaks for a chain, and between which of its steps the statement stands."""
    subject, target = _words(statement.subject), _words(statement.object)
    pairs = [(_share(subject, one), _share(target, two)) for one, two in pairwise(chain.steps)]
    adjacent = [sum(shares) if min(shares) >= 0.5 else 0.0 for shares in pairs]
    best = max(adjacent, default=0.0)
    places = [number for number, share in enumerate(adjacent) if share == best and best]
    place = sum(places) / len(places) if places else float(len(chain.steps))
    mentions = (_share(subject, chain.all) + _share(target, chain.all)) / 2
    return best + _share(_words(statement.quote), chain.all) + mentions, place


def _words_of(chain: Chain) -> _Words:
    steps = [_words(step) for step in chain.steps]
    return _Words(steps, frozenset().union(*steps, _words(chain.name), _words(chain.summary)))


def _words(text: str) -> frozenset[str]:
    """Return the words of a text without their endings; where a script has no spaces, its pairs of signs."""
    words: set[str] = set()
    for word in split(fold(text), whole=True):
        if max(word) >= "\u2e80" or is_letter(word):
            words.update([one + two for one, two in pairwise(word)] or [word])
        elif word not in _IDLE:
            words.add(re.sub(r"(?<=\w{3})(ings?|ed|es|s|e)$", "", word))
    return frozenset(words)


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part & whole) / len(part) if part else 0.0
