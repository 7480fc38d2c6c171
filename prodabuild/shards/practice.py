"""What is practised beyond the recipes: nodes that are emphasised, and samples that people wrote.

Each stands in a bucket of its own id, so that emphasis on one node makes no other node's samples anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import seeded
from prodabuild.errors import ProjectError
from prodabuild.knowledge.chains import conclude
from prodabuild.knowledge.language import after, sentence
from prodabuild.knowledge.misses import Spoken
from prodabuild.knowledge.splits import split_of
from prodabuild.shards.making import Made
from prodabuild.shards.phrasing import explain, reverse
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from prodabuild.knowledge.reading import Concept, Knowledge, Relation

RECALLED = ("Answer in a word: {question}", "Recall this: {question}")
MOST = 3  # near misses, or links that follow, of one node


def practised(knowledge: Knowledge, records: Iterable[str]) -> Iterator[Made]:
    """Return the samples of those among some records that are an emphasis, or a sample."""
    for record in records:
        level = knowledge.level(record)
        if level in FUNCTIONS:
            yield from (Made(record, RECIPE[level], sample) for sample in FUNCTIONS[level](knowledge, record))


def emphasised(knowledge: Knowledge, emphasis: str) -> Iterator[Sample]:
    """Return more samples of a node; their variants begin with the way that they are made in."""
    node, ways, against = (knowledge.view.read(emphasis, name) for name in ("node", "ways", "against"))
    for way in (way for way in WAYS if way in ways):
        for sample in WAYS[way](_look_up(knowledge, node, tuple(against or ()))):
            yield sample._replace(variant=f"{way}.{sample.variant}")


class Node(NamedTuple):
    """What is emphasised: a concept, a relation of it, or a chain; and the concepts that it is taken for."""

    concept: Concept
    relation: Relation | None
    chain: str | None
    against: tuple[str, ...]


def _look_up(knowledge: Knowledge, node: str, against: tuple[str, ...]) -> Node:
    level = knowledge.level(node)
    if level == "chain":
        first = knowledge.relation(knowledge.view.read(node, "steps")[0])
        return Node(first.subject, None, node, against)
    relation = None if level == "concept" else knowledge.relation(node)
    return Node(relation.subject if relation else knowledge.concept(node), relation, None, against)


def written(knowledge: Knowledge, sample: str) -> Iterator[Sample]:
    """Return a sample as somebody wrote it."""
    nodes, question, answer = (knowledge.view.read(sample, name) for name in ("nodes", "question", "answer"))
    yield Sample("sample", question, answer, tuple(nodes))


def recall(node: Node) -> Iterator[Sample]:
    """A concept, or a relation, in other words than those of the recipes that are on by default."""
    if node.relation is not None:
        relation = node.relation
        nodes = (relation.id, relation.triple[0], relation.triple[2])
        question = relation.say(relation.predicate.question)
        for number, phrasing in enumerate(RECALLED, 1):
            asked = phrasing.format(question=question)
            yield Sample(f"question{number}", asked, f"{relation.object.name.text}.", nodes)
        yield from reverse(relation)
    elif node.chain is None:
        yield from explain(node.concept)


def contrast(node: Node) -> Iterator[Sample]:
    """A concept told apart from its siblings; a relation told apart from what holds for the siblings of its object."""
    if node.relation is not None:
        yield from _contrast_objects(node.relation, node.against)
    elif node.chain is None:
        concept, knowledge = node.concept, node.concept.knowledge
        near = knowledge.siblings(concept.id, MOST, seeded(knowledge.seed, concept.id, "contrast"), ())
        for other in _first(node.against, near, {concept.id}):
            sibling = knowledge.concept(other)
            question = f'What tells "{concept.name.text}" from "{sibling.name.text}"?'
            told = [f'"{one.name.text}" means: {one.definition}' for one in (concept, sibling)]
            yield Sample(other, question, f"{'; '.join(told)}.", (concept.id, other))


def _contrast_objects(relation: Relation, against: tuple[str, ...]) -> Iterator[Sample]:
    knowledge, (subject, _, target) = relation.knowledge, relation.triple
    refused = Spoken(relation)
    draw = seeded(knowledge.seed, relation.id, "contrast")
    forward = relation.predicate.forward
    for other in _first(against, knowledge.siblings(target, MOST, draw, refused), refused):
        sibling = knowledge.concept(other)
        right, wrong = relation.say(forward, end="."), relation.say(forward, sibling, end=".")
        one, two = sorted((right, wrong), key=lambda text: seeded(knowledge.seed, relation.id, other, text))
        yield Sample(other, f'Which is right: "{one}" or "{two}"?', right, (relation.id, subject, target, other))


def _first(against: Sequence[str], near: Sequence[str], refused: Container[str]) -> list[str]:
    """Return near misses, those that were named before those that were drawn."""
    named = [other for other in against if other not in refused]
    return list(dict.fromkeys([*named, *near]))[: max(MOST, len(named))]


def steps(node: Node) -> Iterator[Sample]:
    """A link, and each link that begins where it ends, nothing concluded; of a chain, its links and what follows."""
    knowledge = node.concept.knowledge
    if node.chain is not None:
        yield from _conclude(knowledge, node.chain)
        return
    firsts = [node.relation] if node.relation else knowledge.outgoing(node.concept.id)
    pairs = {
        f"{first.id}>{second.id}": (first, second)
        for first in firsts
        for second in knowledge.outgoing(first.triple[2])
        if second.triple[2] != node.concept.id
    }
    for pair in knowledge.draw(pairs, MOST, node.concept.id, "steps"):
        first, second = pairs[pair]
        told = [link.say(link.predicate.forward, end=".") for link in (first, second)]
        nodes = (first.id, second.id, *first.triple[::2], second.triple[2])
        yield Sample(pair, f"Go on link by link from: {told[0]}", f"Link by link: {told[0]} {told[1]}", nodes)


def _conclude(knowledge: Knowledge, chain: str) -> Iterator[Sample]:
    if split_of(chain, knowledge.view.read("manifest", "chains.sealed") or 0.0) == "sealed":
        raise ProjectError(f"{chain} is sealed: what it concludes may not be practised", "emphasise another chain")
    links = [knowledge.relation(step) for step in knowledge.view.read(chain, "steps")]
    follows = conclude({link.triple[1]: link.predicate for link in links}, [link.triple[1] for link in links])
    if follows is None:
        return
    subject, target = links[0].subject.name, links[-1].object.name
    nodes = (links[0].triple[0], *(node for link in links for node in (link.id, link.triple[2])))
    told = " ".join(link.say(link.predicate.forward, end=".") for link in links)
    so = sentence(knowledge.predicate(follows).forward, subject, target, ".", capitals=False)
    yield Sample("whole", f"What follows, link by link, from: {told}", f"So {so}", nodes)
    path = ", then ".join(after(link.predicate.path, link.object.name) for link in links[:-1])
    start = sentence("{a subject} {is}", subject, subject, capitals=False)
    asked = f"Follow the links: {start} {path}, then {links[-1].predicate.path} which?"
    yield Sample("end", asked, f"{target.text}.", nodes)


WAYS: dict[str, Callable[[Node], Iterator[Sample]]] = {"recall": recall, "contrast": contrast, "steps": steps}
FUNCTIONS: dict[str, Callable[[Knowledge, str], Iterator[Sample]]] = {"emphasis": emphasised, "sample": written}
RECIPE = {"emphasis": "emphasis", "sample": "written"}  # what the samples of a level call their recipe
