"""Knowledge as recipes see it: concepts and relations whose fields are read, and recorded, when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from prodabuild.digest import seeded
from prodabuild.knowledge.language import Name, sentence
from prodabuild.knowledge.predicates import Predicate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prodabuild.engine.view import View

TAXONOMIC = ("is_a", "instance_of")


@dataclass(frozen=True)
class Knowledge:
    """What one unit may read of the knowledge. `seed` makes every draw its own."""

    view: View
    seed: int

    def concept(self, identity: str) -> Concept:
        """Return a handle on an L1 concept."""
        return Concept(self, identity)

    def relation(self, identity: str) -> Relation:
        """Return a handle on an L2 relation."""
        return Relation(self, identity)

    def level(self, identity: str) -> str:
        """Return `concept`, `relation` or `chain`."""
        level: str = self.view.read(identity, "level")
        return level

    def predicate(self, name: str) -> Predicate:
        """Return a predicate."""
        facets = {slot: self.view.read(f"predicate:{name}", slot) for slot in Predicate.__slots__ if slot != "name"}
        return Predicate(name=name, **facets)

    def outgoing(self, concept: str, predicates: Iterable[str] | None = None) -> list[Relation]:
        """Return the relations that a concept is the subject of (with one of these predicates)."""
        relations = [self.relation(identity) for identity in self.view.posting(f"from:{concept}")]
        return [relation for relation in relations if predicates is None or relation.triple[1] in predicates]

    def incoming(self, concept: str, predicates: Iterable[str] | None = None) -> list[Relation]:
        """Return the relations that a concept is the object of (with one of these predicates)."""
        relations = [self.relation(identity) for identity in self.view.posting(f"to:{concept}")]
        return [relation for relation in relations if predicates is None or relation.triple[1] in predicates]

    def parents(self, concept: str) -> list[str]:
        """Return the concepts that this one is a kind or an example of."""
        return sorted({relation.triple[2] for relation in self.outgoing(concept, TAXONOMIC)})

    def children(self, concept: str) -> list[str]:
        """Return the concepts that are a kind or an example of this one."""
        return sorted({relation.triple[0] for relation in self.incoming(concept, TAXONOMIC)})

    def ancestors(self, concept: str) -> set[str]:
        """Return everything that this concept is a kind or an example of, however many steps up."""
        found: set[str] = set()
        todo = [concept]
        while todo:
            todo += (fresh := set(self.parents(todo.pop())) - found)
            found |= fresh
        return found

    def siblings(self, concept: str) -> set[str]:
        """Return the other children of this concept's parents."""
        return {child for parent in self.parents(concept) for child in self.children(parent)} - {concept}

    def draw(self, candidates: Iterable[str], count: int, *purpose: str) -> list[str]:
        """Return `count` candidates chosen by hash: another candidate more or less moves at most one of them."""
        return sorted(set(candidates), key=lambda candidate: seeded(self.seed, *purpose, candidate))[:count]


@dataclass(frozen=True)
class Concept:
    """An L1 concept."""

    knowledge: Knowledge
    id: str

    @cached_property
    def name(self) -> Name:
        """Return its name and grammar."""
        found: list[Any] | None = self.knowledge.view.read(self.id, "name")
        return Name(*found) if found else Name(self.id)

    @cached_property
    def definition(self) -> str:
        """Return its definition."""
        found: str = self.knowledge.view.read(self.id, "definition")
        return found


@dataclass(frozen=True)
class Relation:
    """An L2 relation."""

    knowledge: Knowledge
    id: str

    @cached_property
    def triple(self) -> tuple[str, str, str]:
        """Return the ids of subject, predicate and object."""
        subject, predicate, target = self.knowledge.view.read(self.id, "triple")
        return subject, predicate, target

    @property
    def subject(self) -> Concept:
        """Return the concept it is about."""
        return self.knowledge.concept(self.triple[0])

    @property
    def object(self) -> Concept:
        """Return the concept it leads to."""
        return self.knowledge.concept(self.triple[2])

    @cached_property
    def predicate(self) -> Predicate:
        """Return how it reads."""
        return self.knowledge.predicate(self.triple[1])

    def say(self, template: str, target: Concept | None = None, end: str = "") -> str:
        """Fill one of the predicate's templates with this relation's names, or with another object's."""
        return sentence(template, self.subject.name, (target or self.object).name, end)
