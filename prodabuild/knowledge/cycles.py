"""Cycles: in an acyclic predicate, taken together with its inverse, no concept leads back to itself."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.knowledge.chains import conclude

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeVar

    from prodabuild.knowledge.graph import Graph
    from prodabuild.knowledge.places import Places
    from prodabuild.problems import Problem

    P = TypeVar("P", bound=tuple[str, ...])

Ends = tuple[str, str]
MOST = 100  # cycles that are told of one predicate
ROUNDS = 64  # of taking away what cannot lie on a cycle; a taxonomy is less deep, and done by then


class Link(NamedTuple):
    """A relation read in the direction of its group: that of the predicate, or backwards from its inverse."""

    subject: str
    object: str
    relation: str
    predicate: str


def check_cycles(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell the cycles of every acyclic predicate."""
    told: set[str | None] = set()
    for name in sorted(graph.predicates, key=lambda name: (-len(graph.triples.get(name, ())), name)):
        if graph.predicates[name].acyclic and name not in told:
            told.add(graph.predicates[name].inverse)
            if _core(pairs_of(graph, name)):
                for cycle in islice(find_cycles(links_of(graph, name), places), MOST):
                    yield _problem(name, cycle, places)


def check_conclusive_cycles(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell where relations of an acyclic predicate and of those it composes with conclude what cannot be.

    `x part_of y` and `y is_a x` conclude that x is part of itself.
    """
    for name, predicate in sorted(graph.predicates.items()):
        others = [other for other, result in predicate.compose.items() if result == name != other]
        pairs = pairs_of(graph, name) if predicate.acyclic and others else []
        if not pairs or not _core([*pairs, *(pair for other in others for pair in pairs_of(graph, other))]):
            continue
        mixed = [link for each in (name, *others) for link in links_of(graph, each)]
        for cycle in islice(find_cycles(mixed, places), MOST):
            turns = [cycle[at:] + cycle[:at] for at in range(len(cycle)) if cycle[at].predicate == name]
            concluding = (turn for turn in turns if len({link.predicate for link in turn}) > 1)
            for turn in concluding:
                if conclude(graph.predicates, [link.predicate for link in turn]) == name:
                    yield _conclusive(name, turn, places)
                    break


def pairs_of(graph: Graph, name: str) -> list[Ends]:
    """Return the pairs of concepts that a predicate leads from and to, those of its inverse read backwards."""
    pairs = [(triple[0], triple[2]) for triple in graph.triples.get(name, ())]
    if (inverse := _other_way(graph, name)) is not None:
        pairs += [(triple[2], triple[0]) for triple in graph.triples.get(inverse, ())]
    return pairs


def links_of(graph: Graph, name: str) -> list[Link]:
    """Return the relations behind these pairs."""
    links = [Link(triple[0], triple[2], key, name) for key, triple in graph.relations_of(name)]
    if (inverse := _other_way(graph, name)) is not None:
        links += [Link(triple[2], triple[0], key, name) for key, triple in graph.relations_of(inverse)]
    return links


def _other_way(graph: Graph, name: str) -> str | None:
    inverse = graph.predicates[name].inverse if name in graph.predicates else None
    return inverse if inverse != name else None


def find_cycles(links: Sequence[Link], places: Places) -> Iterator[list[Link]]:
    """Return cycles one by one, the last link of each being the one to doubt; that one is then left out."""
    remaining = _core(links)
    below: dict[str, list[str]] = {}
    for link in links if remaining else ():
        below.setdefault(link.object, []).append(link.subject)
    while remaining:
        by_subject: dict[str, dict[str, Link]] = {}
        for link in sorted(remaining):
            by_subject.setdefault(link.subject, {}).setdefault(link.object, link)
        try:
            TopologicalSorter({subject: sorted(ends) for subject, ends in by_subject.items()}).prepare()
        except CycleError as error:
            nodes: list[str] = error.args[1]
        else:
            return
        cycle = [by_subject[one][two] for two, one in pairwise(nodes)][::-1]
        doubt = _doubtful(cycle, below, places)
        at = cycle.index(doubt) + 1
        yield cycle[at:] + cycle[:at]
        remaining = _core([link for link in remaining if link != doubt])


def _core(pairs: Sequence[P]) -> Sequence[P]:
    """Return what is left of (subject, object, ...) when those are taken away that cannot lie on a cycle."""
    for _ in range(ROUNDS):
        if not pairs:
            break
        ends = {pair[1] for pair in pairs}
        kept = [pair for pair in pairs if pair[0] in ends]
        if len(kept) == len(pairs):
            begins = {pair[0] for pair in pairs}
            kept = [pair for pair in pairs if pair[1] in begins]
        if len(kept) == len(pairs):
            break
        pairs = kept
    return pairs


def _doubtful(cycle: list[Link], below: Mapping[str, list[str]], places: Places) -> Link:
    """Return the link that leads down rather than up: to the concept with least below it; if equal, the last."""
    sizes = {link.object: _size(link.object, below, {other.object for other in cycle}) for link in cycle}
    least = min(sizes.values())
    doubted = {link.relation: link for link in cycle if sizes[link.object] == least}
    return doubted[places.in_order(doubted)[-1]]


def _size(start: str, below: Mapping[str, list[str]], apart: set[str]) -> int:
    """Return the number of concepts below one, those `apart` and what is below them only left out."""
    seen, todo = {start}, [start]
    while todo:
        fresh = [child for child in below.get(todo.pop(), ()) if child not in seen and child not in apart]
        seen.update(fresh)
        todo += fresh
    return len(seen)


def _problem(name: str, cycle: list[Link], places: Places) -> Problem:
    last = cycle[-1]
    if len(cycle) == 1:
        message = f"{name} is acyclic, and {last.relation!r} leads from {last.subject!r} to itself"
        return places.problem("K030", last.relation, message, "object")
    others = [f"{link.relation} ({places.spot(link.relation)})" for link in cycle[:-1]]
    if len(cycle) == 2:
        message = f"{name} cannot hold both ways between {last.subject!r} and {last.object!r}"
        hint = f"one of the two is wrong; the other is {others[0]}"
        return places.problem("K031", last.relation, message, "object", hint=hint)
    way = " -> ".join([link.subject for link in cycle] + [last.object])
    message = f"{name} is acyclic, and {len(cycle)} relations lead back: {way}"
    return places.problem("K030", last.relation, message, "object", hint=f"with {', '.join(others)}")


def _conclusive(name: str, cycle: list[Link], places: Places) -> Problem:
    steps = ", ".join(f"{link.subject} {link.predicate} {link.object}" for link in cycle)
    ordered = places.in_order({link.relation for link in cycle})
    others = ", ".join(places.spot(key) for key in ordered[:-1])
    message = f"{steps}: this concludes that {cycle[0].subject!r} is {name} of itself"
    return places.problem("K033", ordered[-1], message, "object", hint=f"one of them is wrong; the others: {others}")
