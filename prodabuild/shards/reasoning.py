"""Recipes about what follows: what the relations prove false, and how the steps of chains join."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.knowledge.language import sentence
from prodabuild.knowledge.reading import TAXONOMIC
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.knowledge.reading import Relation

ASKED = ("Can one say that {claim}?", "Is it right that {claim}?", "Is it true that {claim}?")
STEPS = ("One step on: {question}", "Take one step: {question}", "The next step only: {question}")


class Refuted(NamedTuple):
    """A claim that cannot be true, what shows it, and the records that it names beside those of the relation."""

    proof: str
    claim: str
    because: str
    nodes: tuple[str, ...] = ()


def deny(relation: Relation) -> Iterator[Sample]:
    """A claim that the relation proves false, and beside it the relation itself: as many of the one as of the other."""
    refuted = _disjoint(relation) or _drawn(relation)
    if refuted is None:
        return
    nodes = (relation.id, relation.triple[0], relation.triple[2], *refuted.nodes)
    (phrasing,) = relation.knowledge.draw(ASKED, 1, relation.id, "deny")
    stated = _claim(relation, relation.predicate.forward)
    yield Sample("yes", phrasing.format(claim=stated), f"Yes: {stated}.", nodes[:3])
    yield Sample(refuted.proof, phrasing.format(claim=refuted.claim), f"No: {refuted.because}.", nodes)


def steps(relation: Relation) -> Iterator[Sample]:
    """A relation as a step of chains: the step itself, what may follow it and what may come before.

    A sample states one relation, never what a chain concludes; chains whose items are sealed are not read.
    """
    chains = relation.knowledge.open_chains(relation.id)
    if not chains:
        return
    nodes = (relation.id, relation.triple[0], relation.triple[2])
    start, end = relation.subject.name.text, relation.object.name.text
    stated = relation.say(relation.predicate.forward)
    (phrasing,) = relation.knowledge.draw(STEPS, 1, relation.id, "step")
    asked = phrasing.format(question=relation.say(relation.predicate.question))
    yield Sample("step", asked, f"{stated}.", nodes)
    if any(relation.id in chain[:-1] for chain in chains):
        yield Sample("next", f'Where does a step start that can follow "{stated}"?', f'At "{end}".', nodes)
    if any(relation.id in chain[1:] for chain in chains):
        yield Sample("before", f'Where does a step end that "{stated}" can follow?', f'At "{start}".', nodes)


def _claim(relation: Relation, template: str, backwards: bool = False) -> str:
    names = (relation.subject.name, relation.object.name)
    return sentence(template, *(names[::-1] if backwards else names), capitals=False)


def _disjoint(relation: Relation) -> Refuted | None:
    """Return that the subject is of a kind that is declared to share nothing with the object, or what is above it."""
    knowledge = relation.knowledge
    subject, predicate, target = relation.triple
    if predicate != "is_a":
        return None
    kinds = {other for kind in (target, *knowledge.ancestors(target)) for other in knowledge.disjoint(kind)}
    kinds -= {subject, target} | knowledge.ancestors(subject)
    if not kinds:
        return None
    (kind,) = knowledge.draw(kinds, 1, relation.id, "disjoint")
    other = knowledge.concept(kind)
    claim = sentence(relation.predicate.forward, relation.subject.name, other.name, capitals=False)
    because = f"{_claim(relation, relation.predicate.forward)}, and nothing is of both kinds"
    return Refuted("disjoint", claim, because, (kind,))


def _drawn(relation: Relation) -> Refuted | None:
    """Return the relation read backwards, where that makes a cycle, or under a predicate that excludes its own."""
    predicate, knowledge = relation.predicate, relation.knowledge
    stated = _claim(relation, predicate.forward)
    found = {}
    if predicate.acyclic and not predicate.symmetric:
        claim = _claim(relation, predicate.forward, backwards=True)
        found["backwards"] = Refuted("backwards", claim, f"it is the other way round: {stated}")
    kind = predicate.name in TAXONOMIC  # a kind is called an example in plain speech: that is not denied
    excluded = [name for name in predicate.disjoint if not (kind and name in TAXONOMIC)]
    for name in knowledge.draw(excluded, 1, relation.id, "excluded"):
        claim = _claim(relation, knowledge.predicate(name).forward)
        found["excluded"] = Refuted("excluded", claim, stated)
    return found[knowledge.draw(found, 1, relation.id, "proof")[0]] if found else None
