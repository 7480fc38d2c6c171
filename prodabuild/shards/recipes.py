"""The recipes that ship: each makes samples of one record. The name of its parameter says of which level.

Every question and answer ends with a mark, so that no answer is the beginning of another; distractors are
siblings that are not also right answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.digest import seeded
from prodabuild.knowledge.language import capital, with_article
from prodabuild.knowledge.misses import near_misses
from prodabuild.shards.contrast import contrast
from prodabuild.shards.phrasing import explain, reverse
from prodabuild.shards.picking import pick
from prodabuild.shards.reasoning import deny, steps
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prodabuild.knowledge.reading import Concept, Relation

DISTRACTORS = 3


def define(concept: Concept) -> Iterator[Sample]:
    """Term to meaning, and meaning to term."""
    name, meaning = concept.name.text, concept.definition
    yield Sample("meaning", f'What does "{name}" mean?', f"{capital(meaning)}.", (concept.id,))
    yield Sample("term", f"Which term means: {meaning}?", f"{name}.", (concept.id,))


def relate(relation: Relation) -> Iterator[Sample]:
    """A relation as a question and as a statement."""
    nodes = (relation.id, relation.subject.id, relation.object.id)
    predicate = relation.predicate
    yield Sample("question", relation.say(predicate.question), f"{relation.object.name.text}.", nodes)
    yield Sample(
        "statement",
        f"State a fact about {with_article(relation.subject.name)}.",
        relation.say(predicate.forward, end="."),
        nodes,
    )


def choose(relation: Relation) -> Iterator[Sample]:
    """The right object among its siblings."""
    wrong = _wrong_objects(relation, "choose")
    if not wrong:
        return
    knowledge = relation.knowledge
    options = knowledge.draw([relation.triple[2], *wrong], len(wrong) + 1, relation.id, "order")
    names = [knowledge.concept(option).name.text for option in options]
    question = f"{relation.say(relation.predicate.question)} Choose from: {', '.join(names[:-1])} or {names[-1]}."
    yield Sample("object", question, f"{relation.object.name.text}.", (relation.id, relation.triple[0], *options))


def judge(relation: Relation) -> Iterator[Sample]:
    """One true statement, and one made false by a sibling of its object."""
    forward = relation.predicate.forward
    nodes = (relation.id, relation.subject.id, relation.object.id)
    wrong = _wrong_objects(relation, "judge")[:1]
    if wrong:
        other = relation.knowledge.concept(wrong[0])
        yield Sample("true", f"True or false: {relation.say(forward, end='.')}", "True.", nodes)
        yield Sample("false", f"True or false: {relation.say(forward, other, end='.')}", "False.", (*nodes, other.id))


def _wrong_objects(relation: Relation, purpose: str) -> list[str]:
    return near_misses(relation, DISTRACTORS, seeded(relation.knowledge.seed, relation.id, purpose))


RECIPES: dict[str, Callable[..., Iterator[Sample]]] = {
    recipe.__name__: recipe for recipe in (define, relate, choose, judge, explain, reverse, contrast, pick, deny, steps)
}
PAIRED = frozenset(("judge", "deny"))  # of each record as many true claims as false ones
