"""What git knows: its refs, its worktrees, the bytes of files at commits. All questions go through one function."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.errors import OutsideError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FORMAT = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)"
_SHORT = ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/")


class Ref(NamedTuple):
    """A name for a commit: that of a branch, tag, remote branch or experiment, of a stash, `HEAD`, of a worktree."""

    name: str
    commit: str


def git(folder: Path, *words: str, feed: bytes | None = None, answers: Sequence[int] = (0,)) -> bytes:
    """Run git in a folder and return what it prints; raises `OutsideError` when it ends otherwise than it may."""
    try:
        done = subprocess.run(["git", *words], cwd=folder, input=feed, capture_output=True, check=False)
    except FileNotFoundError:
        raise OutsideError("git is not installed", "install it: versions are git's") from None
    if done.returncode not in answers:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
        raise OutsideError(f"git {words[0]}: {lines[0].removeprefix('fatal: ')}", "mend that and run the command again")
    return done.stdout


def in_git(folder: Path) -> bool:
    """Tell whether a folder lies in a git repository, sound or not."""
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def prefix(folder: Path) -> str:
    """Return the path of a folder in its git repository, with a slash at its end; "" for the top."""
    return os.fsdecode(git(folder, "rev-parse", "--show-prefix")).removesuffix("\n")


def commit_of(folder: Path, ref: str) -> str:
    """Return the commit that a ref names; raises `UsageError`."""
    if not in_git(folder):
        raise UsageError("this is no git repository: it has no versions", "`git init`, and commit the lock")
    try:
        return git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    except OutsideError:
        raise UsageError(
            f"git knows no commit {ref!r}", "name a branch, a tag or a commit: `git log --oneline`"
        ) from None


def all_refs(folder: Path) -> list[Ref]:
    """Return every ref that leads to a commit: branches, tags, remotes, all stashes, the heads of all worktrees."""
    rows = [line.split("\0") for line in _lines(git(folder, "for-each-ref", f"--format={_FORMAT}"))]
    found = [Ref(_short(name), direct if kind == "commit" else peeled) for name, kind, direct, to, peeled in rows
             if "commit" in (kind, to) and name != "refs/stash"]  # fmt: skip
    stashes = [line.split(" ") for line in _lines(git(folder, "stash", "list", "--format=%gd %H %P"))]
    found += [Ref(name, commit) for name, *commits in stashes for commit in (commits[0], *commits[2:])]
    found += [Ref(f"HEAD of {tree.path}", tree.head) for tree in worktrees(folder) if tree.head]
    return found


class Worktree(NamedTuple):
    """A work tree of a repository; without a commit its head is ""."""

    path: Path
    head: str


def worktrees(folder: Path) -> list[Worktree]:
    """Return the work trees that a repository knows of, the main one first, those on disks that are not there too."""
    blocks = os.fsdecode(git(folder, "worktree", "list", "--porcelain", "-z")).split("\0\0")
    found = []
    for block in blocks:
        words = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if words and "bare" not in words:
            head = words.get("HEAD", "")
            found.append(Worktree(Path(words["worktree"]), head if head.strip("0") else ""))
    return found


def present_worktrees(folder: Path) -> list[Worktree]:
    """Return the work trees of a repository that are there."""
    return [tree for tree in worktrees(folder) if tree.path.is_dir()]


def common_folder(folder: Path) -> Path:
    """Return git's own folder, the one that all worktrees of a repository share."""
    return Path(os.fsdecode(git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")).removesuffix("\n"))


def main_worktree(folder: Path) -> Path | None:
    """Return the main work tree of a repository, None where that is a bare one."""
    common = common_folder(folder)
    return common.parent if common.name == ".git" else None


def blobs(folder: Path, names: Iterable[str]) -> Iterator[bytes | None]:
    """Return the bytes of objects (`COMMIT:PATH`, or their ids), None for those that are not there."""
    feed = "".join(f"{name}\n" for name in names).encode(errors="surrogateescape")
    data = git(folder, "cat-file", "--batch", feed=feed) if feed else b""
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, size = data[at:end].rsplit(b" ", 2)[-2:]
        at = end + 1
        if not size.isdigit():  # "... missing"
            yield None
            continue
        yield data[at : at + int(size)] if kind == b"blob" else None
        at += int(size) + 1


def _lines(data: bytes) -> list[str]:
    """Return lines about refs: only a line feed ends one, and the name of a branch may be any bytes."""
    return data.decode(errors="backslashreplace").split("\n")[:-1]


def _short(name: str) -> str:
    return next((name.removeprefix(start) for start in _SHORT if name.startswith(start)), name)
