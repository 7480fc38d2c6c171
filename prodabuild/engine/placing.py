"""The files in `build/`: copies of stored objects, checked by stat data, replaced and pruned, never edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodabuild.digest import md5
from prodabuild.engine.facts import Reason
from prodabuild.engine.files import stat_of
from prodabuild.engine.state import PlacedRow
from prodabuild.engine.store import place

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.files import Stat
    from prodabuild.engine.state import State, Trace
    from prodabuild.engine.store import Store


@dataclass(frozen=True, slots=True)
class Damage:
    """A file in `build/` that is not what its unit made; `lost` when the store cannot give it back."""

    unit: str
    path: str
    reason: Reason
    lost: bool


@dataclass(frozen=True)
class Workspace:
    """Where outputs go: the store, the `build/` folder of its copies, scratch space on the same file system."""

    store: Store
    scratch: Path

    @property
    def build(self) -> Path:
        """Return the folder that people read."""
        return self.store.copies


def find_damage(state: State, space: Workspace) -> list[Damage]:
    """Compare every placed file of a clean unit with its row. A file that was only touched is no damage."""
    found = []
    current: dict[str, Trace] = {}
    build = f"{space.build}/"
    for row in state.placed():
        if _untouched(build + row.path, row.stat):
            continue
        how = _how_damaged(space.build / row.path, row)
        if how is None:
            continue
        if not current:
            current = {trace.unit: trace for trace in state.current_traces()}
        trace = current.get(row.unit)
        if trace is not None:
            lost = not any(stored.path == row.path and space.store.has(stored) for stored in trace.files)
            found.append(Damage(row.unit, row.path, Reason(f"build/{row.path} {how}"), lost))
    return found


def _untouched(target: str, stat: Stat) -> bool:
    """Tell whether stat data are those of the row. Thousands of files are looked at: no `Path` is made for them."""
    try:
        return stat_of(target) == stat
    except OSError:
        return False


def _how_damaged(target: Path, row: PlacedRow) -> str | None:
    try:
        now = stat_of(target)
    except FileNotFoundError:
        return "is missing"
    if now.size == row.stat.size and md5(target.read_bytes()) == row.md5:
        return None
    return "was changed by hand"


def put_outputs(state: State, space: Workspace, trace: Trace, fresh: bool = False) -> bool:
    """Place a unit's files and drop those it no longer makes; False when the store has lost one of them.

    Objects that this run has stored itself (`fresh`) are not verified again.
    """
    wanted = {stored.path for stored in trace.files}
    known = state.placed_of(trace.unit)
    for stored in trace.files:
        target = space.build / stored.path
        data = space.store.fresh(stored) if fresh else space.store.get(stored)
        if data is None:
            space.store.discard(stored)
            return False
        place(target, data, space.scratch)
        state.set_placed(PlacedRow(stored.path, trace.unit, stored.md5, stat_of(target)))
    for path in known:
        if path not in wanted:
            remove(state, space, path)
    return True


def prune(state: State, space: Workspace) -> list[str]:
    """Remove the files of units that are no more; returns their paths."""
    orphans = state.orphans()
    for path in orphans:
        remove(state, space, path)
    return orphans


def remove(state: State, space: Workspace, path: str) -> None:
    """Remove one placed file, and the folders that it leaves empty."""
    target = space.build / path
    target.unlink(missing_ok=True)
    state.forget_placed(path)
    for folder in target.parents:
        if folder == space.build or any(folder.iterdir()):
            break
        folder.rmdir()
