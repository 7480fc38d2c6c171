"""What holds for any sequence of edits: the bytes of a clean build, exact plans, nothing done twice, nothing lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodabuild.digest import bucket_hash
from prodabuild.engine import executors, run
from prodabuild.engine.buckets import bucket_of, layout, unit_name
from tests.engine.toy import Lines, Settings, Toy

if TYPE_CHECKING:
    from random import Random

    from prodabuild.engine.plan import Plan
    from prodabuild.engine.run import RunResult

KEYS = [f"k{n:02}" for n in range(24)]
TEXTS = ["one", "two", " two ", "twenty two", "three"]
ALL = 9
FILES = ["a", "b", "c"]


class Line(NamedTuple):
    key: str
    file: str
    text: str
    to: str


class World(NamedTuple):
    """The sources at one time: each line stands in one file."""

    lines: tuple[Line, ...]
    settings: Settings

    @property
    def sources(self) -> dict[str, Lines]:
        found: dict[str, Lines] = {file: {} for _, file, _, _ in self.lines}
        for key, file, text, to in self.lines:
            found[file][key] = (text, to)
        return found


keys, texts, files = st.sampled_from(KEYS), st.sampled_from(TEXTS), st.sampled_from(FILES)
targets = st.sampled_from(["", "", *KEYS])
all_settings = st.builds(
    Settings,
    size=st.sampled_from([1, 2, 3, 5, 100]),
    counts=st.just(True),
    letters=st.booleans(),
    pick=st.sampled_from(["0", "1"]),
    name=st.sampled_from(["one", "two"]),
)
worlds = st.builds(
    World,
    st.dictionaries(keys, st.tuples(files, texts, targets), min_size=1, max_size=14).map(
        lambda lines: tuple(Line(key, *line) for key, line in sorted(lines.items()))
    ),
    all_settings,
)
edits = st.one_of(
    st.tuples(st.just("text"), keys, st.sampled_from([*TEXTS, "FAIL"])),
    st.tuples(st.just("text"), keys, texts),
    st.tuples(st.just("to"), keys, targets),
    st.tuples(st.just("add"), keys, files, texts, targets),
    st.tuples(st.just("add"), keys, files, texts, targets),
    st.tuples(st.just("remove"), keys),
    st.tuples(st.just("rename"), keys, keys),
    st.tuples(st.just("file"), keys, files),
    st.tuples(st.just("size"), st.sampled_from([1, 2, 3, 5, 100])),
    st.tuples(st.just("set"), st.sampled_from(["letters", "counts"]), st.booleans()),
    st.tuples(st.just("set"), st.just("pick"), st.sampled_from(["0", "1", "count"])),
    st.tuples(st.just("set"), st.just("name"), st.sampled_from(["one", "two"])),
    st.tuples(st.just("back"), st.integers(0, 5)),
    st.tuples(st.just("back"), st.integers(0, 5)),
)
damages = st.sampled_from(["", "", "", "delete", "delete all", "tamper", "touch", "lose"])
steps = st.tuples(st.lists(edits, min_size=1, max_size=3), damages, st.sampled_from([ALL, ALL, ALL, 1, 2, 3, 4]))


def edited(world: World, edit: tuple[Any, ...], past: list[World]) -> World:
    """Return the world after one edit; an edit that makes no sense changes nothing."""
    kind, *values = edit
    lines = {line.key: line for line in world.lines}
    if kind == "back":
        return past[int(values[0]) % len(past)]
    if kind == "size":
        return world._replace(settings=world.settings._replace(size=values[0]))
    if kind == "set":
        return world._replace(settings=world.settings._replace(**{values[0]: values[1]}))
    key, *values = values
    if kind == "add":
        lines.setdefault(key, Line(key, *values))
    elif key not in lines:
        return world
    elif kind == "remove":
        del lines[key]
    elif kind == "rename":
        lines.setdefault(values[0], lines.pop(key)._replace(key=values[0]))
    else:
        lines[key] = lines[key]._replace(**{kind: values[0]})
    return world._replace(lines=tuple(sorted(lines.values()))) if lines else world


def damage(toy: Toy, how: str, number: int) -> None:
    """Do something to `build/` or to the store."""
    found = sorted(file for file in (toy.root / "build").rglob("*") if file.is_file())
    if not how or not found:
        return
    file = found[number % len(found)]
    if how == "delete":
        file.unlink()
    elif how == "delete all":
        shutil.rmtree(toy.root / "build")
    elif how == "tamper":
        file.write_bytes(b"tampered")
    elif how == "touch":
        file.touch()
    elif how == "lose":
        for lost in (toy.root / "cache/files").rglob("*/*/*"):
            if lost.read_bytes() == file.read_bytes():
                lost.unlink()


@contextmanager
def fresh(jobs: int = 1) -> Iterator[Toy]:
    """Open an empty toy, in memory where there is a file system for that: each commit would wait for the disk."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Toy(Path(folder), jobs=jobs)


def clean_build(world: World) -> dict[str, bytes]:
    with fresh() as toy:
        toy.run(world.sources, world.settings)
        return toy.output()


def assert_planned(plan: Plan, result: RunResult, lost: bool) -> None:
    """What was done is what was planned; only `maybe` leaves it open.

    A unit to build for want of a lost object is restored if another unit happens to make the same bytes first.
    """
    planned: dict[str, set[str]] = {action: set() for action in ("build", "restore", "maybe", "clean")}
    for step in plan.steps:
        planned[step.action].add(step.unit)
        assert bool(step.reasons) == (step.action != "clean"), step
    built, restored = {*result.built, *(unit for unit, _ in result.failures)}, set(result.restored)
    assert len(result.built) + len(result.restored) == len({*result.built, *result.restored})
    assert built <= planned["build"] | planned["maybe"]
    found_again = planned["build"] & restored if lost else set()
    assert restored <= planned["restore"] | planned["maybe"] | found_again
    if not result.failures:
        assert planned["build"] <= built | found_again
        assert planned["restore"] <= restored
        assert result.clean == len(plan.steps) - len(built) - len(restored)
    assert sorted(plan.removed) == sorted(result.pruned)


def live_through(start: World, history: list[Any], jobs: int = 1) -> None:
    """Build a world, then after each step of its history: plan, build, and compare with a build from nothing."""
    with fresh(jobs) as toy:
        toy.run(start.sources, start.settings)
        past, whole, lost = [start], {start}, False
        for number, (changes, harm, to) in enumerate(history):
            world = past[-1]
            for change in changes:
                world = edited(world, change, past)
            past.append(world)
            damage(toy, harm, number)
            lost = lost or harm == "lose"
            arguments = (world.sources, world.settings, to)
            plan = toy.plan(*arguments)
            assert toy.plan(*arguments) == plan
            result = toy.run(*arguments)
            assert_planned(plan, result, lost)
            if result.failures:
                assert "FAIL" in repr(world.lines)
                continue
            again = toy.run(*arguments)
            assert (again.built, again.restored, again.pruned) == ([], [], [])
            assert not toy.plan(*arguments).stale
            if to == ALL:
                assert toy.output() == clean_build(world)
                assert result.built == [] or world not in whole or lost
                whole.add(world)


histories = st.lists(steps, min_size=1, max_size=6)
quickly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
at_length = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quickly
@given(worlds, histories)
def test_any_history_ends_in_the_bytes_of_a_clean_build_and_was_planned(start: World, history: list[Any]) -> None:
    live_through(start, history)


@pytest.mark.engine
@at_length
@given(worlds, histories)
def test_any_history_at_length(start: World, history: list[Any]) -> None:
    live_through(start, history)


def views(world: World) -> dict[str, object]:
    """Return all that each part reads, told from the world alone: what a plan may touch hangs on nothing else."""
    lines = {line.key: line for line in world.lines}
    prefixes = layout(sorted(bucket_hash(key) for key in lines), world.settings.size)
    found: dict[str, list[object]] = {unit_name("part:x", prefix): [] for prefix in prefixes}
    for key, line in sorted(lines.items()):
        prefix = bucket_of(bucket_hash(key), prefixes)
        assert prefix is not None
        referred = lines[line.to].text if line.to in lines else None
        by = sorted(other.key for other in lines.values() if other.to == key)
        found[unit_name("part:x", prefix)].append((key, line.text, line.to, referred, by))
    return dict(found)


def touch_exactly(start: World, history: list[Any]) -> None:
    """An edit touches the parts that read what it changed, and no others."""
    with fresh() as toy:
        toy.run(start.sources, start.settings)
        past = [start]
        for changes in history:
            world = past[-1]
            for change in changes:
                world = edited(world, change, past)
            was, now = views(past[-1]), views(world)
            past.append(world)
            result = toy.run(world.sources, world.settings, 1)
            assert {*result.built, *result.restored} == {unit for unit in now if now[unit] != was.get(unit)}


sound = edits.filter(lambda edit: edit[-1] != "FAIL")
sound_histories = st.lists(st.lists(sound, min_size=1, max_size=3), min_size=1, max_size=6)


@quickly
@given(worlds, sound_histories)
def test_an_edit_touches_what_reads_it_and_nothing_else(start: World, history: list[Any]) -> None:
    touch_exactly(start, history)


@pytest.mark.engine
@at_length
@given(worlds, sound_histories)
def test_an_edit_touches_what_reads_it_at_length(start: World, history: list[Any]) -> None:
    touch_exactly(start, history)


@quickly
@given(worlds, st.lists(st.tuples(keys, files), max_size=8), st.randoms(use_true_random=False))
def test_neither_files_nor_their_order_matter(world: World, moves: list[Any], random: Random) -> None:
    moved = world
    for key, file in moves:
        moved = edited(moved, ("file", key, file), [world])
    shuffled = {name: dict(random.sample(list(lines.items()), len(lines))) for name, lines in moved.sources.items()}
    sources = dict(random.sample(list(shuffled.items()), len(shuffled)))
    with fresh() as toy:
        toy.run(world.sources, world.settings)
        assert not toy.plan(sources, world.settings).stale
        result = toy.run(sources, world.settings)
        assert (result.built, result.restored) == ([], [])
    with fresh() as toy:
        toy.run(sources, world.settings)
        assert toy.output() == clean_build(world)


@pytest.mark.engine
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds, histories, st.integers(2, 3))
def test_any_number_of_jobs_gives_the_same(start: World, history: list[Any], jobs: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "POOL_FROM", 2)  # a pool even for worlds as small as these
        patch.setattr(executors, "MOST_AT_ONCE", 1)
        live_through(start, history, jobs)
