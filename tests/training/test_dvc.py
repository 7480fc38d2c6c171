"""A trained and tested version, as DVC sees it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from prodabuild.engine.dvcfile import read_lock
from prodabuild.manifest.load import read_manifest
from prodabuild.versioning.pipeline import dvc_yaml
from tests.conftest import CONFIG, Versioned
from tests.training.conftest import teach

pytestmark = pytest.mark.train
CLEAN = "Data and pipelines are up to date.\n"


def test_a_version_is_recorded_pushed_and_pulled(versioned: Versioned, base: Path, tmp_path: Path) -> None:
    teach(versioned.repo, base)
    versioned.repo.write(
        ".dvc/config", CONFIG + f"    remote = store\n['remote \"store\"']\n    url = {tmp_path}/remote\n"
    )
    dvc_yaml = versioned.repo.read("dvc.yaml").decode()
    versioned.repo.write(
        "dvc.yaml",
        dvc_yaml.replace("    - build/dataset\n    params", "    - build/dataset\n    - models/tiny\n    params"),
    )
    failed = versioned.repo.run("test")
    assert failed.code == 3
    assert list(read_lock(versioned.path / "dvc.lock").stages) == ["data", "model"]  # what fails, DVC runs again
    versioned.repo.edit("proda.yaml", "min: 0.99", "min: 0.0")
    assert versioned.repo.run("test").code == 0

    ours = versioned.lock
    assert versioned.dvc("status") == CLEAN
    assert versioned.dvc("repro").endswith(f"Stage 'results' didn't change, skipping\n{CLEAN}")
    metrics = orjson.loads(versioned.dvc("metrics", "show", "--json"))
    assert set(metrics[""]["data"]["metrics.json"]["data"]["chains"]["dev"]) == {"n", "acc", "stderr", "base_acc"}
    assert orjson.loads(versioned.dvc("plots", "show", "--json"))["data"]["build/model/loss.csv"]
    (versioned.path / "dvc.lock").unlink()
    versioned.dvc("commit", "--force")
    assert versioned.lock == ours

    versioned.commit()
    versioned.dvc("push")
    clone = versioned.clone(tmp_path / "clone")
    clone.dvc("pull")
    assert clone.dvc("status") == CLEAN
    carried = {name: data for name, data in versioned.repo.files().items() if name != "README.md"}  # the card
    assert clone.repo.files() == carried
    report = clone.repo.run("compile", "--json").json
    assert (report["built"], report["restored"][:1], report["model"] is not None) == ([], ["base"], True)
    assert "model" in report["restored"]
    assert clone.repo.run("test", "--json").json["ran"] == ["results:chains", "results:chains@base"]
    assert clone.repo.history[-1].err.splitlines()[-1].startswith("results: 2 restored")
    assert clone.git("status", "--porcelain") == ""
    assert clone.dvc("status") == CLEAN


def test_versions_are_compared_and_tried_with_dvc(versioned: Versioned, base: Path) -> None:
    teach(versioned.repo, base)
    versioned.repo.edit("proda.yaml", "min: 0.99", "min: 0.0")
    versioned.repo.write("dvc.yaml", dvc_yaml(read_manifest(versioned.path)))
    assert versioned.repo.run("test").code == 0
    versioned.commit()
    said = versioned.dvc("exp", "run", "--name", "short", "-S", "proda.yaml:model.train.epochs=2")
    assert "Stage 'data' didn't change, skipping" in said
    assert versioned.repo.run("compile", "--json").json["built"] == []
    assert versioned.repo.run("test", "--json").json["ran"] == []
    assert versioned.dvc("status") == CLEAN
    metrics = orjson.loads(versioned.dvc("metrics", "diff", "HEAD", "--json"))
    assert all(name.startswith("chains.") for name in metrics.get("metrics.json", {}))
    params = orjson.loads(versioned.dvc("params", "diff", "HEAD", "--json"))
    assert params["proda.yaml"]["model.train.epochs"] == {"old": 6, "new": 2, "diff": -4}
    versioned.dvc("plots", "diff", "HEAD")
    page = versioned.repo.read("dvc_plots/index.html").decode()
    assert "build/model/loss.csv" in page
    assert versioned.repo.run("rebuild", "HEAD", "--json").json["identical"]
