"""Code that a data repo brings: recipes of its own, and task files, whose functions and templates lm-eval runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.model import TaskSuite
from prodabuild.manifest.paths import is_task_file
from prodabuild.paths import read_source
from prodabuild.problems import Problem
from prodabuild.shards.own import declared
from prodabuild.yamlio import decode, locate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.manifest.model import Manifest
    from prodabuild.project.stages import Target
    from prodabuild.yamlio import Path as Keys

HINT = "look at it; where you trust it, leave out --no-own-code"


def code_of(root: Path, manifest: Manifest, target: Target) -> list[Problem]:
    """Return a problem for each entry of a manifest that a build of a target runs as code. Nothing is loaded."""
    found = [*_recipes(manifest), *(_tasks(manifest) if target == "results" else ())]
    text = decode(read_source(root, MANIFEST)) if found else ""
    return [Problem("R005", message, MANIFEST, *locate(text, keys), HINT) for keys, message in found]


def _recipes(manifest: Manifest) -> Iterator[tuple[Keys, str]]:
    for number, entry in enumerate(manifest.compile.recipes):
        if declared(entry):
            yield ("compile", "recipes", number), f"the recipe {entry!r} is code of this repository"


def _tasks(manifest: Manifest) -> Iterator[tuple[Keys, str]]:
    for name, suite in manifest.tests.items():
        for number, entry in enumerate(suite.tasks if isinstance(suite, TaskSuite) else ()):
            if is_task_file(entry):
                message = f"the task file {entry!r} is code of this repository: lm-eval runs its templates as Python"
                yield ("tests", name, "tasks", number), message
