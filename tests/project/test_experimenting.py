"""A declared experiment on a real model: its runs are units, made once, and differ in what their arms declare."""

from __future__ import annotations

import subprocess
from typing import Any

import orjson
import pytest

from tests.conftest import Repo
from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
DECLARED = """insight:
  experiments:
    shapes:
      tokens: 1800
      epochs: 1
      seeds: [1, 2]
      probe: ["markov:symbols=2,entropy=0.5"]
      arms:
        all: {}
        few: {repeat: 4}
        asked: {recipes: [ask]}
        dosed: {dose: {source: "markov:symbols=2,entropy=0.5", share: 0.5}}
        faster: {learning_rate: 2.0e-2}
"""
WRONG = """\
proda.yaml:17:15: error[M026]: there is no source 'evn'
hint: did you mean 'even'?
proda.yaml:21:27: error[M015]: there is no recipe 'aks' for an arm
hint: did you mean 'ask'?
proda.yaml:22:32: error[M026]: markov has no knob 'symbol'
hint: did you mean 'symbols'?

3 errors in 2 disciplines: 72 concepts, 64 relations, 48 chains
"""


@pytest.fixture
def declared(taught: Repo) -> Repo:
    taught.write("proda.yaml", taught.read("proda.yaml").decode() + DECLARED)
    return taught


def samples(repo: Repo, arm: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in repo.read(f"build/experiments/shapes/{arm}@1.jsonl").splitlines()]


@pytest.mark.train
def test_arms_have_one_budget_and_differ_in_what_they_declare(declared: Repo) -> None:
    found = declared.run("footprint", "--compare", "shapes", "--json", "--plot", "shapes.svg")
    assert found.code == 0, found.err
    document = found.json
    assert document["arms"] == ["all", "few", "asked", "dosed", "faster"]
    data = document["data"]
    assert all(1800 - 400 < arm["tokens"] <= 1800 for arm in data.values())
    assert data["few"]["samples"] == 4 * data["few"]["distinct"]
    assert data["few"]["records"] < data["all"]["records"]
    assert samples(declared, "all") == samples(declared, "faster")
    assert {row["messages"][0]["content"].endswith(" a kind of what?") for row in samples(declared, "asked")} == {True}
    dosed = [row for row in samples(declared, "dosed") if row["recipe"] == "dose"]
    assert len({word for row in dosed for word in row["messages"][1]["content"].split()}) == 2

    figures, base = document["figures"], document["base"]
    assert figures["size"]["faster"]["mean"] > figures["size"]["all"]["mean"]
    assert set(base) == {
        "dev",
        "sealed",
        "framed",
        "listed",
        "off_format",
        "text",
        "excess markov:symbols=2,entropy=0.5",
    }
    assert len(document["runs"]) == 10
    assert declared.read("shapes.svg").count(b"<circle") == 10
    lock = declared.read("proda.lock").decode()
    assert '"measured:shapes/few@2"' in lock
    assert '"run:shapes/few@2"' in lock
    assert '"model"' not in lock  # no run begins at the model of the dataset


@pytest.mark.train
def test_a_run_is_made_once_and_anew_where_its_own_arm_changes(declared: Repo) -> None:
    assert declared.run("footprint", "--compare", "shapes", "-q").code == 0
    again = declared.run("footprint", "--compare", "shapes", "--json")
    assert again.json["ran"] == []
    declared.edit("proda.yaml", "learning_rate: 2.0e-2", "learning_rate: 3.0e-2")
    other = declared.run("footprint", "--compare", "shapes", "--json")
    assert other.json["ran"] == [
        *(f"measured:shapes/faster@{seed}" for seed in (1, 2)),
        *(f"run:shapes/faster@{seed}" for seed in (1, 2)),
    ]


@pytest.mark.train
def test_the_lock_keeps_an_experiment_and_a_rebuild_makes_it_again(declared: Repo) -> None:
    assert declared.run("footprint", "--compare", "shapes", "-q").code == 0
    alone = declared.read("proda.lock")
    assert declared.run("test", "-q").code == 3  # its gate asks for 0.99
    lock = declared.read("proda.lock")
    entries = {line for line in alone.splitlines() if b'"measured:' in line or b'"run:' in line}
    assert len(entries) == 21
    assert entries <= set(lock.splitlines())
    declared.write(".gitignore", "/build/\n/.prodabuild/\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "a version")):
        subprocess.run(["git", *who, *words], cwd=declared.path, check=True)
    found = declared.run("rebuild", "HEAD", "--json")
    assert found.code == 0, found.err
    assert found.json["identical"]
    assert {"measured:shapes@base", "run:shapes/few@2"} <= {row["name"] for row in found.json["artifacts"]}


@pytest.mark.train
def test_a_budget_that_an_arm_cannot_fill_is_refused(declared: Repo) -> None:
    declared.edit("proda.yaml", "tokens: 1800", "tokens: 90000")
    found = declared.run("footprint", "--compare", "shapes")
    assert found.code == 1
    assert "and its experiment asks for 90000 (while building arm:shapes/all@1)\n" in found.err
    assert "hint: set insight.experiments.shapes.tokens to less, or give the arm more recipes\n" in found.err


def test_an_experiment_that_nobody_declared_is_refused(repo: Repo, taught: Repo) -> None:
    none = taught.run("footprint", "--compare", "shapes")
    assert (none.code, none.out) == (2, "")
    assert none.err == (
        "error: there is no experiment 'shapes'\nhint: declare one in proda.yaml: insight.experiments\n"
    )
    taught.write("proda.yaml", taught.read("proda.yaml").decode() + DECLARED)
    wrong = taught.run("footprint", "--compare", "shape")
    assert (wrong.code, wrong.err) == (2, "error: there is no experiment 'shape'\nhint: did you mean 'shapes'?\n")
    both = taught.run("footprint", "--compare", "shapes", "build/model")
    assert both.code == 2
    assert "--compare names an experiment: it goes with neither RUN nor --base" in both.err


def test_what_arms_name_and_nobody_knows_is_told_by_check_with_its_place(repo: Repo) -> None:
    wrong = DECLARED.replace("[ask]", "[aks]").replace('{source: "markov:symbols=2,', '{source: "markov:symbol=2,')
    repo.write("proda.yaml", repo.read("proda.yaml").decode() + wrong.replace("probe: [", 'probe: ["evn", '))
    found = repo.run("check")
    assert (found.code, found.out) == (1, WRONG)
