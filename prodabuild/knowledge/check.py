"""The type checker of knowledge: references resolve, chains join, every concept is reached.

It reads recorded facts, so it can look at all of them or only at those that an edit can have broken.
"""

from __future__ import annotations

from itertools import pairwise, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prodabuild.engine.facts import Delta
    from prodabuild.engine.state import State
    from prodabuild.problems import Severity

PREDICATE = "predicate:"
HINTS = 50  # missing records that get a hint: looking for ids that are alike takes time
FEW = 5000  # changed records; from here on, checking all of them is quicker than looking each one up


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
    facts = [(key, source, _lean(value)) for key, source, value in state.grouped_facts()]
    values = {key: value for key, _, value in facts}
    ends = {end for value in values.values() if value["level"] == "relation" for end in value["triple"][::2]}
    whole = _Scope(values.get, ends.__contains__, _predicates(state), state, repeat(True, HINTS))
    return [finding for key, source, value in facts for finding in _check(whole, key, source, value)]


def _lean(value: bytes) -> dict[str, Any]:
    """Return only what the checks look at: all records are held at once."""
    whole = orjson.loads(value)
    return {name: whole[name] for name in ("level", "triple", "steps") if name in whole}


def check_delta(state: State, delta: Delta) -> list[Finding]:
    """Return what is wrong with the records that a recorded delta can have broken."""
    moved = (*delta.upserts, *delta.removed)
    if len(moved) > FEW or any(key.startswith(PREDICATE) for key in moved):
        return check_all(state)

    def reached(key: str) -> bool:
        return bool(state.posting(f"from:{key}") or state.posting(f"to:{key}"))

    near = _Scope(lambda key: _value(state, key), reached, _predicates(state), state, repeat(True, HINTS))
    found = [state.fact(key) for key in sorted(_touched(state, delta))]
    return [
        finding
        for fact in found
        if fact and fact.group
        for finding in _check(near, fact.key, fact.source, orjson.loads(fact.value))
    ]


class _Scope(NamedTuple):
    """How the checks look things up: in memory when all is checked, in the state when little is."""

    value: Callable[[str], dict[str, Any] | None]
    reached: Callable[[str], bool]
    predicates: list[str]
    state: State
    hints: Iterator[bool]


def _predicates(state: State) -> list[str]:
    return sorted(key.removeprefix(PREDICATE) for key in state.keys(PREDICATE))


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


def _check(scope: _Scope, key: str, source: str, value: dict[str, Any]) -> Iterator[Finding]:
    if value["level"] == "concept":
        return _concept(scope, key, source)
    if value["level"] == "relation":
        return _relation(scope, key, source, value["triple"])
    return _chain(scope, key, source, value["steps"])


def _concept(scope: _Scope, key: str, source: str) -> Iterator[Finding]:
    if not scope.reached(key):
        hint = "state a relation with it, or remove it"
        yield Finding(key, source, ("id",), "K008", f"no relation reaches the concept {key!r}", hint)


def _relation(scope: _Scope, key: str, source: str, triple: list[str]) -> Iterator[Finding]:
    subject, predicate, target = triple
    for field, identity in (("subject", subject), ("object", target)):
        yield from _reference(scope, key, source, (field,), identity, "concept")
    if predicate not in scope.predicates:
        message = f"the predicate {predicate!r} is not declared"
        hint = suggest(predicate, scope.predicates, "predicates")
        yield Finding(key, source, ("predicate",), "K006", message, hint)


def _chain(scope: _Scope, key: str, source: str, steps: list[str]) -> Iterator[Finding]:
    triples: list[list[str] | None] = []
    for number, step in enumerate(steps):
        yield from _reference(scope, key, source, ("steps", number), step, "relation")
        relation = scope.value(step)
        triples.append(relation.get("triple") if relation else None)
    for number, (one, two) in enumerate(pairwise(triples), 1):
        if one and two and one[2] != two[0]:
            message = f"steps {number} and {number + 1} do not join: {one[2]!r} is not {two[0]!r}"
            hint = "each step begins at the concept that the one before it ends at"
            yield Finding(key, source, ("steps", number), "K007", message, hint)


def _reference(
    scope: _Scope, key: str, source: str, path: tuple[str | int, ...], identity: str, level: str
) -> Iterator[Finding]:
    value = scope.value(identity)
    if value is None:
        hint = _alike(scope.state, identity) if next(scope.hints, None) else None
        yield Finding(key, source, path, "K005", f"there is no {level} {identity!r}", hint)
    elif value["level"] != level:
        yield Finding(key, source, path, "K005", f"{identity!r} is a {value['level']}, not a {level}")


def _alike(state: State, identity: str) -> str | None:
    return suggest(identity, state.keys(identity.rpartition("/")[0] + "/")[:2000], "ids")


def _value(state: State, key: str) -> dict[str, Any] | None:
    fact = state.fact(key)
    return orjson.loads(fact.value) if fact and fact.group else None
