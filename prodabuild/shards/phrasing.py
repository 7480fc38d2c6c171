"""Recipes that say what `define` and `relate` say in other words, and that ask the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.knowledge.language import capital, with_article
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.knowledge.reading import Concept, Relation

PHRASINGS = 2  # of those below, for each record and direction
MEANINGS = (
    'Define "{name}".',
    'Explain the term "{name}".',
    'Give the meaning of "{name}".',
    'How is "{name}" defined?',
    'What is meant by "{name}"?',
)
TERMS = (
    "Give the term for this: {meaning}.",
    "Name what is described here: {meaning}.",
    "What is the word for this: {meaning}?",
    "Which term fits this description: {meaning}?",
    "Which word has this meaning: {meaning}?",
)
FACTS = (
    "Give one fact that names {object}.",
    "Say something true about {object}.",
    "State a fact that mentions {object}.",
    "Tell one thing that is known of {object}.",
)


def explain(concept: Concept) -> Iterator[Sample]:
    """Term to meaning and meaning to term, each in two of several phrasings."""
    name, meaning = concept.name.text, concept.definition
    draw = concept.knowledge.draw
    for number, phrasing in enumerate(draw(MEANINGS, PHRASINGS, concept.id, "meaning"), 1):
        yield Sample(f"meaning{number}", phrasing.format(name=name), f"{capital(meaning)}.", (concept.id,))
    for number, phrasing in enumerate(draw(TERMS, PHRASINGS, concept.id, "term"), 1):
        yield Sample(f"term{number}", phrasing.format(meaning=meaning), f"{name}.", (concept.id,))


def reverse(relation: Relation) -> Iterator[Sample]:
    """A relation from its object: as a question, and as a statement asked for in one of several phrasings."""
    nodes = (relation.id, relation.triple[0], relation.triple[2])
    predicate = relation.predicate
    (phrasing,) = relation.knowledge.draw(FACTS, 1, relation.id, "fact")
    asked = phrasing.format(object=with_article(relation.object.name))
    yield Sample("question", relation.say(predicate.inverse_question), f"{relation.subject.name.text}.", nodes)
    yield Sample("statement", asked, relation.say(predicate.forward, end="."), nodes)
