"""The merge driver: git told to merge locks by `prodabuild lock --merge`, and locks merged that git was not told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine.clone import PRIVATE, examine
from prodabuild.engine.dvcfile import LOCK as DVC_LOCK
from prodabuild.engine.store import place
from prodabuild.errors import ProjectError
from prodabuild.paths import read_regular, read_source
from prodabuild.project.locking import LOCK
from prodabuild.versioning.git import git, in_git
from prodabuild.versioning.gitfiles import unmerged
from prodabuild.versioning.merge import merge

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.versioning.merge import Merged

NAME = "prodabuild"
ATTRIBUTES = ".gitattributes"
METRICS = "metrics.json"
FILES = (LOCK, DVC_LOCK, METRICS)
LINES = tuple(f"{file} merge={NAME}" for file in FILES)
_DRIVER = f"merge.{NAME}.driver"


class Installed(NamedTuple):
    """Whether a repo names the driver in `.gitattributes`, and whether this clone of it has the command."""

    named: bool
    command: str


def installed(root: Path) -> Installed:
    """Tell how far the driver is installed in the repo at a folder."""
    found = git(root, "check-attr", "-z", "merge", "--", *FILES).decode().split("\0")[2::3]
    command = git(root, "config", "--get", _DRIVER, answers=(0, 1)).decode().strip()
    return Installed(all(value == NAME for value in found), command)


def install(root: Path, program: str) -> list[str]:
    """Install the driver in a repo, `program` being how the shell calls prodabuild; returns what was changed."""
    if not in_git(root):
        raise ProjectError("this is no git repository: nothing merges here", "run `git init` first")
    before, changed = installed(root), []
    if not before.named:
        old = read_source(root, ATTRIBUTES).decode("utf-8", "surrogateescape") if (root / ATTRIBUTES).exists() else ""
        lines = [line for line in LINES if line not in old.splitlines()]
        text = "\n".join([*old.splitlines(), *lines, ""])
        examine(root)
        place(root, ATTRIBUTES, text.encode("utf-8", "surrogateescape"), root / PRIVATE / "tmp")
        changed.append(ATTRIBUTES)
    command = f"{program} lock --merge %O %A %B %P"
    if before.command != command:
        git(root, "config", f"merge.{NAME}.name", "locks of prodabuild, entry by entry")
        git(root, "config", _DRIVER, command)
        changed.append("git config")
    return changed


def merge_files(base: Path, ours: Path, theirs: Path, name: str) -> Merged:
    """Merge three files into the second of them, as git asks a driver to; raises `ProjectError`, and ours stays."""
    merged = merge(name, *(read_regular(side) for side in (base, ours, theirs)))
    place(ours.parent, ours.name, merged.data, ours.parent)
    return merged


def resolve(root: Path) -> dict[str, Merged]:
    """Merge the locks that git left in conflict, in the work tree; git is told nothing."""
    found = {file: merge(file, *sides) for file, sides in unmerged(root).items() if file in FILES}
    if found:
        examine(root)
    for file, merged in found.items():
        place(root, file, merged.data, root / PRIVATE / "tmp")
    return found
