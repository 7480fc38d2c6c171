"""What is read and checked by two processes is what one reads and finds."""

from __future__ import annotations

import shutil

import pytest

from prodabuild.knowledge import edits
from prodabuild.project import inputs
from tests.conftest import Repo


@pytest.fixture
def halved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "HALVED_FROM", 1)
    monkeypatch.setattr(edits, "MANY", 1)


def test_a_build_that_reads_in_two_processes_gives_the_same_bytes(repo: Repo, halved: None) -> None:
    repo.data("--jobs", "1")
    one = repo.files("build"), repo.read("proda.lock")
    for left in ("build", ".prodabuild"):
        shutil.rmtree(repo.path / left)
    (repo.path / "proda.lock").unlink()
    repo.data("--jobs", "2")
    assert (repo.files("build"), repo.read("proda.lock")) == one


def test_errors_are_the_same(repo: Repo, halved: None) -> None:
    repo.edit("knowledge/zoo/kinds.yaml", "object: zoo/reptile", "object: zoo/wizard")
    outcomes = [repo.run("compile", "--to", "data", "--jobs", jobs, "-q") for jobs in ("1", "2")]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].code == 1
    repo.write("knowledge/tools/more.yaml", "concepts:\n- {id: tools/x\n")
    outcomes = [repo.run("compile", "--to", "data", "--jobs", jobs, "-q") for jobs in ("1", "2")]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].code == 1
