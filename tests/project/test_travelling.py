"""Traces that travel, without DVC: what it would bring is copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prodabuild.engine import journal
from prodabuild.engine.store import output_digest
from tests.conftest import Repo, Versioned

KINDS = "knowledge/zoo/kinds.yaml"
TRACES = "build/traces/data.journal"


@pytest.fixture
def clone(versioned: Versioned, tmp_path: Path) -> Repo:
    """A clone of the small repo, committed, with the outputs and the objects of its data, and without its state."""
    repo = versioned.repo
    repo.built()
    versioned.commit()
    shutil.copytree(repo.path, tmp_path / "clone", ignore=shutil.ignore_patterns(".prodabuild"))
    return Repo(tmp_path / "clone", repo.capsys)


def test_a_clone_restores_what_it_holds_the_objects_of(clone: Repo, versioned: Versioned) -> None:
    assert {step["action"] for step in clone.run("plan", "--to", "data", "--json").json["steps"]} == {"restore"}
    report = clone.data()
    assert report["built"] == []
    assert len(report["restored"]) > 1
    assert clone.files("build") == versioned.repo.files("build")
    assert clone.read("dvc.lock") == versioned.repo.read("dvc.lock")


def test_what_reads_something_else_there_is_built(clone: Repo) -> None:
    clone.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    report = clone.data()
    assert 0 < len(report["built"]) < len(report["restored"])


def test_what_has_lost_its_object_is_built(clone: Repo) -> None:
    shutil.rmtree(clone.path / ".dvc/cache")
    shutil.rmtree(clone.path / "build/items")
    assert {unit.partition(":")[0] for unit in clone.data()["built"]} == {"items"}


@pytest.mark.engine
def test_a_state_takes_in_what_arrives_later_but_its_own_traces_stand(clone: Repo, versioned: Versioned) -> None:
    clone.data()
    home = versioned.repo
    home.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    assert home.data()["built"]
    for folder in ("build", ".dvc/cache", "knowledge"):
        shutil.copytree(home.path / folder, clone.path / folder, dirs_exist_ok=True)
    report = clone.data("--trust", "all")
    assert report["built"] == []
    assert report["restored"]
    other = b'"another"'
    forged = [
        trace._replace(summary=other, output=output_digest(trace.files, other))
        for trace in journal.read(clone.path / TRACES)
    ]
    (clone.path / TRACES).write_bytes(b"".join(map(journal.line_of, forged)))
    assert clone.data("--trust", "all")["restored"] == []
    assert clone.read(TRACES) == home.read(TRACES)


def test_without_a_stage_that_names_them_none_are_written(versioned: Versioned) -> None:
    versioned.repo.edit("dvc.yaml", f"    - {TRACES}:\n        persist: true\n", "")
    versioned.repo.data()
    assert not (versioned.path / TRACES).exists()
