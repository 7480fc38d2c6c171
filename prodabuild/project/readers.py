"""Which units read a record: what of it, and through which list they found it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from prodabuild.engine.facts import POSTING, facet_input
from prodabuild.engine.lineage import readers_of
from prodabuild.knowledge.records import FIELDS
from prodabuild.project.ingredients import FACETS
from prodabuild.project.reasons import POSTINGS

if TYPE_CHECKING:
    from prodabuild.engine.facts import Fact
    from prodabuild.engine.state import State
    from prodabuild.project.scene import Scene


def readers_in_words(scene: Scene, fact: Fact) -> dict[str, str]:
    """Return the units that read a record, or lists of what refers to it, and what they read, in words."""
    value = orjson.loads(fact.value)
    level = facet_input(fact.key, "level")
    facets = dict.fromkeys([*value, *FIELDS[value["level"]]])
    own = {facet_input(fact.key, facet): FACETS.get(facet, facet) for facet in facets}
    about = {f"{POSTING}{kind}:{fact.key}": f"{what} it" for kind, what in POSTINGS.items()}
    ways = {POSTING + name: f"found through the {_list(name)}" for name in _lists_with(scene.past, fact)}
    found = {}
    for unit, names in readers_of(scene.past, [*own, *about, *ways]).items():
        held = frozenset(names)
        read = [own[name] for name in own if name in held and name != level]
        lists = [about[name] for name in about if name in held]
        way = next((ways[name] for name in ways if name in held), None) if read and level not in held else None
        if read or lists or level in held:
            found[unit] = ", ".join([*read, *lists]) + (f" ({way})" if way else "") or "level"
    return found


def _lists_with(state: State, fact: Fact) -> list[str]:
    """Return the lists in which a record stands by a relation of its own: those that siblings share come first."""
    lists = set(fact.postings)
    for way in ("from", "to"):
        for relation in state.posting(f"{way}:{fact.key}"):
            found = state.fact(relation)
            lists.update(found.postings if found else ())
    return sorted(lists - {f"{kind}:{fact.key}" for kind in POSTINGS}, reverse=True)


def _list(name: str) -> str:
    kind, _, about = name.partition(":")
    return f"{POSTINGS.get(kind, kind)} {about}"
