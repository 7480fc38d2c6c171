"""The type checker of knowledge: references resolve, chains join, every concept is reached.

It reads recorded facts, so it can look at all of them or only at those that an edit can have broken.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prodabuild.engine.facts import Delta, Fact
    from prodabuild.engine.state import State
    from prodabuild.problems import Severity

PREDICATE = "predicate:"


class Finding(NamedTuple):
    """Something wrong with one record, at a path inside it."""

    key: str
    source: str
    path: tuple[str | int, ...]
    code: str
    message: str
    hint: str | None = None
    severity: Severity = "error"


def check_all(state: State) -> list[Finding]:
    """Return what is wrong anywhere."""
    return list(_check(state, (fact.key for fact in state.all_facts() if fact.group)))


def check_delta(state: State, delta: Delta) -> list[Finding]:
    """Return what is wrong with the records that a recorded delta can have broken."""
    if any(key.startswith(PREDICATE) for key in (*delta.upserts, *delta.removed)):
        return check_all(state)
    return list(_check(state, sorted(_touched(state, delta))))


def _touched(state: State, delta: Delta) -> set[str]:
    """Return the changed records and those that refer to them, or are referred to by them."""
    touched: set[str] = set()
    for old, new in delta.pairs():
        for fact in (old, new):
            if fact is None or not fact.group:
                continue
            value = orjson.loads(fact.value)
            touched.add(fact.key)
            if value["level"] == "concept":
                touched.update(state.posting(f"from:{fact.key}"), state.posting(f"to:{fact.key}"))
            elif value["level"] == "relation":
                touched.update((value["triple"][0], value["triple"][2]))
                touched.update(state.posting(f"step:{fact.key}"))
    return touched


def _check(state: State, keys: Iterable[str]) -> Iterator[Finding]:
    predicates = {key.removeprefix(PREDICATE) for key in state.keys(PREDICATE)}
    for key in keys:
        fact = state.fact(key)
        if fact is None or not fact.group:
            continue
        value = orjson.loads(fact.value)
        if value["level"] == "concept":
            yield from _concept(state, fact)
        elif value["level"] == "relation":
            yield from _relation(state, fact, value["triple"], predicates)
        else:
            yield from _chain(state, fact, value["steps"])


def _concept(state: State, fact: Fact) -> Iterator[Finding]:
    if not state.posting(f"from:{fact.key}") and not state.posting(f"to:{fact.key}"):
        hint = "state a relation with it, or remove it"
        yield Finding(fact.key, fact.source, ("id",), "K008", f"no relation reaches the concept {fact.key!r}", hint)


def _relation(state: State, fact: Fact, triple: list[str], predicates: set[str]) -> Iterator[Finding]:
    subject, predicate, target = triple
    for field, identity in (("subject", subject), ("object", target)):
        yield from _reference(state, fact, (field,), identity, "concept")
    if predicate not in predicates:
        message = f"the predicate {predicate!r} is not declared"
        yield Finding(
            fact.key, fact.source, ("predicate",), "K006", message, suggest(predicate, sorted(predicates), "predicates")
        )


def _chain(state: State, fact: Fact, steps: list[str]) -> Iterator[Finding]:
    triples: list[list[str] | None] = []
    for number, step in enumerate(steps):
        yield from _reference(state, fact, ("steps", number), step, "relation")
        relation = _value(state, step)
        triples.append(relation.get("triple") if relation else None)
    for number, (one, two) in enumerate(pairwise(triples), 1):
        if one and two and one[2] != two[0]:
            message = f"steps {number} and {number + 1} do not join: {one[2]!r} is not {two[0]!r}"
            yield Finding(
                fact.key,
                fact.source,
                ("steps", number),
                "K007",
                message,
                "each step begins at the concept that the one before it ends at",
            )


def _reference(state: State, fact: Fact, path: tuple[str | int, ...], identity: str, level: str) -> Iterator[Finding]:
    value = _value(state, identity)
    if value is None:
        yield Finding(fact.key, fact.source, path, "K005", f"there is no {level} {identity!r}", _alike(state, identity))
    elif value["level"] != level:
        yield Finding(fact.key, fact.source, path, "K005", f"{identity!r} is a {value['level']}, not a {level}")


def _alike(state: State, identity: str) -> str | None:
    return suggest(identity, state.keys(identity.rpartition("/")[0] + "/")[:2000], "ids")


def _value(state: State, key: str) -> dict[str, Any] | None:
    fact = state.fact(key)
    return orjson.loads(fact.value) if fact and fact.group else None
