"""The records near an edited one, looked up in the state one by one and decoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.knowledge.predicates import PREDICATE, Predicate, opposite
from prodabuild.knowledge.reading import TAXONOMIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prodabuild.engine.state import State

    Value = dict[str, Any]


class Neighbours:
    """Records by id, and where relations lead from them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._values: dict[str, Value | None] = {}
        self.predicates: dict[str, Predicate] = {}
        for key in state.keys(PREDICATE):
            name = key.removeprefix(PREDICATE)
            self.predicates[name] = Predicate(name=name, **orjson.loads(state.value(key) or b"{}"))

    def posting(self, mark: str, key: str) -> list[str]:
        """Return the records that name one: relations `from` and `to` it, chains by `step`, samples by `about`."""
        return self._state.posting(f"{mark}:{key}")

    def value(self, key: str) -> Value | None:
        """Return what a record states."""
        if key not in self._values:
            fact = self._state.fact(key)
            self._values[key] = orjson.loads(fact.value) if fact and fact.group else None
        return self._values[key]

    def values(self, keys: Iterable[str]) -> Iterator[Value]:
        """Return what records state, those left out that are not there."""
        return (value for key in keys if (value := self.value(key)) is not None)

    def is_a(self, level: str, key: str) -> bool:
        """Tell whether there is such a record of this level."""
        value = self.value(key)
        return value is not None and value["level"] == level

    def between(self, subject: str, target: str) -> set[str]:
        """Return the relations from one concept to another."""
        return {*self.posting("from", subject)}.intersection(self.posting("to", target))

    def predicates_of(self, relations: Iterable[str]) -> set[str]:
        """Return the predicates of relations."""
        return {value["triple"][1] for value in self.values(relations)}

    def opposites(self, names: Iterable[str]) -> set[str]:
        """Return the predicates that state the same from object to subject."""
        return {other for name in names if (other := opposite(self.predicates, name))}

    def disjoint(self) -> set[tuple[str, str]]:
        """Return the pairs of kinds that are declared disjoint."""
        named = [name.partition(":")[2] for name in self._state.posting_names("disjoint:")]
        return {(kind, other) for other in named for kind in self.posting("disjoint", other)}

    def above(self, concept: str, names: Iterable[str]) -> list[str]:
        """Return where these predicates lead from a concept, and where their inverses lead to it from."""
        found: list[str] = []
        for name in names:
            found += self._ends("from", concept, name, 2)
            inverse = self.predicates[name].inverse if name in self.predicates else None
            found += self._ends("to", concept, inverse, 0) if inverse else []
        return found

    def kinds(self, concept: str) -> set[str]:
        """Return a concept and everything that it is a kind or an example of."""
        return walk(concept, lambda here: self.above(here, TAXONOMIC))

    def of_kind(self, concept: str, most: int) -> set[str]:
        """Return a concept and what is of its kind, or a few more than `most` of them."""
        return walk(
            concept, lambda here: [child for name in TAXONOMIC for child in self._ends("to", here, name, 0)], most
        )

    def _ends(self, mark: str, concept: str, name: str, end: int) -> list[str]:
        rows = self.values(self.posting(mark, concept))
        return [row["triple"][end] for row in rows if row["triple"][1] == name]


def walk(start: str, onward: Callable[[str], list[str]], most: int | None = None) -> set[str]:
    """Return everything that is reached from a start, itself included; it stops after `most`."""
    found, todo = {start}, [start]
    while todo and (most is None or len(found) <= most):
        fresh = [other for other in onward(todo.pop()) if other not in found]
        found.update(fresh)
        todo += fresh
    return found
