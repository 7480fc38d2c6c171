"""Another version checked out beside the work tree, for a while: a worktree of git below `.prodabuild/`."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prodabuild.engine.store import remove_tree, writer_lives
from prodabuild.errors import OutsideError
from prodabuild.paths import inside, read_regular
from prodabuild.project.redo import PRIVATE
from prodabuild.versioning.git import common_folder, git, prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = f"{PRIVATE}/rebuild"
_NAME = re.compile(r"[0-9a-f]{12}\.\d+")
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")


@contextmanager
def checked_out(root: Path, commit: str) -> Iterator[Path]:
    """Check a commit out; gives the data repo's folder in it. It is gone at the end, whatever happened meanwhile."""
    below = prefix(root)
    clear(root)
    tree = root / FOLDER / f"{commit[:12]}.{os.getpid()}"
    _discard(root, tree)
    try:
        git(root, *_NO_HOOKS, "worktree", "add", "--quiet", "--detach", "--force", str(tree), commit)
        yield tree / below
    finally:
        _discard(root, tree)


def clear(root: Path) -> None:
    """Remove the worktrees that killed processes have left, and what git has recorded of them."""
    folder = inside(root, FOLDER)
    for left in folder.iterdir() if folder.is_dir() else ():
        if not writer_lives(left):
            _discard(root, left)
    try:
        records = common_folder(root) / "worktrees"
    except OutsideError:  # no git, or none that can say
        return
    for record in sorted(records.iterdir()) if records.is_dir() else ():
        if _NAME.fullmatch(record.name) and not writer_lives(record) and _is_ours(record, folder):
            remove_tree(records, record.name)


def _is_ours(record: Path, folder: Path) -> bool:
    """Tell whether git's record of a worktree is of one in this folder, or was never finished."""
    try:
        return Path(os.fsdecode(read_regular(record / "gitdir")).strip()).is_relative_to(folder)
    except FileNotFoundError:
        return True


def _discard(root: Path, tree: Path) -> None:
    if tree.exists():
        with suppress(OutsideError):  # git may not know of it any more, or not yet
            git(root, "worktree", "remove", "--force", "--force", str(tree))
        remove_tree(root, f"{FOLDER}/{tree.name}")
    with suppress(OSError):
        tree.parent.rmdir()
