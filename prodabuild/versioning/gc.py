"""Free the objects of a cache that no version needs."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.engine.placing import sweep
from prodabuild.engine.store import remove_file, writer_lives
from prodabuild.errors import ProjectError, UsageError
from prodabuild.project.outcome import SCHEMA
from prodabuild.project.redo import PRIVATE, exclusive
from prodabuild.project.session import workspace
from prodabuild.versioning.git import in_git, present_worktrees
from prodabuild.versioning.roots import data_repos, roots_of, with_listed
from prodabuild.versioning.worktree import clear

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.events import Emit

OLD_SECONDS = 24 * 3600  # from then on a file that was left half written by a process that is gone is rubbish
_NAME = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True)
class GcReport:
    """Objects that stay and objects that go (or would, when it is `dry`), with their bytes; refs they are kept for."""

    dry: bool
    roots: tuple[str, ...]
    kept: int
    kept_bytes: int
    freed: int
    freed_bytes: int
    temporary: int

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {"schema": SCHEMA, **asdict(self), "roots": list(self.roots)}


def collect(
    root: Path, emit: Emit, dry: bool = True, others: Sequence[Path] = (), all_commits: bool = False
) -> GcReport:
    """Remove the objects that no ref, index or work tree needs, here or in `others` that share the cache.

    Nothing is written meanwhile: the writers' locks of all these repos are held.
    """
    space = workspace(root)
    clear(root)
    _refuse_shared(root, space.store.root, others)
    repos = [root, *(other for other in others if not other.samefile(root))]
    with ExitStack() as held:
        for folder in sorted({folder.resolve() for repo in repos for folder in data_repos(repo)}):
            if folder == root or (folder / PRIVATE).is_dir():
                held.enter_context(exclusive(folder, "prodabuild gc", emit))
        found = [roots_of(repo, all_commits) for repo in repos]
        named = set[str]().union(*(roots.names for roots in found))
        keep = with_listed(named, space.store)
        sizes = {name: path.stat().st_size for name, path in objects_in(space.store.root)}
        if sizes and not keep & sizes.keys():
            raise ProjectError(
                "no ref and no work tree has a lock that names an object here: all would go",
                "commit a lock first; or remove the cache by hand, if that is what is meant",
            )
        free = sorted(sizes.keys() - keep, key=lambda name: (not name.endswith(".dir"), name))
        left = list(_left_over(space.store.root))
        if not dry:
            sweep(space)
            for path in [*(space.store.object_path(name) for name in free), *left]:
                remove_file(space.store.root, path.relative_to(space.store.root).as_posix())
                with suppress(OSError):  # it holds others
                    path.parent.rmdir()
    refs = tuple(dict.fromkeys(ref for roots in found for ref in roots.refs))
    kept = sizes.keys() & keep
    total, freed = sum(sizes[name] for name in kept), sum(sizes[name] for name in free)
    return GcReport(dry, refs, len(kept), total, len(free), freed, len(left))


def objects_in(cache: Path) -> Iterator[tuple[str, Path]]:
    """Return every object of a cache; files of other names there are somebody else's work in progress."""
    for path in sorted((cache / "files" / "md5").glob("??/*")):
        name = path.parent.name + path.name
        if _NAME.fullmatch(name) and path.is_file():
            yield name, path


def _refuse_shared(root: Path, cache: Path, others: Sequence[Path]) -> None:
    trees = [tree.path for tree in present_worktrees(root)] if in_git(root) else [root]
    if not others and not any(cache.is_relative_to(tree.resolve()) for tree in (*trees, root)):
        raise UsageError(
            f"the cache {cache} lies outside of this repository: others may share it",
            "name them with --project, and what they need stays; `--project .` when there is none",
        )


def _left_over(cache: Path) -> Iterator[Path]:
    """Return what writers that are long gone have left half written."""
    for path in (cache / "prodabuild-tmp").glob("*/*"):
        if time.time() - path.stat().st_mtime > OLD_SECONDS and not writer_lives(path):
            yield path
