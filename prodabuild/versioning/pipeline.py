"""`dvc.yaml` of a data repo: three stages, made from the tuple of stages and from what the manifest names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.engine.dvcyaml import dump
from prodabuild.knowledge.patches import FOLDER as PATCHES
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.model import TaskSuite
from prodabuild.manifest.paths import PREDICATES
from prodabuild.project.pipeline import BUILD, ORDER
from prodabuild.project.stages import stages_of, up_to
from prodabuild.project.travelling import FOLDER as TRACES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prodabuild.manifest.model import Manifest
    from prodabuild.project.stages import Target

METRICS = "metrics.json"
HEAD = """# The three coarse stages, for people who know DVC: `dvc repro`, `dvc push`, `dvc pull`.
# What changed inside a stage is prodabuild's to know, so outputs persist between runs.
"""
_COMMANDS: dict[Target, str] = {
    "data": "prodabuild compile --to data",
    "model": "prodabuild compile",
    "results": "prodabuild test",
}
_READS = {"model": ("dataset",), "results": ("base", "model", "suites")}
_SETTINGS = {"data": ("name", "disciplines", "compile", "tests"), "model": ("model",), "results": ("tests", "insight")}


def dvc_yaml(manifest: Manifest) -> str:
    """Return the text of `dvc.yaml` for a manifest: stages, plots, parameters, the model as an artifact."""
    document = {
        "stages": {target: _stage(manifest, target) for target in ORDER if target != "results" or manifest.tests},
        "plots": [{f"{BUILD}/model/loss.csv": {"x": "step", "y": "loss"}}],
        "params": [MANIFEST],
        "artifacts": {manifest.name: {"path": f"{BUILD}/model", "type": "model"}},
    }
    return HEAD + dump(document)


def _stage(manifest: Manifest, target: Target) -> dict[str, Any]:
    made = [f"{BUILD}/{folder}" for folder in _folders(manifest, target)]
    stage: dict[str, Any] = {
        "cmd": _COMMANDS[target],
        "deps": sorted({*(f"{BUILD}/{folder}" for folder in _READS.get(target, ())), *_sources(manifest, target)}),
        "params": [{MANIFEST: [key for key in _SETTINGS[target] if key in manifest.model_fields_set]}],
        "outs": [{path: {"persist": True}} for path in [*sorted(made), f"{BUILD}/{TRACES}/{target}.journal"]],
    }
    if target == "results":
        stage["metrics"] = [{METRICS: {"cache": False, "persist": True}}]
    return stage


def _folders(manifest: Manifest, target: Target) -> set[str]:
    """Return the folders of `build/` that a target makes beyond those of the one before."""
    stages = stages_of(manifest)
    at = ORDER.index(target)
    before = up_to(stages, ORDER[at - 1]) if at else ()
    units = (stage for stage in up_to(stages, target)[len(before) :] if stage.fixed != ())
    return {stage.folder for stage in units if stage.beside != "nothing"}


def _sources(manifest: Manifest, target: Target) -> set[str]:
    """Return the files and folders that a target reads, as far as the manifest names them."""
    model = manifest.model
    if target == "data":
        named = [path for part in manifest.disciplines.values() for path in (*part.knowledge, *part.sources)]
        code = [entry.rpartition(":")[0] for entry in manifest.compile.recipes if ".py:" in entry]
        return {PATCHES, *_within(PREDICATES.partition("/")[0], [*named, *code])}
    if target == "model":
        base = [model.base.partition(":")[2]] if model.base.startswith("path:") else []
        return {*base, *(model.base_text or ()), *([model.train.start] if model.train.start else ())}
    suites = (suite for suite in manifest.tests.values() if isinstance(suite, TaskSuite))
    return {file for suite in suites for file in suite.files}


def _within(folder: str, paths: Iterable[str]) -> set[str]:
    """Return paths, those inside a folder as that folder: what lies beside them there counts, too."""
    return {folder if path.startswith(f"{folder}/") else path for path in paths}
