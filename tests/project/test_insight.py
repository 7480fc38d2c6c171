"""Units of insight: declared in the manifest, planned, refused, built by a test, judged by gates, cached, locked."""

from __future__ import annotations

import shutil
import subprocess
import sys

import orjson
import pytest

from prodabuild.insight.rungs import LADDER, ProbeRequest
from prodabuild.manifest.load import read_manifest
from prodabuild.project.inputs import declared_ladder, settings_of
from tests.conftest import Repo
from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
PROBE = 'probe: {sources: ["lag:symbols=2,lag=1", "fresh:symbols=2"], rows: 8, length: 16, gate: {max_rise: 9}}'
SIZE = "footprint: {gate: {max_size: 99}}"
UNITS = {"probe@base", "probe", "footprint"}
KINDS = "knowledge/zoo/kinds.yaml"


def declare(repo: Repo, *parts: str) -> None:
    text = repo.read("proda.yaml").decode().partition("insight:")[0]
    repo.write("proda.yaml", text + "".join(["insight:\n", *(f"  {part}\n" for part in parts)]))


def planned(repo: Repo) -> dict[str, str]:
    return {step["unit"]: step["action"] for step in repo.run("plan", "--to", "results", "--json").json["steps"]}


def insight(repo: Repo) -> dict[str, str]:
    return {unit: action for unit, action in planned(repo).items() if unit in UNITS}


def test_what_is_declared_is_planned_for_a_test_and_for_nothing_before_it(repo: Repo) -> None:
    assert not UNITS & planned(repo).keys()
    declare(repo, "footprint: {}")
    assert insight(repo) == {"footprint": "build"}
    declare(repo, PROBE, SIZE)
    assert insight(repo) == dict.fromkeys(UNITS, "build")
    assert not UNITS & {step["unit"] for step in repo.run("plan", "--json").json["steps"]}


def test_the_defaults_are_those_of_the_command(repo: Repo) -> None:
    declare(repo, "probe: {}")
    manifest = read_manifest(repo.path)
    assert declared_ladder(manifest) == ProbeRequest()
    assert settings_of(repo.path, manifest)["insight.probe.sources"] == LADDER


def test_a_manifest_without_the_section_has_the_settings_that_it_had_and_gates_are_none(repo: Repo) -> None:
    def settings() -> dict[str, object]:
        return settings_of(repo.path, read_manifest(repo.path))

    before = settings()
    assert not [key for key in before if key.startswith("insight")]
    declare(repo, SIZE)
    assert settings() == before
    declare(repo, PROBE, SIZE)
    asked = settings()
    assert [key for key in asked if key not in before] == [f"insight.probe.{key}" for key in ("sources", "rows", "length", "seed")]  # fmt: skip
    declare(repo, PROBE.replace("9}", "1}"))
    assert settings() == asked


WRONG = """\
proda.yaml:12:21: error[M026]: there is no source 'lagg'
hint: did you mean 'lag'?
proda.yaml:12:29: error[M026]: lag: flip=2 does not lie between 0 and 1
proda.yaml:12:49: error[M026]: the source 'even' is named twice
hint: name each source once
proda.yaml:12:55: error[M026]: the chain falls into parts that do not reach each other
hint: give it ways between them
"""


def test_sources_that_cannot_be_read_are_found_by_check_and_before_a_test_builds(repo: Repo) -> None:
    declare(repo, 'probe: {sources: ["lagg", "lag:flip=2", even, even, "two:up=0,down=0"]}')
    for command in (("check",), ("test",), ("probe", "ladder")):
        outcome = repo.run(*command)
        assert (outcome.code, (outcome.out or outcome.err).partition("\n\n")[0] + "\n") == (1, WRONG), command
    assert not (repo.path / "build").exists()
    assert repo.run("compile", "--to", "data").code == 0  # training data asks no probe


def test_a_plan_and_a_build_of_nothing_read_no_numpy(repo: Repo) -> None:
    declare(repo, PROBE, SIZE)
    repo.data()
    code = (
        "import sys; from prodabuild.cli.main import run\n"
        "assert run(['compile', '--to', 'data', '-q']) == run(['plan', '--to', 'results', '-q']) == 0\n"
        "print([name for name in ('torch', 'transformers', 'dvc', 'rich', 'numpy') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo.path, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_why_names_the_key_that_a_unit_is_there_for(repo: Repo) -> None:
    declare(repo, PROBE, SIZE)
    lines = {
        "probe@base": ("insight.probe", 12),
        "probe": ("insight.probe", 12),
        "footprint": ("insight.footprint", 13),
    }
    for unit, (key, line) in lines.items():
        path = repo.run("why", unit, "--json").json["path"]
        assert path[0] == {"unit": key, "where": f"proda.yaml:{line}"}


def quick(repo: Repo) -> None:
    """Train for a step or two, judge by insight alone."""
    repo.edit("proda.yaml", "epochs: 6", "epochs: 1")
    repo.edit("proda.yaml", "min: 0.99", "min: 0")


def gates(repo: Repo) -> dict[str, dict[str, object]]:
    return {gate["name"]: gate for gate in repo.history[-1].json["gates"]}


@pytest.mark.train
def test_gates_are_judged_with_the_others(taught: Repo) -> None:
    quick(taught)
    declare(taught, PROBE.replace("8,", "16,"), SIZE)
    passed = taught.run("test", "--json", "--junit", "items.xml", "--md", "scores.md")
    assert (passed.code, passed.json["verdict"]) == (0, "pass"), passed.err
    assert set(passed.json["ran"]) >= UNITS
    found = gates(taught)
    assert list(found) == ["chains.sealed.acc", "probe.excess.rise", "footprint.size"]
    rise, size = found["probe.excess.rise"]["value"], found["footprint.size"]["value"]
    assert found["probe.excess.rise"] == {"name": "probe.excess.rise", "value": rise, "limit": 9.0, "ok": True, "against": "base"}  # fmt: skip
    assert isinstance(rise, float)
    assert isinstance(size, float)
    footprint = orjson.loads(taught.read("build/insight/footprint.json"))
    assert size == footprint["figures"]["size"]["value"] > 0.5
    assert b'name="footprint.size"' in taught.read("items.xml")
    assert f"- ✅ footprint.size against base is {size:.3f}, at most 99 is asked\n" in taught.read("scores.md").decode()

    taught.edit("proda.yaml", "max_size: 99", "max_size: 0.5")
    lock = taught.read("proda.lock")
    failed = taught.run("test", "--locked")
    assert failed.code == 3
    assert failed.out.splitlines()[-4:] == [
        failed.out.splitlines()[-4],
        f"ok   probe.excess.rise against base is {rise:.3f}, at most 9 is asked",
        f"FAIL footprint.size against base is {size:.3f}, at most 0.5 is asked",
        "fail (nothing changed: these are the recorded results)",
    ]
    assert failed.out.splitlines()[-4].startswith("ok   chains.sealed.acc is ")
    assert taught.read("proda.lock") == lock
    part = taught.run("test", "--failed", "--json")
    assert (part.code, part.json["verdict"], part.json["gates"]) == (0, "part", [])
    taught.edit("proda.yaml", "max_rise: 9", "max_rise: 0")
    assert [gate["ok"] for gate in taught.run("test", "--json").json["gates"][1:]] == [rise <= 0, False]


@pytest.mark.train
def test_units_are_cached_locked_and_restored_and_the_base_is_asked_once(taught: Repo) -> None:
    quick(taught)
    declare(taught, PROBE, SIZE)
    assert taught.run("test").code == 0
    first, lock = taught.files("build/insight"), taught.read("proda.lock")
    entries = {line.partition(b'"')[2].partition(b'"')[0].decode() for line in lock.splitlines()}
    assert set(first) == {"probe@base.json", "probe.json", "footprint.json"}
    assert entries >= UNITS
    assert taught.run("test", "--json").json["ran"] == []
    assert taught.run("compile").code == 0
    assert taught.read("proda.lock") == lock  # what lies beyond a compile keeps its entries

    before = taught.read(KINDS)
    taught.edit(KINDS, "with the habits of a gecko", "with the sticky habits of a gecko")
    assert insight(taught) == {"probe@base": "clean", "probe": "maybe", "footprint": "maybe"}
    ran = taught.run("test", "--json").json["ran"]
    assert UNITS & set(ran) == {"probe", "footprint"}
    assert taught.read("build/insight/probe@base.json") == first["probe@base.json"]
    assert taught.read("build/insight/footprint.json") != first["footprint.json"]
    taught.write(KINDS, before)
    assert taught.run("test").code == 0
    assert "probe: 1 restored, 1 clean" in taught.history[-1].err
    assert (taught.files("build/insight"), taught.read("proda.lock")) == (first, lock)
    assert taught.run("verify").code == taught.run("gc").code == 0

    for folder in ("build", ".prodabuild"):
        shutil.rmtree(taught.path / folder)
    assert taught.run("test", "--locked").code == 0  # built from nothing, the same bytes
    assert taught.files("build/insight") == first

    declare(taught, SIZE)
    assert taught.run("test").code == 0
    assert set(taught.files("build/insight")) == {"footprint.json"}
    assert b'"probe' not in taught.read("proda.lock")


@pytest.mark.train
def test_commands_take_the_answer_of_the_unit_where_they_are_asked_the_same(taught: Repo) -> None:
    quick(taught)
    declare(taught, PROBE, SIZE)
    taught.run("compile")
    computed = taught.run("probe", "ladder", "--json").json  # declared and not built: computed, and left at that
    shape = taught.run("footprint")
    assert not (taught.path / "build/insight").exists()
    assert taught.run("test").code == 0

    known = taught.run("probe", "ladder", "--json").json
    assert known["change"]["mean"] == pytest.approx(computed["change"]["mean"], abs=1e-4)
    assert [rung["words"] for rung in known["rungs"]] == [rung["words"] for rung in computed["rungs"]]
    same = taught.run("probe", "ladder", "lag:symbols=2,lag=1", "fresh:symbols=2", "--rows", "8", "--length", "16", "--json")  # fmt: skip
    assert same.json == known != computed
    kept = orjson.loads(taught.read("build/insight/probe.json"))["rungs"]
    assert [rung["model"]["excess"] for rung in same.json["rungs"]] == [rung["excess"] for rung in kept]
    other = taught.run("probe", "ladder", "lag:symbols=2,lag=1", "--rows", "8", "--length", "16", "--json").json
    assert other["rungs"][0]["model"]["excess"] != kept[0]["excess"]  # computed, and not cut to decimals
    assert other["rungs"][0]["model"]["excess"]["mean"] == pytest.approx(kept[0]["excess"]["mean"], abs=1e-4)

    modules = orjson.loads(taught.read("build/insight/footprint.json"))["modules"]
    found = taught.run("footprint", "--json").json["runs"][0]
    assert (found["name"], found["base"]) == ("build/model", "build/base")
    assert [module["spectrum"] for module in found["modules"]] == [module["spectrum"] for module in modules]
    assert found["modules"][0]["floor"] == modules[0]["floor"]
    assert shape.out.splitlines()[0].startswith("build/model: lora, ")
    taught.edit(KINDS, "with the habits of a gecko", "with the sticky habits of a gecko")
    assert taught.run("footprint").out == shape.out  # what lies in build/, as ever
    taught.edit("proda.yaml", "path:models/tiny", "scratch:nano")
    assert taught.run("footprint").out == shape.out
    taught.write("proda.yaml", "nothing")
    assert taught.run("footprint").out == shape.out


def test_gates_that_nobody_declared_load_nothing(repo: Repo) -> None:
    script = (
        "import sys; from pathlib import Path; from types import SimpleNamespace\n"
        "from prodabuild.manifest.load import read_manifest; from prodabuild.project.testing import ceilings\n"
        "assert not list(ceilings(SimpleNamespace(manifest=read_manifest(Path.cwd()))))\n"
        "assert 'numpy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=repo.path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
