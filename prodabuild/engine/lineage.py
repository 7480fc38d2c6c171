"""Questions about traces: what a unit was made from, which units read an input, what follows from a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import key_hash
from prodabuild.engine.buckets import bounds, bucket_of, prefix_of, unit_name
from prodabuild.engine.facts import BUCKET, LISTING, OUTPUT, POSTING
from prodabuild.engine.view import input_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prodabuild.engine.facts import Fact
    from prodabuild.engine.state import State, Trace


class Inputs(NamedTuple):
    """What a trace read: facets by fact, lists, outputs of units, sets of units; each sorted."""

    facets: dict[str, list[str]]
    postings: list[str]
    outputs: list[str]
    listings: list[str]


def inputs_of(trace: Trace) -> Inputs:
    """Return what a trace read, by kind."""
    facets: dict[str, list[str]] = {}
    marked: dict[str, list[str]] = {POSTING: [], OUTPUT: [], LISTING: [], BUCKET: []}
    for name in sorted(input_names(trace)):
        if name[0] in marked:
            marked[name[0]].append(name[1:])
        else:
            key, _, facet = name.rpartition("#")
            facets.setdefault(key, []).append(facet)
    return Inputs(facets, marked[POSTING], marked[OUTPUT], marked[LISTING])


def readers_of(state: State, names: Iterable[str]) -> dict[str, list[str]]:
    """Return the units that read any of these inputs when they were last built, and which of them."""
    by_hash = {key_hash(name): name for name in names}
    held = state.holders(by_hash.keys())
    return {unit: sorted(by_hash[hashed] for hashed in found) for unit, found in sorted(held.items())}


def home_of(state: State, fact: Fact) -> str | None:
    """Return the unit whose bucket a fact stands in."""
    prefixes = [prefix_of(unit)[1] for unit in state.unit_names_below(f"{fact.group}/")]
    prefix = bucket_of(fact.hash, prefixes) if fact.group else None
    return None if prefix is None else unit_name(fact.group, prefix)


def stands_in(unit: str, fact: Fact) -> bool:
    """Tell whether a fact is in the bucket that is a unit."""
    group, prefix = prefix_of(unit)
    if not fact.group or fact.group != group:
        return False
    low, high = bounds(prefix)
    return low <= fact.hash <= high


def downstream(state: State, units: Iterable[str], passes: Callable[[str], bool] = lambda _: True) -> set[str]:
    """Return the units that follow from some units, without going beyond one that `passes` refuses."""
    starts = set(units)
    found: set[str] = set()
    todo = starts
    while todo:
        reached = {name for unit in todo for name in state.followers(OUTPUT + unit)}
        todo = {name for name in reached - found if passes(name)}
        found |= todo
    return found - starts
