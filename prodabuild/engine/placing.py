"""The files in `build/`: copies of stored objects, checked by stat data, replaced and pruned, never edited."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodabuild.digest import file_md5, sha256
from prodabuild.engine.facts import Reason
from prodabuild.engine.files import Stat, stat_of
from prodabuild.engine.state import PlacedRow
from prodabuild.engine.store import place, remove_file, writer_lives
from prodabuild.paths import NotRegularError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from prodabuild.engine.state import State, Trace
    from prodabuild.engine.store import Store, Stored


UNPLACED = Stat(-1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Damage:
    """A file in `build/` that is not what its unit made; `lost` when the store cannot give it back."""

    unit: str
    path: str
    reason: Reason
    lost: bool


@dataclass(frozen=True)
class Workspace:
    """Where outputs go: the store, the `build/` folder of its copies, scratch space on the same file system.

    All lie below the root of a repo, but for a store that several share.
    """

    root: Path
    store: Store
    scratch: Path

    @property
    def build(self) -> Path:
        """Return the folder that people read."""
        return self.store.copies

    def inside(self, path: str) -> str:
        """Return an output's path below the root."""
        return f"{self.build.relative_to(self.root).as_posix()}/{path}"


def find_damage(state: State, space: Workspace) -> list[Damage]:
    """Compare every placed file of a clean unit with its row. A file that was only touched is no damage."""
    found = []
    current: dict[str, Trace] = {}
    build = f"{space.build}/"
    for path, *stat in state.placed_stats():
        if _stat_data(build + path) == stat:
            continue
        row = state.placed_at(path)
        how = _how_damaged(space.build / row.path, row)
        if how is None:
            continue
        if not current:
            current = {trace.unit: trace for trace in state.current_traces()}
        trace = current.get(row.unit)
        if trace is not None:
            lost = not any(stored.path == row.path and space.store.whole(stored) for stored in trace.files)
            found.append(Damage(row.unit, row.path, Reason(f"build/{row.path} {how}"), lost))
    return found


def _stat_data(target: str) -> list[int]:
    """Return a file's stat data, nothing when it is gone: neither `Path` nor `Stat`, since there are thousands."""
    try:
        found = os.stat(target)
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _how_damaged(target: Path, row: PlacedRow) -> str | None:
    try:
        now = stat_of(target)
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except NotRegularError:
        return "was changed by hand"
    if now.size == row.stat.size and file_md5(target) == row.md5:
        return None
    return "was changed by hand"


def announce(state: State, traces: Iterable[Trace]) -> None:
    """Record the files that are about to be placed: a run that is killed leaves none in `build/` that nobody knows."""
    for trace in traces:
        for stored in trace.files:
            state.announce_placed(PlacedRow(stored.path, trace.unit, stored.md5, UNPLACED))


def put_outputs(state: State, space: Workspace, trace: Trace, fresh: bool = False) -> bool:
    """Place a unit's files and drop those it no longer makes; False when the store has lost one of them.

    Objects that this run has stored itself (`fresh`) are not verified again.
    """
    wanted = {stored.path for stored in trace.files}
    known = state.placed_of(trace.unit)
    for stored in trace.files:
        data = space.store.fresh(stored) if fresh else space.store.get(stored)
        if data is None or not (fresh or sha256(data) == stored.sha256):
            return False
        put_file(state, space, trace.unit, stored, data)
    for path in known:
        if path not in wanted:
            remove(state, space, path)
    return True


def put_file(state: State, space: Workspace, unit: str, stored: Stored, data: bytes) -> None:
    """Place one output."""
    place(space.root, space.inside(stored.path), data, space.scratch, over_link=True)  # DVC may have laid a link there
    state.set_placed(PlacedRow(stored.path, unit, stored.md5, stat_of(space.build / stored.path)))


def prune(state: State, space: Workspace) -> list[str]:
    """Remove the files of units that are no more; returns their paths."""
    orphans = state.orphans()
    for path in orphans:
        remove(state, space, path)
    return orphans


def remove(state: State, space: Workspace, path: str) -> None:
    """Remove one placed file, and the folders that it leaves empty."""
    remove_file(space.root, space.inside(path))
    state.forget_placed(path)
    for folder in (space.build / path).parents:
        if folder == space.build or (folder.exists() and not _is_empty(folder)):
            break
        with suppress(FileNotFoundError):
            folder.rmdir()


def sweep(space: Workspace) -> None:
    """Remove what killed processes left half written; work in progress stays. The caller holds the repo's lock."""
    space.store.sweep()
    if space.scratch.is_dir():
        for left in space.scratch.iterdir():
            if not left.is_dir() and not writer_lives(left):
                remove_file(space.scratch, left.name)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
