"""Contradictions: predicates that cannot hold between the same two concepts, kinds that share nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.knowledge.cycles import Ends, Link, links_of, pairs_of
from prodabuild.knowledge.reading import TAXONOMIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.knowledge.graph import Graph
    from prodabuild.knowledge.places import Places
    from prodabuild.problems import Problem


def check_contradictions(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which two relations between the same concepts cannot both be."""
    declared = {
        (min(name, other), max(name, other))
        for name, predicate in graph.predicates.items()
        for other in predicate.disjoint
    }
    ends: dict[str, set[Ends]] = {}
    for pair in sorted(declared):
        for name in pair:
            if name not in ends:
                ends[name] = _ends(graph, name)
        if both := ends[pair[0]] & ends[pair[1]]:
            yield from _opposed(graph, places, pair, both)
    for name, predicate in sorted(graph.predicates.items()):
        for key, (subject, _, target) in graph.relations_of(name) if predicate.symmetric else ():
            if subject == target:
                message = f"{name} is symmetric, and {key!r} leads from {subject!r} to itself"
                yield places.problem("K031", key, message, "object")


def _ends(graph: Graph, name: str) -> set[Ends]:
    """Return the pairs of concepts that a predicate holds between; a symmetric one does in both directions."""
    pairs = pairs_of(graph, name)
    symmetric = name in graph.predicates and graph.predicates[name].symmetric
    return {*pairs, *((target, subject) for subject, target in pairs)} if symmetric else set(pairs)


def _opposed(graph: Graph, places: Places, names: Ends, both: set[Ends]) -> Iterator[Problem]:
    one, two = (_relations(graph, name) for name in names)
    for ends in sorted(both):
        first, last = places.in_order((one.get(ends) or one[ends[::-1]], two.get(ends) or two[ends[::-1]]))
        message = f"{names[0]} and {names[1]} cannot both hold between {ends[0]!r} and {ends[1]!r}"
        hint = f"one of the two is wrong; the other is {first} ({places.spot(first)})"
        yield places.problem("K031", last, message, "predicate", hint=hint)


def _relations(graph: Graph, name: str) -> dict[Ends, str]:
    """Return a relation for each pair of concepts that a predicate is stated of."""
    return {(link.subject, link.object): link.relation for link in sorted(links_of(graph, name), reverse=True)}


def check_kinds(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which concepts are of two kinds that are declared disjoint; what is below such a concept is not told."""
    if not graph.disjoint:
        return
    above: dict[str, list[Link]] = {}
    below: dict[str, list[str]] = {}
    for link in (link for name in TAXONOMIC for link in links_of(graph, name)):
        above.setdefault(link.subject, []).append(link)
        below.setdefault(link.object, []).append(link.subject)
    pairs = {(min(kind, other), max(kind, other)) for kind, others in graph.disjoint.items() for other in others}
    for one, two in sorted(pairs):
        left, right = _closure(one, below), _closure(two, below)
        both = left & right
        for concept in sorted(both):
            if concept in graph.concepts and not any(link.object in both for link in above.get(concept, ())):
                yield _mixed(concept, (one, two), above.get(concept, []), left | right, places)


def _mixed(concept: str, kinds: Ends, links: list[Link], near: set[str], places: Places) -> Problem:
    message = f"{concept!r} is of the kinds {kinds[0]!r} and {kinds[1]!r}, which are declared disjoint"
    leading = places.in_order({link.relation for link in links if link.object in near})
    if not leading:  # a kind that is disjoint with itself
        return places.problem("K032", concept, message, "disjoint")
    others = ", ".join(f"{key} ({places.spot(key)})" for key in leading[:-1])
    hint = (
        f"one of these is wrong; with {others}" if others else f"the kind {kinds[0]!r} is below {kinds[1]!r}, or above"
    )
    return places.problem("K032", leading[-1], message, "object", hint=hint)


def _closure(start: str, below: dict[str, list[str]]) -> set[str]:
    """Return a kind and everything of that kind."""
    found, todo = {start}, [start]
    while todo:
        fresh = [child for child in below.get(todo.pop(), ()) if child not in found]
        found.update(fresh)
        todo += fresh
    return found
