"""Other versions to compare with: the one that `proda.lock` says was accepted, and those of git."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.engine import lockfile
from prodabuild.engine.store import Stored
from prodabuild.errors import OutsideError, ProjectError, UsageError
from prodabuild.evaluation.figures import Reference
from prodabuild.evaluation.results import from_json
from prodabuild.project.locking import ACCEPTED, FILE_KEYS, LOCK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prodabuild.engine.lockfile import Entries
    from prodabuild.engine.store import Store
    from prodabuild.evaluation.results import ItemResult

NAME = "the accepted version"


def accepted(entries: Entries, store: Store) -> dict[str, Reference]:
    """Return what the accepted version got, by suite; nothing where none was accepted yet."""
    found = {name.removeprefix(ACCEPTED): entry for name, entry in entries.items() if name.startswith(ACCEPTED)}
    return {suite: Reference(NAME, rows_of(entry["results"], store), entry["acc"]) for suite, entry in found.items()}


def at_ref(root: Path, ref: str, store: Store) -> dict[str, Reference]:
    """Return what the version at a git ref got, by suite; raises `ProdaError` when it is not to be had."""
    entries = _lock_at(root, ref)
    found: dict[str, Reference] = {}
    for name, entry in entries.items():
        kind, _, suite = name.partition(":")
        if kind == "results" and "@" not in suite:
            scores = {key.rpartition("/"): score for key, score in entries.items()}
            acc = {split: score["acc"] for (of, _, split), score in scores.items() if of == f"score:{suite}"}
            found[suite] = Reference(ref, rows_of(entry, store), acc)
    if not found:
        raise ProjectError(f"{LOCK} at {ref} records no results", "name a version that was tested")
    if lost := [suite for suite, reference in found.items() if not reference.rows]:
        raise OutsideError(
            f"the results of {', '.join(lost)} at {ref} are not in the store",
            "bring them with `prodabuild pull --all-versions`",
        )
    return found


def files_at(root: Path, ref: str, unit: str) -> tuple[Stored, ...]:
    """Return the output files that a unit had at a git ref; raises `ProdaError` when the lock there names none."""
    entry = _lock_at(root, ref).get(unit)
    if entry is None:
        raise ProjectError(f"{LOCK} at {ref} records no {unit}", "name a version that was compiled")
    return lockfile.stored_of(entry)


def _lock_at(root: Path, ref: str) -> Entries:
    command = ["git", "show", "--end-of-options", f"{ref}:./{LOCK}"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        raise OutsideError("git is not installed", "install it: versions are git's") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise UsageError(
            f"git has no {LOCK} at {ref!r}: {reason}", "name a branch, tag or commit where it is committed"
        )
    return lockfile.parse(done.stdout, f"{LOCK} at {ref}")


def rows_of(entry: Mapping[str, Any], store: Store) -> dict[str, ItemResult]:
    """Return the results of an entry by item; nothing where its object is not at hand."""
    data = store.peek(Stored(*(entry[key] for key in FILE_KEYS)))
    try:
        return {row["id"]: from_json(row) for row in orjson.loads(data)["items"]} if data is not None else {}
    except (ValueError, KeyError, TypeError, AttributeError):  # the lock of another version may name any object
        return {}
