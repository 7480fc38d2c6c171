"""A chain as its test sees it: the concepts on its path, what its question is true of, how others miss it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.knowledge.chains import conclude
from prodabuild.knowledge.language import after, sentence
from prodabuild.segments import fold, graphemes, is_ideograph, is_letter, split
from prodabuild.suites.wording import runs, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from prodabuild.knowledge.language import Name
    from prodabuild.knowledge.reading import Knowledge, Relation


ROW = 5  # letters of a word that tell it when they come in a row
UNSPACED = 3  # the same, in a script without spaces
_WORD = re.compile(r"[^\W\d_]{3,}")
GRAMMAR = frozenset(("and", "for", "from", "kind", "the", "with"))  # in names and questions alike, and telling nothing


class Distractor(NamedTuple):
    """A wrong option: the concept, the operator that makes it wrong, the relation that it violates."""

    concept: str
    operator: str
    violates: str


@dataclass(frozen=True)
class Chain:
    """An L3 chain that concludes something. `hidden`: its question does not name the concepts in the middle."""

    knowledge: Knowledge
    id: str
    steps: tuple[Relation, ...]
    hidden: bool

    @cached_property
    def path(self) -> list[str]:
        """Return the concepts from the first to the answer."""
        return [self.steps[0].triple[0], *(step.triple[2] for step in self.steps)]

    @property
    def answer(self) -> str:
        """Return the concept that the chain ends at."""
        return self.path[-1]

    @cached_property
    def truths(self) -> set[str]:
        """Return every concept that would be a right answer, stated or concluded."""
        reached = {self.path[0]} if self.hidden else {self.path[-2]}
        for step in self.steps if self.hidden else self.steps[-1:]:
            reached = set[str]().union(*(self.knowledge.reach(concept, step.triple[1]) for concept in reached))
        return reached

    @cached_property
    def refused(self) -> Set[str]:
        """Return the concepts that may not be a wrong option: also right, or named in the question."""
        return self.truths | {self.path[0]} if self.hidden else self.truths | set(self.path)

    @cached_property
    def towards(self) -> dict[str, set[str]]:
        """Return, for each concept of the path, the predicates that lead to it when they are read backwards."""
        return {
            concept: {"is_a", "instance_of", self.steps[max(at - 1, 0)].triple[1]}
            for at, concept in enumerate(self.path)
        }

    def miss(self, concept: str, inverted: Mapping[str, str]) -> Distractor:
        """Return how a concept misses; `inverted` are the relations that lead from concepts into the path."""
        if concept in self.path:
            return Distractor(concept, "TRUNC", self.steps[self.path.index(concept)].id)
        if concept in inverted:
            return Distractor(concept, "INVREL", inverted[concept])
        return Distractor(concept, "NEARMISS", self.steps[-1].id)

    @cached_property
    def question(self) -> str:
        """Return the question as it is asked."""
        middle = [] if self.hidden else [step.object.name for step in self.steps[:-1]]
        return ask([step.predicate.path for step in self.steps], self.steps[0].subject.name, middle)

    @property
    def taught(self) -> bool:
        """Tell whether samples teach what the item asks: a relation joins its ends, or states 13 words of it."""
        return any(relation.triple[2] == self.answer for relation in self.knowledge.outgoing(self.path[0])) or any(
            next(runs(words(step.say(step.predicate.forward))), None) for step in self.steps
        )

    @cached_property
    def clues(self) -> frozenset[str]:
        """Return what of its letters the question gives away."""
        return clues_of(self.question)


def read_chain(knowledge: Knowledge, identity: str, hidden: bool) -> Chain | None:
    """Return a chain, or None when nothing follows from its steps."""
    steps = tuple(knowledge.relation(step) for step in knowledge.view.read(identity, "steps"))
    predicates = {step.predicate.name: step.predicate for step in steps}
    if conclude(predicates, [step.triple[1] for step in steps]) is None:
        return None
    return Chain(knowledge, identity, steps, hidden)


def ask(links: Sequence[str], subject: Name, middle: Sequence[Name]) -> str:
    """Return a chain's question; with `middle` its concepts between the ends are named, without it they are hidden.

    `A dog is a kind of canine, and a canine is a kind of what?`
    `A dog is a kind of something that is itself a kind of what?`
    """
    text = sentence("{a subject} {is}", subject, subject) + f" {links[0]}"
    for number, link in enumerate(links[1:]):
        if middle:
            name = middle[number]
            between = after(links[number], name).removeprefix(links[number])
            text += f"{between}, and {sentence('{a subject} {is}', name, name, capitals=False)} {link}"
        else:
            text += f" something that is {'itself ' if number == len(links) - 2 else ''}{link}"
    return f"{text} what?"


def clues_of(text: str) -> frozenset[str]:
    """Return how a text's words begin (four letters, or the three that there are) and every five letters in a row.

    Who shares one of them with a question looks akin to it: `biochemist` gives `chemistry` away. Grammar does not.
    An ideograph is a clue by itself; of scripts that have letters but no spaces, every three letters in a row are.
    """
    lower = fold(text)
    if lower.isascii():
        return frozenset().union(*(_clues_of_word(word) for word in _WORD.findall(lower) if word not in GRAMMAR))
    found: set[str] = set()
    for letter, stretch in groupby(split(lower), key=is_letter):
        if letter:
            row = list(stretch)
            found.update("".join(row[at : at + UNSPACED]) for at in range(max(len(row) - UNSPACED, 0) + 1))
        else:
            found.update(*map(_clues_of_any_word, stretch))
    return frozenset(found)


def _clues_of_any_word(word: str) -> tuple[str, ...]:
    if word.isascii():
        return tuple(clues_of(word))
    if is_ideograph(word):
        return (word,)
    letters = [letter for letter in graphemes(word) if letter[0].isalpha()]
    if len(letters) < 3:
        return (word,)
    return ("".join(letters[:4]), *("".join(letters[at : at + ROW]) for at in range(len(letters) - ROW + 1)))


@lru_cache(maxsize=65536)
def _clues_of_word(word: str) -> tuple[str, ...]:
    return (word[:4], *(word[at : at + ROW] for at in range(len(word) - ROW + 1)))
