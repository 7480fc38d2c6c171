from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodabuild.engine.buckets import bucket_of
from prodabuild.engine.facts import Reason
from prodabuild.events import Note
from tests.engine.toy import Lines, Toy, facts_of

KEYS = [f"k{n:02}" for n in range(16)]
texts = st.sampled_from(["one", "two", " two ", "three"])
worlds = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.dictionaries(st.sampled_from(KEYS), st.tuples(texts, st.sampled_from(["", *KEYS])), max_size=10),
    min_size=1,
    max_size=2,
).map(lambda world: {name: {key: line for key, line in lines.items() if (int(key[1:]) % 2 == 0) == (name == "a")} for name, lines in world.items()})  # fmt: skip


def clean_build(sources: dict[str, Lines]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        toy = Toy(Path(folder))
        toy.run(sources)
        return toy.output()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


def test_keep_going_builds_the_rest(tmp_path: Path) -> None:
    toy = Toy(tmp_path, keep_going=True)
    result = toy.run(changed("k05", "FAIL"))
    broken = {name for name, _ in result.failures}
    with toy.state() as state:
        assert set(state.unit_names("parts")) == broken | set(result.built)
    assert "whole" not in result.built


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
