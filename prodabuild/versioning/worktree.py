"""Another version checked out beside the work tree, for a while: a worktree of git below `.prodabuild/`."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from prodabuild.engine.store import remove_tree, writer_lives
from prodabuild.errors import OutsideError
from prodabuild.project.redo import PRIVATE
from prodabuild.versioning.git import git, prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = f"{PRIVATE}/rebuild"
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")


@contextmanager
def checked_out(root: Path, commit: str) -> Iterator[Path]:
    """Check a commit out; gives the data repo's folder in it. It is gone at the end, whatever happened meanwhile."""
    inside = prefix(root)
    folder = root / FOLDER
    _clear(root, folder)
    tree = folder / f"{commit[:12]}.{os.getpid()}"
    _discard(root, tree)
    try:
        git(root, *_NO_HOOKS, "worktree", "add", "--quiet", "--detach", "--force", str(tree), commit)
        yield tree / inside
    finally:
        _discard(root, tree)


def _clear(root: Path, folder: Path) -> None:
    """Remove what killed processes have left."""
    for left in folder.iterdir() if folder.is_dir() else ():
        if not writer_lives(left):
            _discard(root, left)


def _discard(root: Path, tree: Path) -> None:
    if tree.exists():
        with suppress(OutsideError):  # git may not know of it any more, or not yet
            git(root, "worktree", "remove", "--force", "--force", str(tree))
        remove_tree(tree.parent, tree.name)
    with suppress(OSError):
        tree.parent.rmdir()
