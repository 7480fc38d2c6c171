"""The path of one thing in both directions: what it was made from, where that is written, what it ends in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson

from prodabuild.engine.lineage import home_of
from prodabuild.errors import ProjectError
from prodabuild.problems import summary
from prodabuild.project.built import thing_at
from prodabuild.project.ingredients import ingredients, parts_of
from prodabuild.project.nearest import nearest
from prodabuild.project.outcome import Group, Row, WhyReport
from prodabuild.project.places import Places
from prodabuild.project.readers import readers_in_words
from prodabuild.project.scene import Scene
from prodabuild.project.stages import up_to
from prodabuild.project.untested import why_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prodabuild.engine.facts import Fact
    from prodabuild.engine.state import Trace
    from prodabuild.project.places import Line
    from prodabuild.project.session import Retrospect

FEW = 4  # things of one kind that are shown; the others are counted


def explain(found: Retrospect, thing: str, everything: bool) -> WhyReport:
    """Return the path of a unit, record, sample, test item or output; raises `ProjectError` for what is none."""
    session = found.session
    scene = Scene(
        session.state,
        found.recorded,
        {step.unit: step for step in session.plan_everything().steps},
        {stage.name: number for number, stage in enumerate(session.stages)},
        Places(session.root, session.manifest, session.space.store),
        None if everything else FEW,
        partial(why_none, session),
    )
    notes = []
    if found.problems:
        notes.append(
            f"the sources have {summary(found.problems)} (prodabuild check): this is what was last read of them"
        )
    if not any(scene.past.count_units().values()):
        notes.append("nothing is built yet: run `prodabuild compile`")
    elif unbuilt := [
        name for stage in up_to(session.stages, "results") for name in stage.fixed or () if scene.trace(name) is None
    ]:
        notes.append(f"not built yet: {', '.join(unbuilt)}")
    return _explain(scene, thing, tuple(notes))


def _explain(scene: Scene, thing: str, notes: tuple[str, ...]) -> WhyReport:
    if scene.now.unit(thing) or scene.past.unit(thing):
        return why_unit(scene, thing, notes)
    record, _, sample = thing.partition("#")
    fact = scene.now.fact(record) or scene.past.fact(record)
    if fact and fact.group:
        return why_sample(scene, fact, thing, notes) if sample else why_record(scene, fact, notes)
    built = thing_at(scene, thing)
    if built is None:
        raise ProjectError(f"there is no unit, record, sample or output {thing!r}", nearest(scene.now, record))
    return _explain(scene, built, notes)


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
    readers = readers_in_words(scene, fact)
    order = sorted(readers, key=lambda unit: (unit != home, unit))
    mentions = list(_mentions(scene, order, fact.key))
    made = [line for line in mentions if line.row["id"].partition("#")[0] == fact.key]
    if gone:
        notes += ("it is gone from the sources: the last build still has it",)
    if level == "chain" and home and not gone and not made and (because := scene.why_none(home, fact.key)):
        notes += (f"it makes no test item: {because}",)
    path = [Row(fact.key, fact.source if gone else scene.places.fact(fact))]
    if home:
        row = scene.row(home)
        path.append(row._replace(where=made[0].where) if made and home in readers else row)
        path += [_with_item(scene, unit, fact.key) for unit in scene.ends([home], scene.makes_files)]
    return WhyReport(
        fact.key,
        level,
        tuple(path),
        scene.action(home) if home else "gone",
        scene.reasons(home),
        made_from=parts_of(scene, fact),
        read_by=(scene.group("units", order, lambda unit: scene.row(unit)._replace(note=readers[unit])),)[: len(order)],
        samples=_group_lines(scene, "samples", [line for line in mentions if "split" not in line.row], fact.key)
        or _samples_of_steps(scene, fact),
        items=_group_lines(scene, "test items", [line for line in mentions if "split" in line.row], fact.key),
        follows=scene.follows(order, scene.makes_files),
        notes=notes,
    )


def _with_item(scene: Scene, unit: str, item: str) -> Row:
    """Return a unit, at the line of an item if it holds that item."""
    row = scene.row(unit)
    if not unit.startswith("suite:"):
        return row
    return next((row._replace(where=line.where) for line in scene.places.lines(scene.trace(unit), item)), row)


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


def _samples_of_steps(scene: Scene, fact: Fact) -> tuple[Group, ...]:
    """Return the samples that teach a chain: those of its steps. No sample is made of a chain."""
    steps: list[str] = orjson.loads(fact.value).get("steps", [])
    known = {step: there for step in steps if (there := scene.now.fact(step) or scene.past.fact(step))}
    homes = {step: home_of(scene.now, there) or home_of(scene.past, there) for step, there in known.items()}
    lines = [
        line
        for step, home in homes.items()
        if home
        for line in scene.places.lines(scene.trace(home), step)
        if line.row["id"].partition("#")[0] == step
    ]
    rows = tuple(Row(line.row["id"], line.where) for line in lines[: scene.shown])
    return (Group("samples of its steps", len(lines), rows),) if lines else ()


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
        Row(home, found.where, action=scene.action(home)),
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
