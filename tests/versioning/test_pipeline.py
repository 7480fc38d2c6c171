"""`dvc.yaml` as it is made from the stages and the manifest. (test_generated.py compares this repository's own.)"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from prodabuild.engine.dvcfile import read_stages
from prodabuild.manifest.load import read_manifest
from prodabuild.project.pipeline import ORDER, read_pipeline
from prodabuild.project.stages import stages_of
from prodabuild.versioning.pipeline import dvc_yaml
from tests.conftest import ROOT, Repo


def made(repo: Repo) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(dvc_yaml(read_manifest(repo.path)))
    return document


def test_it_is_read_back_as_the_three_stages(repo: Repo) -> None:
    repo.write(".dvc/config", "")
    repo.write("dvc.yaml", dvc_yaml(read_manifest(repo.path)))
    assert tuple(kind for kind, _ in read_pipeline(repo.path, "auto").stages) == ORDER
    assert len(read_stages(repo.path / "dvc.yaml")) == 3  # nothing that only DVC could read
    assert repo.read("dvc.yaml").decode().replace("  small:", "  sixteen:") == (ROOT / "dvc.yaml").read_text("utf-8")


def test_every_stage_says_where_its_outputs_lie(repo: Repo) -> None:
    folders = {stage.name: stage.folder for stage in stages_of(read_manifest(repo.path))}
    assert all(folders.values())
    repo.data()
    laid = {path.partition("/")[0] for path in repo.files()}
    outs = {path for out in made(repo)["stages"]["data"]["outs"] for path in out}
    assert {f"build/{folder}" for folder in laid - {"traces"}} == {path for path in outs if "traces" not in path}


def test_a_manifest_without_tests_has_two_stages(repo: Repo) -> None:
    text = repo.read("proda.yaml").decode()
    repo.write("proda.yaml", text[: text.index("tests:")])
    document = made(repo)
    assert list(document["stages"]) == ["data", "model"]
    data = document["stages"]["data"]
    assert data["params"] == [{"proda.yaml": ["name", "disciplines", "compile"]}]
    assert [path for out in data["outs"] for path in out] == ["build/dataset", "build/traces/data.journal"]


def test_what_a_test_looks_at_beside_the_suites_belongs_to_the_results(repo: Repo) -> None:
    repo.write("proda.yaml", repo.read("proda.yaml") + b"insight: {footprint: {}}\n")
    results = made(repo)["stages"]["results"]
    assert results["params"] == [{"proda.yaml": ["tests", "insight"]}]
    assert [path for out in results["outs"] for path in out] == ["build/insight", "build/results", "build/traces/results.journal"]  # fmt: skip


def test_what_the_manifest_names_is_depended_on(repo: Repo, base_folder: Path) -> None:
    repo.write("sources/notes.md", "a gecko is a lizard")
    repo.write("animals/more.yaml", repo.read("knowledge/zoo/kinds.yaml"))
    repo.write("recipes/own.py", "def brief(record, view):\n    return []\n")
    repo.write("tests/tasks/general.yaml", "task: general\n")
    repo.edit(
        "proda.yaml", "zoo: {knowledge: [knowledge/zoo]", "zoo: {knowledge: [animals], sources: [sources/notes.md]"
    )
    repo.edit("proda.yaml", "judge]", "judge, 'recipes/own.py:brief']")
    repo.edit("proda.yaml", "base: scratch:micro", "base: path:models/tiny")
    repo.edit("proda.yaml", "tests:\n", "tests:\n  general: {tasks: [tests/tasks/general.yaml, piqa]}\n")
    stages = made(repo)["stages"]
    assert stages["data"]["deps"] == ["animals", "knowledge", "patches", "recipes/own.py", "sources/notes.md"]
    assert stages["model"]["deps"] == ["build/dataset", "models/tiny"]
    assert stages["results"]["deps"] == ["build/base", "build/model", "build/suites", "tests/tasks/general.yaml"]


@pytest.fixture
def base_folder(repo: Repo) -> Path:
    """A folder in the place of a base."""
    folder = repo.path / "models/tiny"
    folder.mkdir(parents=True)
    shutil.copy(repo.path / "proda.yaml", folder / "config.json")
    return folder
