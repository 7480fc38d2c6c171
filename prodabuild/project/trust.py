"""Which versions of a repository are believed: those of the branch that its remote names as its own.

A branch that was fetched tracks itself, so its upstream proves nothing: who wrote its lock wrote its traces, too. What
stood at the tip of the trusted branch was let in by those who may write there. That is `prodabuild.trustedRef` of git's
configuration; or `HEAD`, `main` or `master` of the remote `origin` (of the only remote, whatever its name); or, where
nothing was ever fetched, the branch `main` or `master` of this repository.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, NamedTuple

from prodabuild.engine import lockfile
from prodabuild.engine.dvcfile import LOCK as DVC_LOCK
from prodabuild.engine.dvcfile import lock_outs
from prodabuild.errors import ProjectError
from prodabuild.project.locking import LOCK
from prodabuild.project.pipeline import BUILD, ORDER
from prodabuild.project.travelling import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prodabuild.engine.lockfile import Entries

Trust = Literal["none", "lock", "all"]
LEVELS: tuple[Trust, ...] = ("none", "lock", "all")
SETTING = "prodabuild.trustedRef"
_FORMAT = "--format=%(refname) %(symref) %(objectname)"
_BRANCHES = ("HEAD", "main", "master")


class Trusted(NamedTuple):
    """A version that is believed: its branch and commit, the entries of its lock, the objects that it names by path."""

    ref: str
    commit: str
    entries: Entries
    outputs: Mapping[str, str]

    @property
    def traces(self) -> dict[str, str]:
        """Return the objects of the files of traces that it names, by path."""
        return {path: name for path, name in self.outputs.items() if is_file_of_traces(path)}


def is_file_of_traces(path: str) -> bool:
    """Tell whether a path in the repo is that of traces which travel."""
    return path in [f"{BUILD}/{FOLDER}/{kind}.journal" for kind in ORDER]


def trusted_versions(root: Path) -> list[Trusted]:
    """Return the tip of the trusted branch, and the commit of it that the work tree began at; none where it has none.

    What was merged into the branch meanwhile is no version of it: a pull request may have had any lock on its way.
    """
    found = _trusted_ref(root)
    if found is None:
        return []
    ref, tip = found
    commits = dict.fromkeys([tip, *_beginning(root, tip)])
    return [version for commit in commits if (version := _version(root, ref, commit))]


def _trusted_ref(root: Path) -> tuple[str, str] | None:
    """Return the trusted branch, as people read it, and its commit."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return None
    if asked := _line(root, "config", "--get", SETTING):
        commit = _line(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{asked}^{{commit}}")
        if not commit:
            raise ProjectError(f"git knows no commit {asked!r}", f"`git config {SETTING} REF` names the trusted branch")
        return asked, commit
    local = (f"refs/heads/{name}" for name in _BRANCHES)
    listed = _git(root, "for-each-ref", _FORMAT, "refs/remotes", *local).split("\n")[
        :-1
    ]  # nothing else ends a line: a name may be odd
    refs = {name: (target or name, commit) for name, target, commit in (row.split(" ") for row in listed)}
    remotes = {name.split("/")[2] for name in refs if name.startswith("refs/remotes/")}
    remote = "origin" if "origin" in remotes else next(iter(remotes), "")
    if len(remotes) > 1 and remote != "origin":
        return None
    below = f"refs/remotes/{remote}" if remote else "refs/heads"
    found = (refs[f"{below}/{name}"] for name in _BRANCHES if f"{below}/{name}" in refs)
    return next(((_short(name), commit) for name, commit in found), None)


def _beginning(root: Path, tip: str) -> list[str]:
    """Return the newest commit at the tip of a branch that the work tree descends from; none when it is unknown."""
    rows = _git(root, "rev-list", "--first-parent", "--parents", tip, "^HEAD").strip().split("\n")
    return rows[-1].split(" ")[1:2] if rows else []


def _version(root: Path, ref: str, commit: str) -> Trusted | None:
    files = [_run(root, "cat-file", "blob", f"{commit}:./{file}") for file in (LOCK, DVC_LOCK)]
    try:
        entries = lockfile.parse(files[0], LOCK) if files[0] else {}
        stages = lock_outs(files[1], DVC_LOCK) if files[1] else {}
    except ProjectError:  # a merge was committed unresolved: nothing is known of this version
        return None
    outs = (out for outs in stages.values() for out in outs)
    return Trusted(ref, commit, entries, {posixpath.normpath(out["path"]): out["md5"] for out in outs})


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")


def _line(root: Path, *words: str) -> str:
    return _git(root, *words).strip()


def _git(root: Path, *words: str) -> str:
    return _run(root, *words).decode("utf-8", "surrogateescape")


def _run(root: Path, *words: str) -> bytes:
    """Return what git prints; nothing where it fails: what it cannot say is not believed."""
    import subprocess  # most runs ask git nothing

    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        return b""
    return b"" if done.returncode else done.stdout
