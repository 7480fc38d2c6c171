"""The type checker of knowledge: everything that must hold between records, and what a reader should look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.knowledge.contradictions import check_contradictions, check_kinds
from prodabuild.knowledge.cycles import check_conclusive_cycles, check_cycles
from prodabuild.knowledge.definitions import check_beginnings, check_definitions
from prodabuild.knowledge.duplicates import check_concepts, check_statements
from prodabuild.knowledge.graph import gather
from prodabuild.knowledge.joints import check_conclusions, check_joints
from prodabuild.knowledge.places import Places
from prodabuild.knowledge.quotes import Documents, check_documents, check_quotes, check_sources
from prodabuild.knowledge.references import check_references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from prodabuild.engine.facts import Fact
    from prodabuild.knowledge.graph import Graph
    from prodabuild.problems import Problem


def check_all(root: Path, read: Callable[[], Iterable[Fact]]) -> list[Problem]:
    """Return the errors in everything that facts state; `read` gives them each time it is called."""
    return list(errors(root, gather(read, wordings=False)))


def errors(root: Path, graph: Graph) -> Iterator[Problem]:
    """Return what must be mended before anything can be built."""
    places = Places(root, lambda: graph.files)
    yield from check_references(graph, places)
    yield from check_joints(graph, places)
    yield from check_statements(graph, places)
    yield from check_cycles(graph, places)
    yield from check_contradictions(graph, places)
    yield from check_kinds(graph, places)
    yield from check_definitions(graph, places)
    yield from check_quotes(graph, places, Documents(root, graph.folders))


def warnings(root: Path, graph: Graph, strict: bool) -> Iterator[Problem]:
    """Return what a person should look at; `strict` asks for the source of every record, too."""
    places = Places(root, lambda: graph.files)
    yield from check_conclusions(graph, places)
    yield from check_conclusive_cycles(graph, places)
    yield from check_concepts(graph, places)
    yield from check_beginnings(graph, places)
    yield from check_documents(graph, places, Documents(root, graph.folders))
    if strict:
        yield from check_sources(graph, places)
