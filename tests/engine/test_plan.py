"""What a plan says of units whose upstream is not known yet, known to change, damaged or back where it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prodabuild.engine.facts import Reason
from tests.engine.toy import Lines, Settings, Toy

SETTINGS = Settings(size=1)
LINES: Lines = {f"k{n}": (f"text {n}", "") for n in range(4)}


def edited(**texts: str) -> dict[str, Lines]:
    return {"a": {**LINES, **{key: (text, "") for key, text in texts.items()}}}


WORLD = edited()


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    found = Toy(tmp_path)
    found.run(WORLD, SETTINGS)
    return found


def planned(toy: Toy, sources: dict[str, Lines], settings: Settings = SETTINGS, to: int = 9) -> dict[str, str]:
    """Return the units of a plan that are not clean, with their actions."""
    return {step.unit: step.action for step in toy.plan(sources, settings, to).steps if step.action != "clean"}


def part_of(toy: Toy, key: str) -> str:
    """Return the part that an edit of a line builds."""
    (unit,) = [unit for unit, action in planned(toy, edited(**{key: "!"})).items() if action == "build"]
    return unit


def test_an_edit_builds_its_part_and_may_reach_what_follows(toy: Toy) -> None:
    part = part_of(toy, "k0")
    half = f"half:{part[-1]}"
    follows = {half, f"count:{part.partition(':')[2]}"} | ({"pick", "end"} if half == "half:0" else set())
    assert planned(toy, edited(k0="other")) == {part: "build", **dict.fromkeys(follows, "maybe")}


def test_going_back_is_known_to_be_a_restore_all_the_way(toy: Toy) -> None:
    toy.run(edited(k0="other", k1="other", k2="other", k3="other"), SETTINGS)
    plan = toy.plan(WORLD, SETTINGS)
    assert {step.action for step in plan.steps} == {"restore"}
    assert toy.run(WORLD, SETTINGS).restored == [step.unit for step in plan.steps]
    (half,) = [step for step in plan.steps if step.unit == "half:0"]
    assert all(reason.what.endswith(" will change") for reason in half.reasons)


def test_what_cannot_fit_whatever_comes_is_a_build(toy: Toy) -> None:
    both = planned(toy, edited(k0="a", k1="b", k2="c", k3="d"), SETTINGS._replace(name="two"))
    assert (both["pick"], both["end"]) == ("maybe", "build")
    assert planned(toy, WORLD, SETTINGS._replace(name="two")) == {"end": "build"}


def test_what_may_fit_again_is_a_maybe_though_its_inputs_changed(toy: Toy) -> None:
    toy.run(WORLD, SETTINGS._replace(name="two"))
    plan = toy.plan(edited(k0="a", k1="b", k2="c", k3="d"), SETTINGS)
    (end,) = [step for step in plan.steps if step.unit == "end"]
    assert end.action == "maybe"
    assert end.reasons == (Reason("settings#name changed", "settings", "two", "one"), Reason("pick may change"))


def test_a_damaged_unit_that_may_be_built_again_is_a_maybe_and_is_done_once(toy: Toy) -> None:
    (toy.root / "build/halves/0.txt").unlink()
    sources = edited(k0="a", k1="b", k2="c", k3="d")
    plan = {step.unit: step for step in toy.plan(sources, SETTINGS).steps}
    assert plan["half:0"].action == plan["pick"].action == "maybe"
    assert Reason("build/halves/0.txt is missing") in plan["half:0"].reasons
    result = toy.run(sources, SETTINGS)
    assert "half:0" in result.built
    assert result.restored == []
    assert result.clean == len(plan) - len(result.built)


def test_damage_beyond_the_target_waits_for_its_turn(toy: Toy) -> None:
    (toy.root / "build/end.txt").write_text("mine")
    assert planned(toy, WORLD, to=2) == {}
    assert toy.run(WORLD, SETTINGS, to=2).restored == []
    assert planned(toy, WORLD) == {"end": "restore"}
    assert toy.run(WORLD, SETTINGS).restored == ["end"]


def test_an_edit_that_is_taken_back_before_it_was_built_leaves_nothing_to_do(toy: Toy) -> None:
    other = SETTINGS._replace(name="two")
    toy.run(WORLD, other, to=2)
    assert planned(toy, WORLD, other) == {"end": "build"}
    assert planned(toy, WORLD) == {}
    toy.events.clear()
    result = toy.run(WORLD, SETTINGS)
    assert (result.built, result.restored, toy.events) == ([], [], [])
    assert planned(toy, WORLD) == {}


def test_a_unit_that_comes_back_says_that_it_was_built_before(toy: Toy) -> None:
    toy.run(WORLD, SETTINGS._replace(size=100))
    plan = toy.plan(WORLD, SETTINGS)
    assert {step.reasons for step in plan.steps if step.unit.startswith("part:")} == {
        (Reason("was built before, of the same inputs"),)
    }


def test_files_of_units_that_are_no_more_are_planned_to_go(toy: Toy) -> None:
    plan = toy.plan(WORLD, SETTINGS._replace(size=100))
    assert sorted(plan.removed) == sorted(path for path in toy.output() if path.startswith("parts/"))
    assert toy.run(WORLD, SETTINGS._replace(size=100)).pruned == list(plan.removed)


def test_removing_what_is_already_gone_from_build_is_no_matter(toy: Toy) -> None:
    shutil.rmtree(toy.root / "build")
    toy.run({"a": {"k0": LINES["k0"]}}, SETTINGS)
    assert [path for path in toy.output() if path.startswith("parts/")] == ["parts/x/all.txt"]


def test_a_lost_object_is_no_reason_to_build_what_may_stay_as_it_is(toy: Toy) -> None:
    mine = (toy.root / "build/pick.txt").read_bytes()
    for file in (toy.root / "cache/files").rglob("*/*/*"):
        if file.read_bytes() == mine:
            file.unlink()
    sources = edited(k0="text 0!", k1="text 1!", k2="text 2!", k3="text 3!")
    assert planned(toy, sources)["pick"] == "maybe"
    assert "pick" not in toy.run(sources, SETTINGS).built  # a half shows the first letters only
