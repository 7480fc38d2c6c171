"""Recipes that tell a concept from its near misses.

Wrong options are the next ones on a ring, so each is about as often right as wrong: which options come often, or are
long, or stand first, does not give the answer away.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from prodabuild.digest import seeded
from prodabuild.knowledge.evidence import may_hold
from prodabuild.knowledge.language import after, with_article
from prodabuild.knowledge.reading import TAXONOMIC
from prodabuild.segments import fold
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prodabuild.knowledge.reading import Concept, Knowledge, Relation

NEAR = 12  # siblings of an object whose subjects are near misses


def contrast(concept: Concept) -> Iterator[Sample]:
    """A concept beside a sibling, told apart by what it means; and beside a cousin, by what it is a kind of.

    The other one is the next on the ring of all that it could be, so it is wrong here once and right elsewhere once.
    """
    knowledge = concept.knowledge
    above = [relation.id for relation in knowledge.outgoing(concept.id, TAXONOMIC)]
    for link in knowledge.draw(above, 1, concept.id, "contrast"):
        relation = knowledge.relation(link)
        here = seeded(link)
        siblings = knowledge.incoming([relation.triple[2]], relation.triple[1], here)
        for sibling in islice(_unlike(concept, (other.triple[0] for other in siblings)), 1):
            if fold(sibling.definition) != fold(concept.definition):
                yield from _by_meaning(relation, sibling)
        around = knowledge.incoming([relation.triple[2], *_aunts(relation)], relation.triple[1], here)
        following = next((other for other in around if other.id != link), relation)
        for cousin in _unlike(concept, _strangers(relation, [following])):
            question = f"Which of the two is {_kind(relation)}? {options((concept, cousin), link)}"
            nodes = (concept.id, link, relation.triple[2], cousin.id)
            yield Sample("kind", question, f"{concept.name.text}.", nodes)


def _by_meaning(relation: Relation, sibling: Concept) -> Iterator[Sample]:
    concept = relation.subject
    nodes = (concept.id, relation.id, relation.triple[2], sibling.id)
    listed = options((concept, sibling), relation.id, "meaning")
    yield Sample("meaning", f"Which of the two means {concept.definition}? {listed}", f"{concept.name.text}.", nodes)
    asked = f"What sets {with_article(concept.name)} apart from {with_article(sibling.name)}?"
    apart = f'Both are {_kind(relation)}, but "{concept.name.text}" means {concept.definition}.'
    yield Sample("apart", asked, apart, nodes)


def _kind(relation: Relation) -> str:
    """Return `a kind of lizard`."""
    return after(relation.predicate.path, relation.object.name)


def _aunts(relation: Relation) -> list[str]:
    """Return siblings of a relation's object, the next ones on the ring."""
    target = relation.triple[2]
    return relation.knowledge.siblings(target, NEAR, seeded(target), ())


def _strangers(relation: Relation, others: Iterable[Relation]) -> Iterator[str]:
    """Return the subjects of other relations that nothing says this one's object is true of."""
    _, predicate, target = relation.triple
    for other in others:
        child = other.triple[0]
        if not may_hold(relation.knowledge, child, predicate, target):
            yield child


def _unlike(concept: Concept, others: Iterable[str]) -> Iterator[Concept]:
    """Return those that are neither the concept, nor above or below it, nor of the same name."""
    knowledge = concept.knowledge
    above = knowledge.ancestors(concept.id)
    for other in map(knowledge.concept, others):
        akin = other.id == concept.id or other.id in above or concept.id in knowledge.ancestors(other.id)
        if not akin and fold(other.name.text) != fold(concept.name.text):
            yield other


def options(concepts: Sequence[Concept], *purpose: str) -> str:
    """Return the options in drawn order: `Choose from: X, Y or Z.`"""
    knowledge: Knowledge = concepts[0].knowledge
    order = knowledge.draw([concept.id for concept in concepts], len(concepts), *purpose, "order")
    names = [knowledge.concept(identity).name.text for identity in order]
    return f"Choose from: {', '.join(names[:-1])} or {names[-1]}."
