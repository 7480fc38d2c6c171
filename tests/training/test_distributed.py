"""Training in several processes: the steps of one process, and the same bytes each time."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import Repo

pytestmark = pytest.mark.train


def losses(repo: Repo) -> list[float]:
    return [float(line.split(",")[1]) for line in repo.read("build/model/loss.csv").decode().splitlines()[1:]]


def test_two_processes_take_the_steps_of_one_and_give_the_same_bytes_again(taught: Repo) -> None:
    taught.edit("proda.yaml", "epochs: 6", "epochs: 1")
    taught.run("compile")
    alone = losses(taught)
    taught.edit("proda.yaml", "epochs: 1", "epochs: 1, world_size: 2")
    first = taught.run("compile", "--json")
    assert (first.code, first.json["built"]) == (0, ["model"]), first.err
    assert losses(taught) == pytest.approx(alone, abs=1e-3)
    files = taught.files("build/model")
    for name in ("build", ".prodabuild"):
        shutil.rmtree(taught.path / name)
    assert taught.run("compile", "--json").json["model"] == first.json["model"]
    assert taught.files("build/model") == files


def test_what_goes_wrong_in_a_process_is_told_as_ever(taught: Repo) -> None:
    taught.edit("proda.yaml", "adapter: {r: 8", "adapter: {targets: [q_prog], r: 8")
    taught.edit("proda.yaml", "epochs: 6", "epochs: 6, world_size: 2")
    outcome = taught.run("compile", "-q")
    assert outcome.code == 1
    assert "error: model.adapter.targets: q_prog names no module of the base (while building model)" in outcome.err
    assert not (taught.path / "build/model").exists()
