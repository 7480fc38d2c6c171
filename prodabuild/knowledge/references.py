"""References resolve, and every concept is reached: nothing hangs in the air, and nothing stands apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prodabuild.knowledge.graph import Graph
    from prodabuild.knowledge.places import Places
    from prodabuild.problems import Problem

HINTS = 50  # missing records that get a hint: looking for ids that are alike takes time


def check_references(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which records name others that are not there, or of another level; which predicates are not declared."""
    ends = {triple[0] for triple in graph.relations.values()}
    ends.update(triple[2] for triple in graph.relations.values())
    finder = _Finder(graph, places)
    if not ends <= graph.concepts.keys():
        yield from _dangling_relations(graph, finder)
    steps = {step for steps in graph.chains.values() for step in steps}
    if not steps <= graph.relations.keys():
        yield from _dangling_chains(graph, finder)
    for key, nodes in graph.practice.items():
        missing = ((number, node) for number, node in enumerate(nodes) if node not in graph.concepts)
        lost = [(number, node) for number, node in missing if node not in graph.relations]
        if key in graph.emphasised:
            yield from _lost_emphasis(graph, finder, key, lost)
        else:
            yield from (finder.missing(key, node, "concept or relation", "nodes", number) for number, node in lost)
    for key, others in graph.disjoint.items():
        missing = ((number, other) for number, other in enumerate(others) if other not in graph.concepts)
        yield from (finder.missing(key, other, "concept", "disjoint", number) for number, other in missing)
    if not graph.triples.keys() <= graph.predicates.keys():
        yield from _undeclared(graph, places)
    if not graph.concepts.keys() <= ends:
        yield from _orphans(places, graph.concepts.keys() - ends)


def _lost_emphasis(graph: Graph, finder: _Finder, key: str, lost: Iterable[tuple[int, str]]) -> Iterator[Problem]:
    for number, node in lost:
        if number > 0:
            yield finder.missing(key, node, "concept", "against", number - 1)
        elif node not in graph.chains:
            yield finder.missing(key, node, "concept, relation or chain", "node")


def _dangling_relations(graph: Graph, finder: _Finder) -> Iterator[Problem]:
    for key, (subject, _, target) in graph.relations.items():
        if subject not in graph.concepts:
            yield finder.missing(key, subject, "concept", "subject")
        if target not in graph.concepts:
            yield finder.missing(key, target, "concept", "object")


def _dangling_chains(graph: Graph, finder: _Finder) -> Iterator[Problem]:
    for key, steps in graph.chains.items():
        for number, step in enumerate(steps):
            if step not in graph.relations:
                yield finder.missing(key, step, "relation", "steps", number)


def _undeclared(graph: Graph, places: Places) -> Iterator[Problem]:
    for predicate in graph.triples:
        if predicate not in graph.predicates:
            message = f"the predicate {predicate!r} is not declared"
            hint = suggest(predicate, sorted(graph.predicates), "predicates")
            yield from (
                places.problem("K006", key, message, "predicate", hint=hint) for key, _ in graph.relations_of(predicate)
            )


def _orphans(places: Places, orphans: Iterable[str]) -> Iterator[Problem]:
    hint = "state a relation with it, or remove it"
    for key in sorted(orphans):
        yield places.problem("K008", key, f"no relation reaches the concept {key!r}", "id", hint=hint)


class _Finder:
    """Tells what is missing, and what may have been meant."""

    def __init__(self, graph: Graph, places: Places) -> None:
        self._graph, self._places = graph, places
        self._left = HINTS
        self._folders: dict[tuple[str, str], list[str]] = {}

    def missing(self, key: str, identity: str, level: str, *path: str | int) -> Problem:
        """Return the problem of a record that names one which is not there, or is of another level."""
        found = self._level(identity)
        if found is not None:
            return self._places.problem("K005", key, f"{identity!r} is a {found}, not a {level}", *path)
        self._left -= 1
        hint = self._alike(identity, level) if self._left >= 0 else None
        return self._places.problem("K005", key, f"there is no {level} {identity!r}", *path, hint=hint)

    def _level(self, identity: str) -> str | None:
        graph = self._graph
        levels = (("concept", graph.concepts), ("relation", graph.relations), ("chain", graph.chains))
        return next((level for level, records in levels if identity in records), None)

    def _alike(self, identity: str, level: str) -> str | None:
        folder = identity.rpartition("/")[0] + "/"
        if (folder, level) not in self._folders:
            records = self._graph.relations if level == "relation" else self._graph.concepts
            self._folders[folder, level] = sorted(key for key in records if key.startswith(folder))[:2000]
        return suggest(identity, self._folders[folder, level], "ids")
