"""L3 chains derived from L2 relations: two to four steps that join, and what they conclude by composition."""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heapreplace
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import seeded
from prodabuild.knowledge.language import Name, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

    from prodabuild.knowledge.predicates import Predicate

LENGTHS = {2: 0.6, 3: 0.3, 4: 0.1}  # steps of a chain -> its share of the chains that are kept


class Link(NamedTuple):
    """One relation as a step: its id and its triple."""

    id: str
    subject: str
    predicate: str
    object: str


def conclude(predicates: Mapping[str, Predicate], steps: Sequence[str]) -> str | None:
    """Return the predicate that holds between the ends of a chain with these predicates, None when none follows."""
    result = steps[0]
    for step in steps[1:]:
        following = predicates[result].compose.get(step) if result in predicates else None
        if following is None:
            return None
        result = following
    return result


class Links(NamedTuple):
    """All links by the concept that they lead from; `double` are the ends that more than one link joins."""

    outgoing: Mapping[str, list[Link]]
    double: Set[tuple[str, str]]


def by_subject(links: Iterable[Link]) -> Links:
    """Return links as chains are derived from them."""
    outgoing: dict[str, list[Link]] = {}
    for link in links:
        outgoing.setdefault(link.subject, []).append(link)
    ends = Counter((link.subject, link.object) for some in outgoing.values() if len(some) > 1 for link in some)
    return Links(outgoing, {pair for pair, count in ends.items() if count > 1})


def derive_chains(
    names: Mapping[str, Name],
    links: Links,
    predicates: Mapping[str, Predicate],
    starts: Iterable[str],
    most: int,
    keep: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Return up to `most` chains that begin in `starts`: mostly of two steps, spread over first and last concepts.

    Those whose id is in `keep` come before all others, so that chains stay when links come and go.
    """
    begin = list(starts)
    own = set(begin)
    chosen = [path for identity in keep if (path := _follow(links.outgoing, predicates, identity, own))][:most]
    kept = set(chosen)
    left = begin if len(chosen) < most else []
    paths = [path for start in left for path in _paths(links.outgoing, predicates, start)]
    found = _distinct(paths, links.double)
    for length, share in LENGTHS.items():
        room = int(most * share) - sum(len(path) == length for path in kept)
        room = most - len(chosen) if length == max(LENGTHS) else min(room, most - len(chosen))
        chosen += _spread([path for path in found if len(path) == length and path not in kept], room, kept)
    return [_chain(path, names, predicates) for path in sorted(chosen)]


def _distinct(paths: list[tuple[Link, ...]], double: Set[tuple[str, str]]) -> list[tuple[Link, ...]]:
    """Return one path for each id: two links between the same concepts would make two chains of one name."""
    if not double:
        return paths
    first: dict[str, tuple[Link, ...]] = {}
    return [
        path
        for path in paths
        if double.isdisjoint((link.subject, link.object) for link in path)
        or first.setdefault(_identity(path), path) is path
    ]


def _follow(
    outgoing: Mapping[str, list[Link]], predicates: Mapping[str, Predicate], identity: str, starts: Set[str]
) -> tuple[Link, ...] | None:
    """Return the path that a chain's id names, if it can be walked; of several, the one that `_paths` has first."""
    folder, _, local = identity.rpartition("/")
    first, *others = local.split("..")
    grown: list[tuple[Link, ...]] = [()] if f"{folder}/{first}" in starts and len(others) in LENGTHS else []
    for name in others:
        grown = [
            (*path, link)
            for path in grown
            for link in outgoing.get(path[-1].object if path else f"{folder}/{first}", [])
            if link.object.rpartition("/")[2] == name
            and link.object not in {f"{folder}/{first}", *(step.object for step in path)}
            and conclude(predicates, [step.predicate for step in (*path, link)])
        ]
    return grown[0] if grown else None


def _spread(paths: list[tuple[Link, ...]], most: int, beside: Iterable[tuple[Link, ...]]) -> list[tuple[Link, ...]]:
    """Return up to `most` paths such that no first or last concept is used much more often than another."""
    used = Counter(end for path in beside if path for end in (path[0].subject, path[-1].object))

    def wear(path: tuple[Link, ...]) -> int:
        return used[path[-1].object] + 4 * used[path[0].subject]

    order = sorted(paths, key=lambda path: seeded(*(link.id for link in path)))
    heap = [(0, at) for at in range(len(order))]
    chosen: list[tuple[Link, ...]] = []
    while heap and len(chosen) < most:
        known, at = heap[0]
        path = order[at]
        if (now := wear(path)) > known:  # wear only grows: what is still least when looked at again is the least
            heapreplace(heap, (now, at))
            continue
        heappop(heap)
        used.update((path[0].subject, path[-1].object))
        chosen.append(path)
    return chosen


def _paths(
    outgoing: Mapping[str, list[Link]], predicates: Mapping[str, Predicate], start: str
) -> Iterator[tuple[Link, ...]]:
    """Return every path of 2 to 4 relations from a concept that visits nothing twice and concludes something."""
    grown: list[tuple[Link, ...]] = [(link,) for link in outgoing.get(start, [])]
    for _ in range(max(LENGTHS) - 1):
        grown = [
            (*path, link)
            for path in grown
            for link in outgoing.get(path[-1].object, [])
            if link.object not in {start, *(step.object for step in path)}
            and conclude(predicates, [step.predicate for step in (*path, link)])
        ]
        yield from grown


def _chain(path: Sequence[Link], names: Mapping[str, Name], predicates: Mapping[str, Predicate]) -> dict[str, Any]:
    first, last = path[0].subject, path[-1].object
    relation = conclude(predicates, [link.predicate for link in path])
    assert relation is not None
    return {
        "id": _identity(path),
        "title": f"from {names[first].text} to {names[last].text}",
        "steps": [link.id for link in path],
        "conclusion": sentence(predicates[relation].forward, names[first], names[last], "."),
    }


def _identity(path: Sequence[Link]) -> str:
    """Return the id of a chain: the concepts on its way."""
    first = path[0].subject
    local = [concept.rpartition("/")[2] for concept in (first, *(link.object for link in path))]
    return f"{first.rpartition('/')[0]}/{'..'.join(local)}"
