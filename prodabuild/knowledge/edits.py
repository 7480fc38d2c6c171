"""What an edit can have broken: only the records that it touches are looked at, and their neighbours.

The state was sound before. If nothing is wrong near the edit, nothing is wrong; if something is, everything is
checked, so that an edit is told the same errors as the whole. What is sound may be doubted here (that costs time),
what is not is never passed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.engine.code import MODULE
from prodabuild.knowledge.check import check_all
from prodabuild.knowledge.definitions import says_nothing
from prodabuild.knowledge.graph import Term
from prodabuild.knowledge.neighbours import Neighbours, walk
from prodabuild.knowledge.predicates import PREDICATE
from prodabuild.knowledge.quotes import ERRORS, Documents, misquoted
from prodabuild.knowledge.reading import TAXONOMIC
from prodabuild.knowledge.records import DOCUMENT, FOLDERS, nodes_of
from prodabuild.knowledge.wording import labels, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.engine.facts import Delta, Fact
    from prodabuild.engine.state import State
    from prodabuild.problems import Problem

FEW = 5000  # changed records; from here on, checking all of them is quicker than looking each one up
NEAR = 200  # concepts of an edited kind that are looked at one by one
MANY = 20_000  # facts; from here on, a process of its own pays for a check of all of them
RULES = (PREDICATE, f"{MODULE}prodabuild.knowledge.", FOLDERS)  # what these keys begin says what is sound at all


def check_delta(root: Path, state: State, delta: Delta) -> list[Problem]:
    """Return the errors that a recorded delta has brought in."""
    if len(delta.upserts) == state.count_facts():  # a first load: what was read is still at hand
        return check_first(root, delta)
    moved = (*delta.upserts, *delta.removed)
    wide = len(moved) > FEW or any(key.startswith(RULES) for key in moved)
    return check_all(root, state.all_facts) if wide or not _sound(root, state, delta) else []


def check_first(root: Path, delta: Delta) -> list[Problem]:
    """Return the errors in a delta that is all there is."""
    return check_all(root, delta.upserts.values)


def _sound(root: Path, state: State, delta: Delta) -> bool:
    if any(_disjoint(old) != _disjoint(new) for old, new in delta.pairs()):
        return False
    near = Neighbours(state)
    folders = state.value(FOLDERS)
    documents = Documents(root, orjson.loads(folders)["folders"] if folders else [])
    return all(_record(near, documents, key) for key in sorted(set(_touched(near, delta))))


def _disjoint(fact: Fact | None) -> list[str] | None:
    if fact is None or b'"disjoint":' not in fact.value:
        return None
    found: list[str] | None = orjson.loads(fact.value).get("disjoint")
    return found


def _touched(near: Neighbours, delta: Delta) -> Iterator[str]:
    """Return the changed records, those that refer to them, those they refer to, and what quotes a changed document."""
    for fact in (fact for pair in delta.pairs() for fact in pair if fact is not None):
        if fact.key.startswith(DOCUMENT):
            yield from near.posting("document", fact.key.removeprefix(DOCUMENT))
        if not fact.group:
            continue
        yield fact.key
        value = orjson.loads(fact.value)
        if value["level"] == "concept":
            for mark in ("from", "to", "disjoint", "about"):
                yield from near.posting(mark, fact.key)
        elif value["level"] == "relation":
            yield from value["triple"][::2]
            for mark in ("step", "about"):
                yield from near.posting(mark, fact.key)


def _record(near: Neighbours, documents: Documents, key: str) -> bool:
    value = near.value(key)
    if value is None:
        return True
    wrong = misquoted(value["source"], documents) if "source" in value else None
    if wrong is not None and wrong.code in ERRORS:
        return False
    match value["level"]:
        case "concept":
            return _concept(near, key, value)
        case "relation":
            return _relation(near, key, value["triple"])
        case "chain":
            return _chain(near, key, value["steps"])
    emphasised = value["level"] == "emphasis" and near.is_a("chain", value["node"])
    nodes = value.get("against", []) if emphasised else nodes_of(value)
    return all(near.is_a("concept", node) or near.is_a("relation", node) for node in nodes)


def _concept(near: Neighbours, key: str, value: dict[str, Any]) -> bool:
    reached = near.posting("from", key) or near.posting("to", key)
    known = all(near.is_a("concept", other) for other in value.get("disjoint", ()))
    term = _term(value)
    return bool(reached) and known and not says_nothing(term) and not _circular(near, key, term)


def _circular(near: Neighbours, key: str, term: Term) -> bool:
    """Tell whether a concept is named by what defines it: what its name defines, what the names of those define, ..."""
    if meaning(term.definition) is None:
        return False

    def defined_by(one: str) -> list[str]:
        return [
            other
            for value in near.values([one])
            for label in labels(value["name"][0], value.get("aliases", []))
            for other in near.posting("means", label)
            if other != one
        ]

    return any(key in defined_by(other) for other in walk(key, defined_by) - {key})


def _term(value: dict[str, Any]) -> Term:
    return Term(value["name"][0], value["definition"], value.get("aliases", []))


def _relation(near: Neighbours, key: str, triple: list[str]) -> bool:
    subject, name, target = triple
    return (
        name in near.predicates
        and near.is_a("concept", subject)
        and near.is_a("concept", target)
        and not (subject == target and near.predicates[name].symmetric)
        and not _opposed(near, key, triple)
        and not _closes_cycle(near, triple)
        and not _mixes_kinds(near, triple)
    )


def _opposed(near: Neighbours, key: str, triple: list[str]) -> bool:
    """Tell whether another relation between the two concepts states the same, or what cannot be true beside it."""
    subject, name, target = triple
    forth = near.predicates_of(near.between(subject, target) - {key})
    back = near.predicates_of(near.between(target, subject) - {key})
    beside = [(name, other) for other in forth | near.opposites(back)]
    beside += [(mine, other) for mine in near.opposites([name]) for other in back | near.opposites(forth)]
    return name in forth or any(
        two in near.predicates[one].disjoint
        for pair in beside
        for one, two in (pair, pair[::-1])
        if one in near.predicates
    )


def _closes_cycle(near: Neighbours, triple: list[str]) -> bool:
    subject, name, target = triple
    return near.predicates[name].acyclic and subject in walk(target, lambda here: near.above(here, [name]))


def _mixes_kinds(near: Neighbours, triple: list[str]) -> bool:
    """Tell whether by this relation a concept may be of two disjoint kinds: it, or something of its kind."""
    pairs = near.disjoint()
    if not pairs or not {triple[1], *near.opposites([triple[1]])}.intersection(TAXONOMIC):
        return False
    if near.opposites(TAXONOMIC):  # kinds that are stated the other way round, too: left to the check of everything
        return True
    if not near.kinds(triple[2]).intersection(kind for pair in pairs for kind in pair):
        return False
    below = near.of_kind(triple[0], NEAR)
    return len(below) > NEAR or any(near.kinds(concept).issuperset(pair) for concept in below for pair in pairs)


def _chain(near: Neighbours, key: str, steps: list[str]) -> bool:
    if not all(near.is_a("relation", step) for step in steps):
        return False
    triples = [value["triple"] for value in near.values(steps)]
    twins = near.values(other for other in near.posting("step", steps[0]) if other != key)
    return all(one[2] == two[0] for one, two in pairwise(triples)) and all(twin["steps"] != steps for twin in twins)
