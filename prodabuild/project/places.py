"""Where things lie: records and settings in the files that people write, units and their rows in `build/`."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical
from prodabuild.insight.experiments import EXPERIMENTS, KINDS
from prodabuild.insight.rungs import FOOTPRINT, PROBE, PROBE_BASE
from prodabuild.project.inputs import PACKAGE
from prodabuild.project.pipeline import BUILD
from prodabuild.project.reasons import Locator
from prodabuild.shards.declared import own_function
from prodabuild.shards.own import declared, recipe_name
from prodabuild.shards.practice import FUNCTIONS, RECIPE
from prodabuild.shards.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.engine.facts import Fact
    from prodabuild.engine.state import Trace
    from prodabuild.engine.store import Store
    from prodabuild.manifest.model import Manifest


class Line(NamedTuple):
    """A row of a built JSONL file: a sample or a test item, and its place."""

    row: dict[str, Any]
    where: str


class Places:
    """Finds things; each source file is read once. Nothing is changed or mended on the way."""

    def __init__(self, root: Path, manifest: Manifest, store: Store) -> None:
        self.locator = Locator(root)
        self._root = root
        self._manifest = manifest
        self._store = store

    def fact(self, fact: Fact | None, facet: str = "") -> str:
        """Return where a fact is written."""
        return self.locator.place(fact.source, fact.key, facet) if fact else ""

    def declaration(self, unit: str) -> tuple[str, str]:
        """Return the key of the manifest that a unit is there for, and its place."""
        kind, _, name = unit.partition(":")
        name = name.partition("/")[0].partition("@")[0]
        if kind in KINDS:
            kind = EXPERIMENTS
        path = {
            "shard": ("disciplines", name),
            "items": ("disciplines", name),
            "leaks": ("disciplines", name),
            "suite": ("tests", name),
            "results": ("tests", name),
            "index": ("tests",),
            "dataset": ("disciplines",),
            "base": ("model", "base"),
            PROBE_BASE: ("insight", PROBE),
            PROBE: ("insight", PROBE),
            FOOTPRINT: ("insight", FOOTPRINT),
            EXPERIMENTS: ("insight", EXPERIMENTS, name),
        }.get(kind, (kind,))
        return ".".join(path), self.locator.setting(*path)

    def recipe(self, name: str) -> str:
        """Return where a recipe is written: its function, or the manifest's key that names it."""
        practised = {RECIPE[level]: function for level, function in FUNCTIONS.items()}
        shipped = RECIPES.get(name) or practised.get(name)
        if shipped:
            code = shipped.__code__
            return f"{os.path.relpath(code.co_filename, PACKAGE.parent)}:{code.co_firstlineno}"
        entries = {recipe_name(entry): entry for entry in self._manifest.compile.recipes}
        own = declared(entries.get(name, ""))
        function = own_function(self._root, own) if own else None
        if own and function:
            return f"{own.file}:{function.line}"
        return self.locator.setting("compile", "recipes")

    def output(self, trace: Trace | None) -> str:
        """Return the one file that a unit made, its files that differ by one folder, or the folder that holds all."""
        paths = [stored.path.split("/") for stored in trace.files] if trace else []
        if not paths:
            return ""
        parts = [sorted(set(column)) for column in zip(*paths, strict=False)]
        several = [number for number, names in enumerate(parts) if len(names) > 1]
        if {len(path) for path in paths} != {len(parts)} or len(several) > 1 or several == [len(parts) - 1]:
            parts = parts[: several[0]]
        return "/".join([BUILD, *(names[0] if len(names) == 1 else f"{{{','.join(names)}}}" for names in parts)])

    def inside_build(self, path: str) -> str | None:
        """Return a path relative to `build/`, None when it leads elsewhere; it may be absolute."""
        inside = os.path.relpath(self._root / path, self._root / BUILD)
        return None if inside.split("/")[0] in (".", "..") else inside

    def rows(self, trace: Trace | None, path: str) -> list[dict[str, Any]]:
        """Return all rows of a unit's JSONL file."""
        data = next((self._store.peek(stored) for stored in trace.files if stored.path == path), None) if trace else b""
        return [orjson.loads(line) for line in (data or b"").splitlines()]

    def lines(self, trace: Trace | None, mentioned: str) -> Iterator[Line]:
        """Return the rows of a unit's JSONL files that hold a text as one of their values."""
        wanted = canonical(mentioned)
        for stored in trace.files if trace else ():
            data = self._store.peek(stored) if stored.path.endswith(".jsonl") else None
            if data is None or wanted not in data:
                continue
            for number, line in enumerate(data.split(b"\n"), 1):
                if wanted in line:
                    yield Line(orjson.loads(line), f"{BUILD}/{stored.path}:{number}")
