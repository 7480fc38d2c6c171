"""What must stay in a cache: every object that a lock of any ref, index or work tree names, and what was built last.

Names are taken from the text of the locks as it is, so that other stages, other data repos of the repository and a
lock in the middle of a merge count as well. A root too many costs disk, one too few costs a version.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine.database import DamagedStateError, translated
from prodabuild.engine.state import State
from prodabuild.errors import OutsideError
from prodabuild.paths import read_regular
from prodabuild.project.session import STATE
from prodabuild.versioning.git import Ref, all_refs, blobs, git, in_git, prefix, present_worktrees
from prodabuild.versioning.named import is_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from prodabuild.engine.store import Store

OBJECT = re.compile(rb"\b[0-9a-f]{32}(?:\.dir)?\b")


class Roots(NamedTuple):
    """Objects that must stay, and the refs and work trees that they are for."""

    names: set[str]
    refs: list[str]


def data_repos(root: Path) -> list[Path]:
    """Return this data repo in every worktree of its repository, itself first."""
    if not in_git(root):
        return [root]
    inside = prefix(root)
    others = (tree.path / inside for tree in present_worktrees(root))
    return [root, *(folder for folder in others if folder.is_dir() and not folder.samefile(root))]


def roots_of(root: Path, all_commits: bool) -> Roots:
    """Return the roots of a data repo; raises `OutsideError` when git cannot say."""
    found = Roots(set(), [])
    if in_git(root):
        refs = all_refs(root) + (_history(root) if all_commits else [])
        ids = {ref: _locks_in(git(root, "ls-tree", "-r", "-z", "--full-tree", ref.commit)) for ref in refs}
        found.refs.extend(dict.fromkeys(ref.name for ref, locks in ids.items() if locks))
        staged = [_locks_in(git(tree.path, "ls-files", "--stage", "-z")) for tree in present_worktrees(root)]
        wanted = sorted(set().union(*ids.values(), *staged))
        found.names.update(*(names_in(data) for data in blobs(root, wanted) if data))
    for folder in data_repos(root):
        found.refs.append(f"work tree {folder}")
        found.names.update(*(names_in(read_regular(path)) for path in _lying(folder)), _built(folder))
    return found


def names_in(data: bytes) -> set[str]:
    """Return everything in a text that may be the name of an object."""
    return {match.decode() for match in OBJECT.findall(data)}


def with_listed(names: Iterable[str], store: Store) -> set[str]:
    """Return objects and those that the folders among them list; raises `OutsideError` when a list cannot be read."""
    found = set(names)
    for name in [name for name in found if name.endswith(".dir")]:
        if store.object_path(name).is_file():
            if not store.sound(name):
                raise OutsideError(
                    f"the object {name} is damaged: what it lists cannot be known",
                    "run `prodabuild verify`: it heals what can be healed; nothing was freed",
                )
            found.update(store.files_of(name).values())
    return found


def _history(root: Path) -> list[Ref]:
    commits = git(root, "rev-list", "--all", "--reflog").decode().split()
    return [Ref(commit[:12], commit) for commit in commits]


def _locks_in(listing: bytes) -> set[str]:
    """Return the ids of locks among the rows of `ls-tree` (mode, type, id) or `ls-files --stage` (mode, id, stage)."""
    rows = (row.partition("\t") for row in listing.decode(errors="surrogateescape").split("\0") if row)
    return {word for head, _, path in rows if is_lock(path) for word in head.split(" ") if len(word) in (40, 64)}


def _lying(folder: Path) -> Iterator[Path]:
    """Return the locks that lie in a work tree, those that git does not know included."""
    paths = {path for path in folder.iterdir() if is_lock(path.name)}
    if in_git(folder):
        top = folder.joinpath(*[".."] * prefix(folder).count("/"))
        listed = git(top, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        names = listed.decode(errors="surrogateescape").split("\0")
        paths |= {top / name for name in names if name and is_lock(name)}
    yield from (path for path in paths if path.is_file())


def _built(folder: Path) -> set[str]:
    """Return the objects that the state of a data repo stands on."""
    try:
        with translated(folder / STATE), closing(State(folder / STATE, writable=False)) as state:
            return {stored.md5 for trace in state.current_traces() for stored in trace.files}
    except DamagedStateError:  # the next compile begins anew
        return set()
