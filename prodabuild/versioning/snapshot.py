"""A version as it stands at a commit or in the work tree: its files and its lock, read without checking it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.engine import lockfile
from prodabuild.manifest.paths import files_below
from prodabuild.paths import read_source
from prodabuild.project.locking import LOCK
from prodabuild.project.pipeline import normal
from prodabuild.versioning.git import commit_of
from prodabuild.versioning.gitfiles import files_at, read_at
from prodabuild.yamlio import TextError, decode, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from prodabuild.engine.lockfile import Entries

PRESENT = "the work tree"


@dataclass(frozen=True)
class Snapshot:
    """A version by its name. `commit` is None for the work tree, `lock` None where there is none."""

    name: str
    root: Path
    commit: str | None
    lock: Entries | None

    @property
    def entries(self) -> Entries:
        """Return the entries of the lock."""
        return self.lock or {}

    def of(self, kind: str) -> Entries:
        """Return the entries of one kind."""
        return {name: entry for name, entry in self.entries.items() if name.partition(":")[0] == kind}

    def files(self, paths: Iterable[str], suffixes: tuple[str, ...]) -> list[str]:
        """Return the files at or below some paths that end so, hidden ones left out, sorted."""
        inside = sorted({path for written in paths if (path := normal(written)) is not None})
        if self.commit is not None:
            found = files_at(self.root, self.commit, inside)
            return sorted(file for file in found if file.endswith(suffixes) and "/." not in f"/{file}")
        here = (path for path in inside if (self.root / path).exists())
        return sorted({file for path in here for file in files_below(self.root, path, suffixes)})

    def read(self, files: Sequence[str]) -> dict[str, bytes]:
        """Return the contents of files, those left out that are not there."""
        return _read(self.root, self.commit, files)

    def document(self, file: str) -> dict[str, Any]:
        """Return what a YAML file says, whatever its version; nothing of one that is not there or cannot be read."""
        try:
            found = load(decode(self.read([file]).get(file, b"")))
        except TextError:
            return {}
        return found if isinstance(found, dict) else {}


def snapshot_of(root: Path, ref: str | None) -> Snapshot:
    """Return the version at a git ref, or the one in the work tree; raises `ProdaError`."""
    commit = None if ref is None else commit_of(root, ref)
    name = PRESENT if ref is None else ref
    data = _read(root, commit, [LOCK]).get(LOCK)
    return Snapshot(name, root, commit, None if data is None else lockfile.parse(data, f"{LOCK} of {name}"))


def _read(root: Path, commit: str | None, files: Sequence[str]) -> dict[str, bytes]:
    if commit is not None:
        return read_at(root, commit, files)
    return {file: read_source(root, file) for file in files if (root / file).is_file()}
