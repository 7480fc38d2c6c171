"""A chain as its test sees it: the concepts on its path, what its question is true of, how others miss it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.knowledge.chains import conclude
from prodabuild.knowledge.language import sentence, with_article

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from prodabuild.knowledge.language import Name
    from prodabuild.knowledge.reading import Knowledge, Relation


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
        """Return every concept that would be a right answer, found by walking the relations (kinds are transitive)."""
        reached = {self.path[0]} if self.hidden else {self.path[-2]}
        for step in self.steps if self.hidden else self.steps[-1:]:
            reached = {target for concept in reached for target in _reach(self.knowledge, concept, step.triple[1])}
        return reached

    @cached_property
    def _towards(self) -> dict[str, tuple[int, set[str]]]:
        """Return, for each concept of the path, its place and the predicates that lead to it when read backwards."""
        return {
            concept: (at, {"is_a", "instance_of", self.steps[max(at - 1, 0)].triple[1]})
            for at, concept in enumerate(self.path)
        }

    def _inverted(self, concept: str) -> str | None:
        """Return the relation that leads *from* a concept into the path, as far along as there is one."""
        found = [
            (self._towards[target][0], relation.id)
            for relation in self.knowledge.outgoing(concept)
            for _, predicate, target in (relation.triple,)
            if target in self._towards and predicate in self._towards[target][1]
        ]
        return max(found)[1] if found else None

    def names(self, concept: str) -> bool:
        """Tell whether the question holds a word of a concept's name: `alloy steel` would give `steel` away."""
        return not self._words.isdisjoint(_words(self.knowledge.concept(concept).name.text))

    @cached_property
    def _words(self) -> set[str]:
        return _words(self.question())

    def miss(self, concept: str) -> Distractor | None:
        """Return why a concept is a wrong option; None when it may not be one: also right, or named in the question."""
        if (
            self.names(concept)
            or concept in self.truths
            or concept == self.path[0]
            or (not self.hidden and concept in self.path)
        ):
            return None
        if concept in self.path:
            return Distractor(concept, "TRUNC", self.steps[self.path.index(concept)].id)
        if (relation := self._inverted(concept)) is not None:
            return Distractor(concept, "INVREL", relation)
        return Distractor(concept, "NEARMISS", self.steps[-1].id)

    def question(self) -> str:
        """Return the question as it is asked."""
        middle = [] if self.hidden else [step.object.name for step in self.steps[:-1]]
        return ask([step.predicate.path for step in self.steps], self.steps[0].subject.name, middle)


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
            between = name.text if links[number] == "a kind of" else with_article(name)
            text += f" {between}, and {sentence('{a subject} {is}', name, name, capitals=False)} {link}"
        else:
            text += f" something that is {'itself ' if number == len(links) - 2 else ''}{link}"
    return f"{text} what?"


@lru_cache(maxsize=65536)
def _words(text: str) -> set[str]:
    """Return the words of a text that are more than grammar."""
    return set(re.findall(r"[^\W\d_]{3,}", text.lower())) - GRAMMAR


def _reach(knowledge: Knowledge, concept: str, predicate: str) -> Set[str]:
    """Return what a concept is related to by one predicate, in any number of steps where it is transitive."""
    direct = {relation.triple[2] for relation in knowledge.outgoing(concept, [predicate])}
    if predicate == "instance_of":
        return direct | {above for kind in direct for above in knowledge.ancestors(kind)}
    if predicate == "is_a":
        return knowledge.ancestors(concept)
    if not knowledge.predicate(predicate).transitive:
        return direct
    found, todo = set(direct), list(direct)
    while todo:
        fresh = {relation.triple[2] for relation in knowledge.outgoing(todo.pop(), [predicate])} - found
        found |= fresh
        todo += fresh
    return found
