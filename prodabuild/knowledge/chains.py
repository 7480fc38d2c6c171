"""L3 chains derived from L2 relations: two to four steps that join, and what they conclude by composition."""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heapreplace
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import seeded
from prodabuild.knowledge.language import Name, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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


def derive_chains(
    names: Mapping[str, Name],
    links: Iterable[Link],
    predicates: Mapping[str, Predicate],
    starts: Iterable[str],
    most: int,
) -> list[dict[str, Any]]:
    """Return up to `most` chains that begin in `starts`: mostly of two steps, spread over first and last concepts."""
    outgoing: dict[str, list[Link]] = {}
    for link in links:
        outgoing.setdefault(link.subject, []).append(link)
    found = [path for start in starts for path in _paths(outgoing, predicates, start)]
    chosen: list[tuple[Link, ...]] = []
    for length, share in LENGTHS.items():
        room = most - len(chosen) if length == max(LENGTHS) else int(most * share)
        chosen += _spread([path for path in found if len(path) == length], room)
    return [_chain(path, names, predicates) for path in sorted(chosen)]


def _spread(paths: list[tuple[Link, ...]], most: int) -> list[tuple[Link, ...]]:
    """Return up to `most` paths such that no first or last concept is used much more often than another."""
    used: Counter[str] = Counter()

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
    local = [concept.rpartition("/")[2] for concept in (first, *(link.object for link in path))]
    return {
        "id": f"{first.rpartition('/')[0]}/{'..'.join(local)}",
        "title": f"from {names[first].text} to {names[last].text}",
        "steps": [link.id for link in path],
        "conclusion": sentence(predicates[relation].forward, names[first], names[last], "."),
    }
