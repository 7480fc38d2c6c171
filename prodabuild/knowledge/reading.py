"""Knowledge as recipes see it: concepts and relations whose fields are read, and recorded, when asked for."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import seeded
from prodabuild.knowledge.conclusions import Conclusions
from prodabuild.knowledge.evidence import Evidence, genus_of, labels_of, singular
from prodabuild.knowledge.language import Name, sentence
from prodabuild.knowledge.predicates import Predicate
from prodabuild.knowledge.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Set

    from prodabuild.engine.view import View

TAXONOMIC = ("is_a", "instance_of")


@dataclass(frozen=True)
class Knowledge:
    """What one unit may read of the knowledge. `seed` makes every draw its own.

    It remembers what it has read: what is read is recorded once, however often it is asked for.
    """

    view: View
    seed: int
    _concepts: dict[str, Concept] = field(default_factory=dict, repr=False, compare=False)
    _names: dict[str, Name] = field(default_factory=dict, repr=False, compare=False)
    _relations: dict[str, Relation] = field(default_factory=dict, repr=False, compare=False)
    _outgoing: dict[str, list[Relation]] = field(default_factory=dict, repr=False, compare=False)
    _parents: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)
    _ancestors: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)
    _above: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)
    _labels: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict, repr=False, compare=False)
    plausible: dict[tuple[str, str, str], bool] = field(default_factory=dict, repr=False, compare=False)
    _evidence: dict[str, Evidence] = field(default_factory=dict, repr=False, compare=False)
    _reached: dict[tuple[str, str], Set[str]] = field(default_factory=dict, repr=False, compare=False)
    _predicates: dict[str, Predicate] = field(default_factory=dict, repr=False, compare=False)

    def close(self) -> None:
        """Forget everything: what it remembers refers to it, and such a circle is left to the garbage collector."""
        for remembered in vars(self).values():
            if isinstance(remembered, dict):
                remembered.clear()

    def concept(self, identity: str) -> Concept:
        """Return a handle on an L1 concept."""
        found = self._concepts.get(identity)
        if found is None:
            found = self._concepts[identity] = Concept(self, identity)
        return found

    def name(self, concept: str) -> Name:
        """Return a concept's name and grammar."""
        found = self._names.get(concept)
        if found is None:
            name: list[Any] | None = self.view.read(concept, "name")
            found = self._names[concept] = Name(*name) if name else Name(concept)
        return found

    def relation(self, identity: str) -> Relation:
        """Return a handle on an L2 relation."""
        found = self._relations.get(identity)
        if found is None:
            subject, predicate, target = self.view.read(identity, "triple")
            found = self._relations[identity] = Relation(self, identity, (subject, predicate, target))
        return found

    def level(self, identity: str) -> str:
        """Return `concept`, `relation` or `chain`."""
        level: str = self.view.read(identity, "level")
        return level

    def predicate(self, name: str) -> Predicate:
        """Return a predicate."""
        found = self._predicates.get(name)
        if found is None:
            facets = {slot: self.view.read(f"predicate:{name}", slot) for slot in Predicate.__slots__ if slot != "name"}
            found = self._predicates[name] = Predicate(name=name, **facets)
        return found

    def outgoing(self, concept: str, predicates: Iterable[str] | None = None) -> list[Relation]:
        """Return the relations that a concept is the subject of (with one of these predicates)."""
        relations = self._outgoing.get(concept)
        if relations is None:
            relations = [self.relation(identity) for identity in self.view.posting(f"from:{concept}")]
            self._outgoing[concept] = relations
        return relations if predicates is None else [link for link in relations if link.triple[1] in predicates]

    def parents(self, concept: str) -> list[str]:
        """Return the concepts that this one is a kind or an example of."""
        found = self._parents.get(concept)
        if found is None:
            found = sorted({relation.triple[2] for relation in self.outgoing(concept, TAXONOMIC)})
            self._parents[concept] = found
        return found

    def ancestors(self, concept: str) -> frozenset[str]:
        """Return everything that this concept is a kind or an example of, however many steps up."""
        known = self._ancestors.get(concept)
        if known is None:
            found: set[str] = set()
            todo = [concept]
            while todo:
                todo += (fresh := set(self.parents(todo.pop())) - found)
                found |= fresh
            known = self._ancestors[concept] = frozenset(found)
        return known

    def above(self, concept: str) -> frozenset[str]:
        """Return everything that transitive predicates, and what a concept is a kind or an example of, lead to."""
        known = self._above.get(concept)
        if known is None:
            found: set[str] = set()
            todo = [concept]
            while todo:
                for link in self.outgoing(todo.pop()):
                    _, predicate, target = link.triple
                    if target not in found and (predicate in TAXONOMIC or self.predicate(predicate).transitive):
                        found.add(target)
                        if (further := self._above.get(target)) is None:
                            todo.append(target)
                        else:
                            found |= further
            known = self._above[concept] = frozenset(found)
        return known

    def labels(self, concept: str) -> tuple[tuple[str, ...], ...]:
        """Return the names that a concept goes by, each as words in the singular."""
        found = self._labels.get(concept)
        if found is None:
            aliases: list[str] = self.view.read(concept, "aliases") or []
            found = self._labels[concept] = labels_of(self.name(concept).text, aliases)
        return found

    def meaning(self, concept: str) -> tuple[str, ...]:
        """Return a concept's definition as words in the singular."""
        return singular(self.concept(concept).definition)

    def genus(self, concept: str) -> tuple[str, ...]:
        """Return what a concept's definition says that it is, in words in the singular."""
        return genus_of(self.concept(concept).definition)

    def evidence(self, concept: str) -> Evidence:
        """Return what speaks for a concept being true of others."""
        found = self._evidence.get(concept)
        if found is None:
            found = self._evidence[concept] = Evidence(self, (concept,))
        return found

    def reach(self, concept: str, predicate: str) -> Set[str]:
        """Return what a predicate holds between a concept and: what is stated, and what follows from the rules.

        Of what is above a concept all counts as one: plain speech does not tell kinds from examples.
        """
        found = self._reached.get((concept, predicate))
        if found is None:
            found = self._conclusions.objects(concept, predicate)
            if predicate in TAXONOMIC and not found >= (above := self.ancestors(concept)):
                found = found | above
            self._reached[concept, predicate] = found
        return found

    @cached_property
    def _conclusions(self) -> Conclusions:
        return Conclusions(self.predicate, lambda concept: [link.triple for link in self.outgoing(concept)])

    def incoming(self, concepts: Iterable[str], predicate: str, draw: int) -> Iterator[Relation]:
        """Return the relations of one predicate that lead to any of some concepts: all on one ring, from `draw` on."""
        rings = (clockwise(self.view.posting(f"to:{concept}", ring), draw) for concept in concepts)
        for identity in merge(*rings, key=lambda identity: (seeded(identity) - draw) % 2**64):
            relation = self.relation(identity)
            if relation.triple[1] == predicate:
                yield relation

    def disjoint(self, concept: str) -> set[str]:
        """Return the kinds that are declared, on either side, to share nothing with this one."""
        declared = self.view.read(concept, "disjoint") or ()
        return {*declared, *self.view.posting(f"disjoint:{concept}")}

    def open_chains(self, relation: str) -> list[list[str]]:
        """Return the steps of each chain that a relation is a step of; those whose items are sealed are not read."""
        sealed = self.view.read("manifest", "chains.sealed") or 0.0
        through = self.view.posting(f"step:{relation}")
        return [self.view.read(chain, "steps") for chain in through if split_of(chain, sealed) == "dev"]

    def siblings(self, concept: str, count: int, draw: int, refused: Container[str]) -> list[str]:
        """Return up to `count` other children of each parent, those that follow `draw` on the parent's ring."""
        found: list[str] = []
        for parent in self.parents(concept):
            room = count
            for identity in clockwise(self.view.posting(f"to:{parent}", ring), draw):
                child, predicate, _ = self.relation(identity).triple
                if predicate in TAXONOMIC and child != concept and child not in refused and child not in found:
                    found.append(child)
                    room -= 1
                if room == 0:
                    break
        return found

    def draw(self, candidates: Iterable[str], count: int, *purpose: str) -> list[str]:
        """Return `count` candidates chosen by hash: another candidate more or less moves at most one of them."""
        return sorted(set(candidates), key=lambda candidate: seeded(self.seed, *purpose, candidate))[:count]


Ring = tuple[list[int], list[str]]


def ring(members: list[str]) -> Ring:
    """Return members in the order of their hashes: where one is added or removed, all others stay where they are."""
    order = sorted((seeded(member), member) for member in members)
    return [hashed for hashed, _ in order], [member for _, member in order]


def clockwise(around: Ring, start: int) -> Iterator[str]:
    """Return the members of a ring, beginning with the first whose hash is at least `start`."""
    hashes, members = around
    first = bisect_left(hashes, start)
    return (members[(first + step) % len(members)] for step in range(len(members)))


class Concept(NamedTuple):
    """An L1 concept."""

    knowledge: Knowledge
    id: str

    @property
    def name(self) -> Name:
        """Return its name and grammar."""
        return self.knowledge.name(self.id)

    @property
    def definition(self) -> str:
        """Return its definition."""
        found: str = self.knowledge.view.read(self.id, "definition")
        return found


class Relation(NamedTuple):
    """An L2 relation; `triple` are the ids of subject, predicate and object."""

    knowledge: Knowledge
    id: str
    triple: tuple[str, str, str]

    @property
    def subject(self) -> Concept:
        """Return the concept it is about."""
        return self.knowledge.concept(self.triple[0])

    @property
    def object(self) -> Concept:
        """Return the concept it leads to."""
        return self.knowledge.concept(self.triple[2])

    @property
    def predicate(self) -> Predicate:
        """Return how it reads."""
        return self.knowledge.predicate(self.triple[1])

    def say(self, template: str, target: Concept | None = None, end: str = "") -> str:
        """Fill one of the predicate's templates with this relation's names, or with another object's."""
        return sentence(template, self.subject.name, (target or self.object).name, end)
