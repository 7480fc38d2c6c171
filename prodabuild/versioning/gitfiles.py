"""What git holds, read without checking anything out: files of a ref, paths that differ, sides of a merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.versioning.git import blobs, git

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_STAGES = {b"1": 0, b"2": 1, b"3": 2}


def files_at(root: Path, commit: str, paths: Iterable[str]) -> list[str]:
    """Return the files of a commit at or below some paths, relative to the folder."""
    wanted = list(paths)
    if not wanted:
        return []
    found = git(root, "ls-tree", "-r", "-z", "--name-only", commit, "--", *wanted)
    return found.decode(errors="surrogateescape").rstrip("\0").split("\0") if found else []


def read_at(root: Path, commit: str, files: Sequence[str]) -> dict[str, bytes]:
    """Return the contents of some files of a commit; those that it has not are left out."""
    named = [file for file in files if "\n" not in file]
    found = zip(named, blobs(root, [f"{commit}:./{file}" for file in named]), strict=True)
    return {file: data for file, data in found if data is not None}


def unmerged(root: Path) -> dict[str, list[bytes]]:
    """Return the files of a folder that git could not merge: their common ancestor, our side and theirs."""
    found: dict[str, list[bytes]] = {}
    rows = git(root, "ls-files", "--unmerged", "-z", "--", ".").decode(errors="surrogateescape").split("\0")
    for row in filter(None, rows):
        (_, name, stage), file = row.partition("\t")[0].split(), row.partition("\t")[2]
        sides = found.setdefault(file, [b"", b"", b""])
        sides[_STAGES[stage.encode()]] = git(root, "cat-file", "blob", name)
    return found
