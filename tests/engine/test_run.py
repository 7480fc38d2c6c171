from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodabuild.engine.buckets import bucket_of
from prodabuild.engine.executors import AHEAD, MOST_AT_ONCE
from prodabuild.engine.facts import Reason
from prodabuild.engine.run import RunResult
from prodabuild.engine.units import Stage
from prodabuild.events import Note, StageFinished
from tests.engine.toy import STAGES, THREE, Lines, Toy, facts_of

KEYS = [f"k{n:02}" for n in range(16)]
texts = st.sampled_from(["one", "two", " two ", "three"])
worlds = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.dictionaries(st.sampled_from(KEYS), st.tuples(texts, st.sampled_from(["", *KEYS])), max_size=10),
    min_size=1,
    max_size=2,
).map(lambda world: {name: {key: line for key, line in lines.items() if (int(key[1:]) % 2 == 0) == (name == "a")} for name, lines in world.items()})  # fmt: skip


def clean_build(sources: dict[str, Lines], stages: tuple[Stage, ...] = STAGES) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        toy = Toy(Path(folder), stages=stages)
        toy.run(sources)
        return toy.output()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(worlds, min_size=2, max_size=5))
def test_any_edits_end_in_the_bytes_of_a_clean_build_and_were_planned(history: list[dict[str, Lines]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        toy = Toy(Path(folder))
        for sources in history:
            plan = {step.unit: step.action for step in toy.plan(sources).steps}
            result = toy.run(sources)
            touched = {*result.built, *result.restored}
            planned = {unit for unit, action in plan.items() if action != "clean"}
            assert touched <= planned
            assert {unit for unit in planned - touched if plan[unit] != "maybe"} == set()
            assert toy.output() == clean_build(sources)
            assert not toy.plan(sources).stale


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds, worlds)
def test_going_back_builds_nothing(one: dict[str, Lines], two: dict[str, Lines]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        toy = Toy(Path(folder))
        toy.run(one)
        toy.run(two)
        assert toy.run(one).built == []
        assert toy.output() == clean_build(one)


def spoil(sources: dict[str, Lines], keys: list[str]) -> dict[str, Lines]:
    return {
        name: {key: ("FAIL" if key in keys else text, to) for key, (text, to) in lines.items()}
        for name, lines in sources.items()
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(worlds, st.lists(st.sampled_from(KEYS), max_size=3)), min_size=2, max_size=4))
def test_failures_on_the_way_leave_no_mark_on_the_end(history: list[tuple[dict[str, Lines], list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        toy = Toy(Path(folder), keep_going=True, stages=THREE)
        for sources, keys in history:
            result = toy.run(spoil(sources, keys))
            fails = any("FAIL" in text for lines in spoil(sources, keys).values() for text, _ in lines.values())
            assert bool(result.failures) == fails
            assert result.blocked == (["title:whole", "whole"] if fails else [])
        toy.run(history[-1][0])
        assert toy.output() == clean_build(history[-1][0], THREE)


WORLD: dict[str, Lines] = {"a": {key: (f"text {key}", KEYS[(n + 1) % 16]) for n, key in enumerate(KEYS)}}


def changed(key: str, text: str) -> dict[str, Lines]:
    return {"a": {**WORLD["a"], key: (text, WORLD["a"][key][1])}}


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    found = Toy(tmp_path)
    found.run(WORLD)
    return found


def home(toy: Toy, key: str) -> str:
    with toy.state() as state:
        prefixes = [name.rpartition("/")[2] for name in state.unit_names("parts")]
        (fact,) = [fact for fact in facts_of(WORLD["a"], "a") if fact.key == key]
        return f"part:x/{bucket_of(fact.hash, prefixes)}"


def test_an_edit_rebuilds_its_readers_and_no_more(toy: Toy) -> None:
    result = toy.run(changed("k05", "other"))
    readers = {home(toy, "k05"), home(toy, "k04")}  # k04 refers to k05
    assert {*result.built, *result.restored} == readers | {"whole"}


def test_a_rebuild_with_the_same_bytes_stops_the_wave(toy: Toy) -> None:
    result = toy.run(changed("k05", " text k05 "))
    assert "whole" not in result.built
    assert result.built == sorted({home(toy, "k05"), home(toy, "k04")})


def test_moving_a_fact_to_another_file_rebuilds_nothing(toy: Toy) -> None:
    moved: dict[str, Lines] = {
        "a": {key: line for key, line in WORLD["a"].items() if key != "k05"},
        "b": {"k05": WORLD["a"]["k05"]},
    }
    assert not toy.plan(moved).stale
    assert toy.run(moved).built == []


def test_the_plan_gives_the_reason(toy: Toy) -> None:
    plan = toy.plan(changed("k05", "other"))
    (step,) = [step for step in plan.steps if step.unit == home(toy, "k05")]
    assert step.action == "build"
    assert Reason("k05#text changed", "a", "text k05", "other") in step.reasons
    assert [step.action for step in plan.steps if step.unit == "whole"] == ["maybe"]


def test_planning_changes_nothing(toy: Toy) -> None:
    toy.plan(changed("k05", "other"))
    assert not toy.plan(WORLD).stale


def test_a_deleted_output_is_restored_not_built(toy: Toy) -> None:
    (toy.root / "build" / "whole.txt").unlink()
    assert [(step.unit, step.action) for step in toy.plan(WORLD).steps if step.action != "clean"] == [
        ("whole", "restore")
    ]
    result = toy.run(WORLD)
    assert (result.built, result.restored) == ([], ["whole"])
    assert toy.output() == clean_build(WORLD)


def test_a_tampered_output_is_restored_with_a_warning(toy: Toy) -> None:
    (toy.root / "build" / "whole.txt").write_text("tampered")
    toy.run(WORLD)
    assert Note("build/whole.txt was changed by hand: restored from the store", warning=True) in toy.events
    assert toy.output() == clean_build(WORLD)


def test_a_lost_object_is_built_again(toy: Toy) -> None:
    (toy.root / "build" / "whole.txt").unlink()
    for file in (toy.root / "cache" / "files").rglob("*"):
        if file.is_file() and b"TEXT" in file.read_bytes():
            file.unlink()
    result = toy.run(WORLD)
    assert result.built == ["whole"]
    assert toy.output() == clean_build(WORLD)


def test_what_is_no_longer_made_is_removed(toy: Toy) -> None:
    few: dict[str, Lines] = {"a": {"k00": ("one", "")}}
    toy.run(few)
    assert sorted(toy.output()) == ["parts/x/all.txt", "whole.txt"]


def test_a_failing_unit_leaves_nothing_and_fails_again_until_mended(toy: Toy) -> None:
    broken = changed("k05", "FAIL")
    unit = home(toy, "k05")
    for _ in range(2):
        result = toy.run(broken)
        assert unit in [name for name, _ in result.failures]
        assert f"{unit.partition(':')[2]}.txt" not in [name for name in toy.output() if b"FAIL" in toy.output()[name]]
    assert toy.run(WORLD).failures == []
    assert toy.output() == clean_build(WORLD)


PLAIN: dict[str, Lines] = {"a": {key: (f"text {key}", "") for key in KEYS}}  # no line refers to another
BAD, AWAY = "k05", "k04"  # in buckets of their own


def plain(**texts: str) -> dict[str, Lines]:
    return {"a": PLAIN["a"] | {key: (text, "") for key, text in texts.items()}}


def failed(result: RunResult) -> list[str]:
    return [unit for unit, _ in result.failures]


def test_the_first_failure_ends_the_build_and_finished_work_is_kept(tmp_path: Path) -> None:
    toy = Toy(tmp_path, stages=THREE)
    result = toy.run(plain(k05="FAIL", k04="FAIL"))
    first = min(home(toy, BAD), home(toy, AWAY))
    assert (failed(result), result.blocked) == ([first], [])
    assert result.built
    assert all(unit < first for unit in result.built)
    again = toy.run(PLAIN)
    assert not set(result.built) & {*again.built, *again.restored}


def test_keep_going_builds_all_that_does_not_depend_on_a_failed_unit(tmp_path: Path) -> None:
    toy = Toy(tmp_path, keep_going=True, stages=THREE)
    result = toy.run(plain(k05="FAIL", k04="FAIL"))
    assert failed(result) == sorted((home(toy, BAD), home(toy, AWAY)))
    with toy.state() as state:
        parts = set(state.unit_names("parts"))
    assert set(result.built) == parts - set(failed(result)) | {"title:apart"}
    assert result.blocked == ["title:whole", "whole"]
    finished = [event for event in toy.events if isinstance(event, StageFinished)]
    assert [(event.failed, event.blocked) for event in finished] == [(2, 0), (0, 1), (0, 1)]
    assert [event.clean for event in finished] == [0, 0, 0]


def test_keep_going_never_builds_on_what_a_failed_unit_made_before(tmp_path: Path) -> None:
    toy = Toy(tmp_path, keep_going=True, stages=THREE)
    toy.run(PLAIN)
    before = toy.output()
    for _ in range(2):
        result = toy.run(plain(k05="FAIL", k04="other"))
        assert failed(result) == [home(toy, BAD)]
        assert result.blocked == ["title:whole", "whole"]  # `whole` is dirty, since the other part has changed
        assert {name: data for name, data in toy.output().items() if "parts" not in name} == {
            name: data for name, data in before.items() if "parts" not in name
        }
    assert home(toy, AWAY) not in result.built


def test_keep_going_restores_nothing_that_stands_on_a_failed_unit(tmp_path: Path) -> None:
    toy = Toy(tmp_path, keep_going=True, stages=THREE)
    toy.run(plain(k04="other"))
    toy.run(PLAIN)
    result = toy.run(plain(k05="FAIL", k04="other"))
    assert result.restored == [home(toy, AWAY)]  # with what the failed part made before, `whole` would have a trace
    assert result.blocked == ["title:whole", "whole"]


def test_a_clean_unit_that_stands_on_a_failed_one_blocks_its_readers(tmp_path: Path) -> None:
    toy = Toy(tmp_path, keep_going=True, stages=THREE)
    toy.run(PLAIN)
    (tmp_path / "build" / "title.txt").unlink()
    shutil.rmtree(tmp_path / "cache")  # so that it has to be built anew, from a `whole` that is clean
    result = toy.run(plain(k05="FAIL"))
    assert (result.built, result.blocked) == ([], ["title:whole", "whole"])
    with toy.state() as state:
        assert [row.name for row in state.dirty()] == [home(toy, BAD), "title:whole"]


def test_after_mending_only_what_failed_and_its_dependents_are_built(tmp_path: Path) -> None:
    toy = Toy(tmp_path, keep_going=True, stages=THREE)
    toy.run(PLAIN)
    assert toy.run(plain(k05="FAIL")).blocked == ["title:whole", "whole"]
    mended = plain(k05="other")
    result = toy.run(mended)
    assert (result.built, result.failures, result.blocked) == ([home(toy, BAD), "whole", "title:whole"], [], [])
    assert toy.output() == clean_build(mended, THREE)
    assert not toy.plan(mended).stale


MANY: Lines = {f"n{n:03}": (f"text {n}", "") for n in range(300)}


@pytest.mark.parametrize("keep_going", [False, True])
def test_in_processes_a_failure_ends_the_build_or_not(tmp_path: Path, keep_going: bool) -> None:
    toy = Toy(tmp_path, jobs=2, keep_going=keep_going, stages=THREE)
    text = "FAIL" if keep_going else "SLOW FAIL"
    failures = len(toy.run({"a": dict.fromkeys(MANY, (text, ""))}).failures)
    with toy.state() as state:
        parts = state.unit_names("parts")
    begun = 2 * AHEAD * MOST_AT_ONCE
    assert failures == len(parts) if keep_going else 1 <= failures <= begun < len(parts)
    one_fails = toy.run({"a": {**MANY, "n007": ("FAIL", "")}})
    assert len(one_fails.failures) == 1
    built = set(one_fails.built).intersection(parts)
    assert (len(built) == len(parts) - 1) == keep_going
    with toy.state() as state:
        assert {row.name for row in state.dirty("parts")} == set(parts) - built
    mended = toy.run({"a": MANY})
    assert set(mended.built).intersection(parts) == set(parts) - built
    assert not toy.plan({"a": MANY}).stale


def test_processes_give_the_same_bytes(tmp_path: Path) -> None:
    lines: Lines = {f"n{n:03}": (f"text {n}", f"n{(n * 7) % 300:03}") for n in range(300)}
    outputs = []
    for jobs in (1, 2, 3):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        toy = Toy(folder, jobs=jobs)
        toy.run({"a": lines})
        outputs.append(toy.output())
        assert not toy.plan({"a": lines}).stale
    assert outputs[0] == outputs[1] == outputs[2]
