"""Read `proda.yaml`, its paths checked against the repository."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prodabuild.manifest.model import Manifest, TaskSuite
from prodabuild.manifest.paths import refuse
from prodabuild.manifest.strict import read_strict
from prodabuild.paths import read_source
from prodabuild.problems import Problem, ProblemsError, raise_errors
from prodabuild.yamlio import locate

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild import yamlio

FILE = "proda.yaml"


def read_manifest(root: Path) -> Manifest:
    """Return the manifest of a data repo; raises `ProblemsError` with every mistake in it."""
    path = root / FILE
    if not os.path.lexists(path):
        hint = "run this in a data repo, or name one with -C"
        raise ProblemsError([Problem("M001", "there is no proda.yaml here", str(path), hint=hint)])
    manifest, text = read_strict(Manifest, read_source(root, FILE), FILE)
    raise_errors(
        Problem(refused.code, refused.message, FILE, *locate(text, where), refused.hint)
        for where, value in _written_paths(manifest)
        if (refused := refuse(root.resolve(), value))
    )
    return manifest


def _written_paths(manifest: Manifest) -> list[tuple[yamlio.Path, str]]:
    """Return every path that the manifest holds, with its place in the document."""
    written: list[tuple[yamlio.Path, str]] = []
    for name, discipline in manifest.disciplines.items():
        written += [(("disciplines", name, "knowledge", n), path) for n, path in enumerate(discipline.knowledge)]
        written += [(("disciplines", name, "sources", n), path) for n, path in enumerate(discipline.sources)]
    written += [(("licences", name, "file"), found.file) for name, found in manifest.licences.items() if found.file]
    written += [(("model", "base_text", n), path) for n, path in enumerate(manifest.model.base_text or [])]
    written += [(("model", "train", "start"), manifest.model.train.start)] if manifest.model.train.start else []
    for name, suite in manifest.tests.items():
        if isinstance(suite, TaskSuite):
            written += [
                (("tests", name, "tasks", n), path) for n, path in enumerate(suite.tasks) if path in suite.files
            ]
    for number, entry in enumerate(manifest.compile.recipes):
        if entry.rpartition(":")[0].endswith(".py"):
            written.append((("compile", "recipes", number), entry.rpartition(":")[0]))
    if manifest.model.base.startswith("path:"):
        written.append((("model", "base"), manifest.model.base.removeprefix("path:")))
    return written
