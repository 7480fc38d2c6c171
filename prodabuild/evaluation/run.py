"""Results of a suite, item by item: `results:NAME` of the adapted model, `results:NAME@base` of its base."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodabuild.digest import canonical
from prodabuild.engine.code import read_code
from prodabuild.evaluation.harness import run_tasks
from prodabuild.evaluation.results import by_split, score, to_json
from prodabuild.events import Note
from prodabuild.training.adapter import load_model
from prodabuild.training.base import open_base
from prodabuild.training.device import required

if TYPE_CHECKING:
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

BASE = "base"


def build_results(unit: str, view: View) -> Output:
    """Return the one file of results, below `results/`."""
    read_code(view, __name__)
    suite, _, which = unit.partition(":")[2].partition("@")
    device = required(view)
    work = view.scratch()
    folder, tasks = _open_suite(view, suite, work / "suite")
    base = open_base(view, work / "base")
    adapter = None if which == BASE else _open_adapter(view, work / "model")
    view.emit(Note(f"testing {'the base' if which == BASE else 'the adapted model'} on {suite}, on {device}"))
    model, tokenizer = load_model(base, adapter, device)
    rows = run_tasks(model.eval(), tokenizer, device, folder, tasks)
    splits = {split: score(found) for split, found in by_split(rows).items()}
    document = {
        "suite": suite,
        "model": which or "adapter",
        "splits": {split: {"n": found.n, "acc": found.acc, "stderr": found.stderr} for split, found in splits.items()},
        "items": [to_json(row) for row in sorted(rows, key=lambda row: row.id)],
    }
    return {f"results/{unit.partition(':')[2]}.json": canonical(document) + b"\n"}


def _open_suite(view: View, suite: str, folder: Path) -> tuple[Path, list[str]]:
    """Lay out a suite's task files in a folder; returns it and the names of the tasks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    written: list[str] = view.read("manifest", f"tests.{suite}.tasks") or []
    if written:
        for name in written:
            shutil.copy(view.file(name), folder / Path(name).name)
        for name in view.read("manifest", f"tests.{suite}.files"):
            shutil.copy(view.file(name), folder / Path(name).name)
        return folder, [_task_name(folder / Path(name).name) for name in written]
    for stored in view.output(f"suite:{suite}"):
        shutil.copy(view.path(stored), folder / Path(stored.path).name)
    return folder, sorted(file.stem for file in folder.glob("*.yaml"))


def _open_adapter(view: View, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stored in view.output("model"):
        target = folder / Path(stored.path).name
        target.unlink(missing_ok=True)
        target.symlink_to(view.path(stored).resolve())
    return folder


def _task_name(file: Path) -> str:
    """Return the task that a task file declares (its YAML may hold lm-eval's own tags)."""
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("task:"):
            return line.partition(":")[2].strip().strip("\"'")
    return file.stem


def read_results(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return n, accuracy and standard error by split from a results file's document."""
    splits: dict[str, dict[str, Any]] = document["splits"]
    return splits
