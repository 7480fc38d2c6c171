"""The path of one thing in both directions: what it was made from, where that is written, what it ends in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.engine.facts import POSTING, facet_input
from prodabuild.engine.lineage import downstream, home_of, readers_of
from prodabuild.errors import ProjectError
from prodabuild.knowledge.records import FIELDS
from prodabuild.problems import summary
from prodabuild.project.ingredients import FACETS, POSTINGS, ingredients
from prodabuild.project.nearest import nearest
from prodabuild.project.outcome import Group, Row, WhyReport
from prodabuild.project.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prodabuild.engine.facts import Fact
    from prodabuild.engine.plan import Step
    from prodabuild.engine.state import State, Trace
    from prodabuild.project.places import Line
    from prodabuild.project.session import Retrospect

FEW = 4  # things of one kind that are shown; the others are counted


@dataclass(frozen=True)
class Scene:
    """The repo as it is (`now`), as the last run recorded it (`past`), and what a compile would do."""

    now: State
    past: State
    steps: dict[str, Step]
    stages: dict[str, int]
    places: Places
    shown: int | None
    _traces: dict[str, Trace | None] = field(default_factory=dict)

    def trace(self, unit: str) -> Trace | None:
        """Return the trace that a unit stood on after the last run."""
        if unit not in self._traces:
            row = self.past.unit(unit)
            self._traces[unit] = self.past.trace(unit, row.inputs) if row and row.inputs else None
        return self._traces[unit]

    def row(self, unit: str) -> Row:
        """Return a unit with its place in `build/`, and what a compile would do with it."""
        return Row(unit, self.places.output(self.trace(unit)), self.action(unit))

    def action(self, unit: str) -> str:
        """Return what a compile would do with a unit; `gone` when there will be no such unit."""
        return self.steps[unit].action if unit in self.steps else "gone"

    def reasons(self, unit: str) -> tuple[dict[str, Any], ...]:
        """Return why a unit is not clean, located."""
        found = self.steps[unit].reasons if unit in self.steps else ()
        return tuple(self.places.locator.to_json(reason) for reason in found)

    def ends(self, units: Iterable[str], passes: Callable[[str], bool] = lambda _: True) -> list[str]:
        """Return the units that follow from some units, in build order."""
        return sorted(downstream(self.past, units, passes), key=lambda name: (self._stage(name), name))

    def makes_files(self, unit: str) -> bool:
        """Tell whether a unit made a file; one that did not is a check on the way, and no station of a path."""
        found = self.trace(unit)
        return found is not None and bool(found.files)

    def follows(self, units: Iterable[str], passes: Callable[[str], bool] = lambda _: True) -> tuple[Group, ...]:
        """Return what follows from some units, stage by stage."""
        stages: dict[str, list[str]] = {}
        for unit in self.ends(units, passes):
            row = self.past.unit(unit)
            stages.setdefault(row.stage if row else "", []).append(unit)
        return tuple(self.group(stage, found, self.row) for stage, found in stages.items())

    def group(self, what: str, found: list[str], row: Callable[[str], Row]) -> Group:
        """Return the group of some things; only those that are shown are located."""
        return Group(what, len(found), tuple(row(name) for name in found[: self.shown]))

    def _stage(self, unit: str) -> int:
        row = self.past.unit(unit)
        return self.stages.get(row.stage, -1) if row else -1


def explain(found: Retrospect, thing: str, everything: bool) -> WhyReport:
    """Return the path of a unit, record, sample or test item; raises `ProjectError` when there is no such thing."""
    session = found.session
    scene = Scene(
        session.state,
        found.recorded,
        {step.unit: step for step in session.plan("results").steps},
        {stage.name: number for number, stage in enumerate(session.stages)},
        Places(session.root, session.manifest, session.space.store),
        None if everything else FEW,
    )
    notes = []
    if found.problems:
        notes.append(
            f"the sources have {summary(found.problems)} (prodabuild check): this is what was last read of them"
        )
    if not any(scene.past.count_units().values()):
        notes.append("nothing is built yet: run `prodabuild compile`")
    elif unbuilt := [name for stage in session.stages for name in stage.fixed or () if scene.trace(name) is None]:
        notes.append(f"not built yet: {', '.join(unbuilt)}")
    return _explain(scene, thing, tuple(notes))


def _explain(scene: Scene, thing: str, notes: tuple[str, ...]) -> WhyReport:
    if scene.now.unit(thing) or scene.past.unit(thing):
        return why_unit(scene, thing, notes)
    record, _, sample = thing.partition("#")
    fact = scene.now.fact(record) or scene.past.fact(record)
    if fact and fact.group:
        return why_sample(scene, fact, thing, notes) if sample else why_record(scene, fact, notes)
    raise ProjectError(f"there is no unit, record or sample {thing!r}", nearest(scene.now, record))


def why_unit(scene: Scene, unit: str, notes: tuple[str, ...]) -> WhyReport:
    """Return what a unit was made from, and what follows from it."""
    trace = scene.trace(unit)
    if scene.now.unit(unit) is None:
        notes += ("it is no unit any more: the sources have moved since it was built",)
    key, where = scene.places.declaration(unit)
    path = [Row(key, where), scene.row(unit), *map(scene.row, scene.ends([unit], scene.makes_files))]
    return WhyReport(
        unit,
        "unit",
        tuple(path),
        scene.action(unit),
        scene.reasons(unit),
        made_from=tuple(ingredients(scene, unit, trace)) if trace else (),
        follows=scene.follows([unit]),
        notes=notes,
    )


def why_record(scene: Scene, fact: Fact, notes: tuple[str, ...]) -> WhyReport:
    """Return which units read a record and how, which samples and items mention it, and what follows from them."""
    home = home_of(scene.now, fact) or home_of(scene.past, fact) or ""
    level: str = orjson.loads(fact.value)["level"]
    gone = scene.now.fact(fact.key) is None
    if gone:
        notes += ("it is gone from the sources: the last build still has it",)
    readers = _readers(scene, fact)
    order = sorted(readers, key=lambda unit: (unit != home, unit))
    mentions = list(_mentions(scene, order, fact.key))
    items = [line for line in mentions if "split" in line.row]
    samples = [line for line in mentions if "split" not in line.row]
    own = [line for line in mentions if line.row["id"].partition("#")[0] == fact.key]
    stations = [Row(home, line.where, scene.action(home)) for line in own[:1]] or ([scene.row(home)] if home else [])
    stations += [_with_item(scene, unit, fact.key) for unit in scene.ends([home], scene.makes_files)]
    return WhyReport(
        fact.key,
        level,
        (Row(fact.key, fact.source if gone else scene.places.fact(fact)), *stations),
        scene.action(home) if home else "gone",
        scene.reasons(home),
        read_by=(scene.group("units", order, lambda unit: Row(unit, readers[unit], scene.action(unit))),)
        if order
        else (),
        samples=_group_lines(scene, "samples", samples, fact.key),
        items=_group_lines(scene, "test items", items, fact.key),
        follows=scene.follows(order, scene.makes_files),
        notes=notes,
    )


def _with_item(scene: Scene, unit: str, item: str) -> Row:
    """Return a unit, at the line of an item if it holds that item."""
    row = scene.row(unit)
    if not unit.startswith("suite:"):
        return row
    return next((row._replace(where=line.where) for line in scene.places.lines(scene.trace(unit), item)), row)


def _readers(scene: Scene, fact: Fact) -> dict[str, str]:
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


def _mentions(scene: Scene, units: Iterable[str], key: str) -> Iterator[Line]:
    for unit in units:
        for line in scene.places.lines(scene.trace(unit), key):
            options = [option["concept"] for option in line.row.get("options", ())]
            if key in (*line.row.get("nodes", ()), *options, line.row.get("id")):
                yield line


def _group_lines(scene: Scene, what: str, lines: list[Line], key: str) -> tuple[Group, ...]:
    rows = tuple(
        Row(line.row["id"], line.where, "" if key in (*line.row["nodes"], line.row["id"]) else "as a wrong option")
        for line in lines[: scene.shown]
    )
    return (Group(what, len(lines), rows),) if lines else ()


def why_sample(scene: Scene, fact: Fact, sample: str, notes: tuple[str, ...]) -> WhyReport:
    """Return the record and the recipe that a sample was made from, its nodes, and what follows from it."""
    before = scene.past.fact(fact.key)
    home = home_of(scene.past, before) if before else None
    trace = scene.trace(home) if home else None
    found = next((line for line in scene.places.lines(trace, sample) if line.row.get("id") == sample), None)
    if home is None or found is None:
        raise ProjectError(f"the last build has no sample {sample!r}", _samples_of(scene, trace, fact.key))
    if scene.now.fact(fact.key) is None:
        notes += ("its record is gone from the sources: the last build still has it",)
    recipe = found.row["recipe"]
    nodes = found.row["nodes"]
    stations = [
        Row(fact.key, scene.places.fact(scene.now.fact(fact.key)) or fact.source),
        Row(recipe, scene.places.recipe(recipe)),
        Row(home, found.where, scene.action(home)),
    ]
    return WhyReport(
        sample,
        "sample",
        (*stations, *map(scene.row, scene.ends([home], scene.makes_files))),
        scene.action(home),
        scene.reasons(home),
        made_from=(
            Group("nodes", len(nodes), tuple(Row(node, scene.places.fact(scene.now.fact(node))) for node in nodes)),
        ),
        follows=scene.follows([home], scene.makes_files),
        messages=tuple(found.row["messages"]),
        notes=notes,
    )


def _samples_of(scene: Scene, trace: Trace | None, record: str) -> str | None:
    lines = scene.places.lines(trace, record)
    known = [line.row["id"] for line in lines if line.row["id"].partition("#")[0] == record]
    return f"samples of {record}: {', '.join(known)}" if known else None
