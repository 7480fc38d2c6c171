"""Probes: questions that tell what a model lacks, made from the knowledge along a chain.

Each is a choice by log-likelihood, as the tests are. What one draw of wrong options says is little: most are
asked in several ways, against other near misses each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from prodabuild.digest import seeded
from prodabuild.errors import ProjectError
from prodabuild.evaluation.encoding import request_of
from prodabuild.knowledge.language import with_article
from prodabuild.knowledge.misses import near_misses
from prodabuild.segments import fold
from prodabuild.suites.chain import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.evaluation.encoding import Request
    from prodabuild.knowledge.reading import Concept, Knowledge, Relation

Kind = Literal["recall", "meaning", "link", "given", "order"]
WRONG = 3  # options beside the right one
DRAWS = ("first", "second")  # of wrong options
ORDERS = 4


class SealedItemError(ProjectError):
    """An item that is for scoring only was given to diagnosis. An exception, not an `assert`: `python -O` keeps it."""


class Probe(NamedTuple):
    """One question: of what kind, about which record or item, and which of its options is right."""

    kind: Kind
    about: str
    request: Request
    gold: int
    options: tuple[str, ...]  # the concepts that the options name, or their numbers in the item


class Item(NamedTuple):
    """A dev item that is diagnosed. Nothing that drafts a patch may hold one."""

    id: str
    discipline: str
    question: str
    choices: tuple[str, ...]
    gold: int
    concepts: tuple[str, ...]  # those that the choices name
    violates: tuple[str, ...]  # the relation that each choice violates; of the right one, nothing
    steps: tuple[str, ...]


def read_item(row: dict[str, Any], steps: Sequence[str]) -> Item:
    """Return an item from its row in a suite's file; raises `SealedItemError` unless it is a dev item."""
    if row["split"] != "dev":
        raise SealedItemError(f"{row['id']} is sealed: nobody may look into it", "diagnose dev items")
    return Item(
        row["id"],
        row["discipline"],
        row["question"],
        tuple(row["choices"]),
        row["gold"],
        tuple(option["concept"] for option in row["options"]),
        tuple(option["violates"] for option in row["options"]),
        tuple(steps),
    )


def recall(relation: Relation) -> Iterator[Probe]:
    """Does the model know a relation? Asked for its object, and to state it, against two draws of near misses."""
    template = relation.predicate.forward
    for purpose in DRAWS:
        options = _mixed(relation.knowledge, relation.triple[2], _near_misses(relation, purpose), relation.id, purpose)
        if len(options) < 2:
            continue
        names = [f"{relation.knowledge.concept(option).name.text}." for option in options]
        yield _probe("recall", relation.id, relation.say(relation.predicate.question), names, options, relation)
        stated = [relation.say(template, relation.knowledge.concept(option), end=".") for option in options]
        asked = f"State a fact about {with_article(relation.subject.name)}."
        yield _probe("recall", relation.id, asked, stated, options, relation)


def link(relation: Relation) -> Iterator[Probe]:
    """Does the model take one link alone, in the words that tests use for it?"""
    for purpose in DRAWS:
        options = _mixed(relation.knowledge, relation.triple[2], _near_misses(relation, purpose), relation.id, "link")
        if len(options) < 2:
            continue
        names = [f"{relation.knowledge.concept(option).name.text}." for option in options]
        asked = ask([relation.predicate.path], relation.subject.name, [])
        yield _probe("link", relation.id, asked, names, options, relation)


def meaning(concept: Concept) -> Iterator[Probe]:
    """Does the model know a concept by its definition? Its name is to be told from those of its siblings."""
    knowledge = concept.knowledge
    for purpose in DRAWS:
        draw = seeded(knowledge.seed, concept.id, "meaning", purpose)
        wrong = _distinct(knowledge, concept.id, knowledge.siblings(concept.id, WRONG, draw, ()))
        options = _mixed(knowledge, concept.id, wrong, concept.id, purpose)
        if len(options) < 2:
            continue
        names = [f"{knowledge.concept(option).name.text}." for option in options]
        asked = f"Which term means: {concept.definition}?"
        yield Probe("meaning", concept.id, request_of(asked, names), options.index(concept.id), tuple(options))


def given(item: Item, facts: Sequence[str]) -> Iterator[Probe]:
    """The item once more, the facts that it needs before it: in their order, and the other way round."""
    for told in (facts, facts[::-1]):
        asked = f"{' '.join(told)} {item.question}"
        yield Probe("given", item.id, request_of(asked, item.choices), item.gold, _numbers(item))


def reordered(item: Item) -> Iterator[Probe]:
    """The item with its options shown, in several orders."""
    for first in range(min(ORDERS, len(item.choices))):
        shown = [choice.removesuffix(".") for choice in (*item.choices[first:], *item.choices[:first])]
        asked = f"{item.question} Choose from: {', '.join(shown[:-1])} or {shown[-1]}."
        yield Probe("order", item.id, request_of(asked, item.choices), item.gold, _numbers(item))


def _probe(
    kind: Kind, about: str, asked: str, answers: Sequence[str], options: Sequence[str], relation: Relation
) -> Probe:
    return Probe(kind, about, request_of(asked, answers), options.index(relation.triple[2]), tuple(options))


def _near_misses(relation: Relation, purpose: str) -> list[str]:
    return near_misses(relation, WRONG, seeded(relation.knowledge.seed, relation.id, "probe", purpose))


def _distinct(knowledge: Knowledge, right: str, wrong: Sequence[str]) -> list[str]:
    """Return the wrong options whose names differ from the right one's, and from each other's."""
    names = {fold(knowledge.concept(right).name.text)}
    found = []
    for other in wrong:
        name = fold(knowledge.concept(other).name.text)
        if name not in names:
            names.add(name)
            found.append(other)
    return found[:WRONG]


def _mixed(knowledge: Knowledge, right: str, wrong: Sequence[str], *purpose: str) -> list[str]:
    return knowledge.draw([right, *wrong], len(wrong) + 1, *purpose, "order")


def _numbers(item: Item) -> tuple[str, ...]:
    return tuple(map(str, range(len(item.choices))))
