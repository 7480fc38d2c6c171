"""What a unit was made from: the inputs in its trace, group by group, in the words of the domain."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.engine.code import LIBRARY, LOCAL, LOCAL_LIBRARY, MODULE
from prodabuild.engine.lineage import inputs_of, stands_in
from prodabuild.engine.view import FILE
from prodabuild.knowledge.predicates import PREDICATE
from prodabuild.project.outcome import Group, Row
from prodabuild.project.reasons import POSTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.engine.facts import Fact
    from prodabuild.engine.lineage import Inputs
    from prodabuild.engine.state import Trace
    from prodabuild.project.scene import Scene

FACETS = {"triple": "subject, predicate and object"}
STATED = {"predicates": PREDICATE, "files": FILE, "modules of recipes": LOCAL, "modules of code": MODULE}
SETTINGS, DEVICE = "manifest", "device"  # keys of the facts that stand in no file of their own
_PLURALS = {"triple": "subjects, predicates and objects", "steps": "steps"}


def ingredients(scene: Scene, unit: str, trace: Trace) -> Iterator[Group]:
    """Return what a unit read, as it was last built: its own records, those of others, and all the rest."""
    inputs = inputs_of(trace)
    facts = {key: fact for key in inputs.facets if (fact := scene.now.fact(key) or scene.past.fact(key))}
    own = {key: fact for key, fact in facts.items() if stands_in(unit, fact)}
    others = {key: fact for key, fact in facts.items() if fact.group and key not in own}
    yield from _own(scene, own)
    yield from _others(scene, inputs, others)
    yield from _lists(scene, inputs)
    yield from _outputs(scene, inputs)
    yield from _settings(scene, inputs, facts)
    for what, prefix in STATED.items():
        yield from _stated(scene, what, prefix, facts)
    yield from _environment(scene, facts)


def parts_of(scene: Scene, fact: Fact) -> tuple[Group, ...]:
    """Return what a record names: the steps of a chain, the concepts of a relation, the document it comes from."""
    value = orjson.loads(fact.value)
    triple = value.get("triple")
    nodes = value.get("nodes") or ([value["node"]] if "node" in value else ())
    groups = {
        "steps": value.get("steps", ()),
        "concepts": (triple[0], triple[2]) if triple else (),
        "nodes": nodes,
    }
    found = [
        Group(what, len(keys), tuple(Row(key, scene.places.fact(scene.now.fact(key))) for key in keys))
        for what, keys in groups.items()
        if keys
    ]
    if source := value.get("source"):
        span = "-".join(map(str, source.get("span", ())))
        found.append(Group("source", 1, (Row(source["document"], note=span),)))
    return tuple(found)


def _own(scene: Scene, own: dict[str, Fact]) -> Iterator[Group]:
    levels: dict[str, list[str]] = {}
    for key, fact in own.items():
        levels.setdefault(orjson.loads(fact.value)["level"], []).append(key)
    for level, keys in sorted(levels.items()):
        yield scene.group(f"{level}s", keys, lambda key: Row(key, scene.places.fact(own[key])))


def _others(scene: Scene, inputs: Inputs, others: dict[str, Fact]) -> Iterator[Group]:
    """Return the facets of records in other buckets: one group a facet."""
    found: dict[str, list[str]] = {}
    for key in others:
        for facet in inputs.facets[key]:
            found.setdefault(facet, []).append(key)
    for facet, keys in sorted(found.items()):
        rows = tuple(Row(key, scene.places.fact(others[key], facet)) for key in keys[: scene.shown])
        yield Group(f"{_PLURALS.get(facet, facet + 's')} of other records", len(keys), rows)


def _lists(scene: Scene, inputs: Inputs) -> Iterator[Group]:
    kinds: dict[str, list[str]] = {}
    for name in inputs.postings:
        kind, _, about = name.partition(":")
        kinds.setdefault(kind, []).append(about)
    for kind, records in kinds.items():
        what = f"lists of {POSTINGS.get(kind, kind)} a record"
        yield scene.group(what, records, lambda key: Row(key, scene.places.fact(scene.now.fact(key))))


def _outputs(scene: Scene, inputs: Inputs) -> Iterator[Group]:
    stages: dict[str, list[str]] = {}
    for unit in inputs.outputs:
        row = scene.past.unit(unit)
        stages.setdefault(row.stage if row else "units that are gone", []).append(unit)
    for stage, units in stages.items():
        yield scene.group(stage, units, scene.row)


def _settings(scene: Scene, inputs: Inputs, facts: dict[str, Fact]) -> Iterator[Group]:
    fact = facts.get(SETTINGS)
    if fact:
        values = orjson.loads(fact.value)
        names = [name for name in inputs.facets[SETTINGS] if name in values]
        rows = (Row(name, scene.places.fact(fact, name), _show(values.get(name))) for name in names)
        yield Group("settings", len(names), tuple(islice(rows, scene.shown)))


def _stated(scene: Scene, what: str, prefix: str, facts: dict[str, Fact]) -> Iterator[Group]:
    keys = [key for key in facts if key.startswith(prefix)]
    if keys:
        yield scene.group(what, keys, lambda key: Row(key.removeprefix(prefix), scene.places.fact(facts[key])))


def _environment(scene: Scene, facts: dict[str, Fact]) -> Iterator[Group]:
    libraries = {key: fact for key, fact in facts.items() if key.startswith((LIBRARY, LOCAL_LIBRARY))}
    versions = {key.partition(":")[2]: orjson.loads(fact.value)["version"] for key, fact in libraries.items()}
    installed = sorted(name for name, version in versions.items() if version)
    if installed:
        yield scene.group("libraries", installed, lambda name: Row(name, note=versions[name]))
    if DEVICE in facts:
        device = orjson.loads(facts[DEVICE].value)
        yield Group("device", 1, (Row(device["class"], note=device["kernels"] or ""),))


def _show(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
