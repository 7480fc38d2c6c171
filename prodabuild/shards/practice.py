"""What is practised beyond the recipes: nodes that are emphasised, and samples that people wrote.

Each stands in a bucket of its own id, so that emphasis on one node makes no other node's samples anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.digest import seeded
from prodabuild.shards.making import Made
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prodabuild.knowledge.reading import Concept, Knowledge, Relation

MOST = 3  # near misses, or links that follow, of one node


def practised(knowledge: Knowledge, records: Iterable[str]) -> Iterator[Made]:
    """Return the samples of those among some records that are an emphasis, or a sample."""
    for record in records:
        level = knowledge.level(record)
        if level in FUNCTIONS:
            yield from (Made(record, RECIPE[level], sample) for sample in FUNCTIONS[level](knowledge, record))


def emphasised(knowledge: Knowledge, emphasis: str) -> Iterator[Sample]:
    """Return more samples of a node; their variants begin with the way that they are made in."""
    node, ways = knowledge.view.read(emphasis, "node"), knowledge.view.read(emphasis, "ways")
    relation = None if knowledge.level(node) == "concept" else knowledge.relation(node)
    concept = relation.subject if relation else knowledge.concept(node)
    for way in (way for way in WAYS if way in ways):
        for sample in WAYS[way](concept, relation):
            yield sample._replace(variant=f"{way}.{sample.variant}")


def written(knowledge: Knowledge, sample: str) -> Iterator[Sample]:
    """Return a sample as somebody wrote it."""
    nodes, question, answer = (knowledge.view.read(sample, name) for name in ("nodes", "question", "answer"))
    yield Sample("sample", question, answer, tuple(nodes))


def contrast(concept: Concept, relation: Relation | None) -> Iterator[Sample]:
    """A concept told apart from its siblings; a relation told apart from what holds for the siblings of its object."""
    if relation is not None:
        yield from _contrast_objects(relation)
        return
    knowledge = concept.knowledge
    for other in knowledge.siblings(concept.id, MOST, seeded(knowledge.seed, concept.id, "contrast"), ())[:MOST]:
        sibling = knowledge.concept(other)
        question = f'What tells "{concept.name.text}" from "{sibling.name.text}"?'
        told = [f'"{one.name.text}" means: {one.definition}' for one in (concept, sibling)]
        yield Sample(other, question, f"{'; '.join(told)}.", (concept.id, other))


def _contrast_objects(relation: Relation) -> Iterator[Sample]:
    knowledge, (subject, predicate, target) = relation.knowledge, relation.triple
    refused = {subject, *(other.triple[2] for other in knowledge.outgoing(subject, [predicate]))}
    refused |= knowledge.ancestors(subject)
    draw = seeded(knowledge.seed, relation.id, "contrast")
    forward = relation.predicate.forward
    for other in knowledge.siblings(target, MOST, draw, refused)[:MOST]:
        sibling = knowledge.concept(other)
        right, wrong = relation.say(forward, end="."), relation.say(forward, sibling, end=".")
        one, two = sorted((right, wrong), key=lambda text: seeded(knowledge.seed, relation.id, other, text))
        yield Sample(other, f'Which is right: "{one}" or "{two}"?', right, (relation.id, subject, target, other))


def steps(concept: Concept, relation: Relation | None) -> Iterator[Sample]:
    """A link, and each link that begins where it ends: one after the other, nothing concluded."""
    knowledge = concept.knowledge
    firsts = knowledge.outgoing(concept.id) if relation is None else [relation]
    pairs = {
        f"{first.id}>{second.id}": (first, second)
        for first in firsts
        for second in knowledge.outgoing(first.triple[2])
        if second.triple[2] != concept.id
    }
    for pair in knowledge.draw(pairs, MOST, concept.id, "steps"):
        first, second = pairs[pair]
        told = [link.say(link.predicate.forward, end=".") for link in (first, second)]
        nodes = (first.id, second.id, *first.triple[::2], second.triple[2])
        yield Sample(pair, f"Go on link by link from: {told[0]}", f"Link by link: {told[0]} {told[1]}", nodes)


WAYS: dict[str, Callable[[Concept, Relation | None], Iterator[Sample]]] = {"contrast": contrast, "steps": steps}
FUNCTIONS: dict[str, Callable[[Knowledge, str], Iterator[Sample]]] = {"emphasis": emphasised, "sample": written}
RECIPE = {"emphasis": "emphasis", "sample": "written"}  # what the samples of a level call their recipe
