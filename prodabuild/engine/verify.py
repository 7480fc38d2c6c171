"""Verify what the clean units stand on: every stored object, every copy in `build/`; heal each from the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodabuild.digest import file_md5, file_sha256
from prodabuild.engine.database import DamagedStateError
from prodabuild.engine.facts import Reason
from prodabuild.engine.placing import put_file

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.placing import Workspace
    from prodabuild.engine.state import State
    from prodabuild.engine.store import Stored


@dataclass
class Findings:
    """The number of objects, the files that are damaged or gone, those that were healed, the units to build again."""

    objects: int = 0
    damaged: list[Path] = field(default_factory=list)
    healed: list[Path] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def verify_outputs(state: State, space: Workspace) -> Findings:
    """Read every output of the clean units; what cannot be healed is marked to be built again.

    The caller holds the writers' lock and a transaction. Raises `DamagedStateError`.
    """
    found = Findings()
    makers: dict[str, list[tuple[str, Stored]]] = {}
    for unit, files in state.outputs():
        for stored in files:
            makers.setdefault(stored.md5, []).append((unit, stored))
    found.objects = len(makers)
    for name, made in sorted(makers.items()):
        if _object_is_whole(space, name, [stored for _, stored in made], found):
            for unit, stored in made:
                _verify_copy(state, space, unit, stored, found)
        else:
            found.lost += [unit for unit, _ in made]
            state.mark_dirty({unit: [Reason(f"the stored object of {stored.path} is lost")] for unit, stored in made})
    found.lost = sorted(set(found.lost))
    return found


def _object_is_whole(space: Workspace, name: str, outputs: list[Stored], found: Findings) -> bool:
    """Tell whether an object is whole, or was taken back from one of the files that were made of it."""
    path = space.store.object_path(name)
    stored = outputs[0]
    if space.store.whole(stored):
        if {output.sha256 for output in outputs} != {file_sha256(path)}:
            raise DamagedStateError(f"the state records another sha256 of {stored.path} than its object has")
        return True
    found.damaged.append(path)
    if space.store.recover(stored, *(space.build / output.path for output in outputs)):
        found.healed.append(path)
        return True
    return False


def _verify_copy(state: State, space: Workspace, unit: str, stored: Stored, found: Findings) -> None:
    target = space.build / stored.path
    if target.is_file() and file_md5(target) == stored.md5:
        return
    found.damaged.append(target)
    put_file(state, space, unit, stored, space.store.fresh(stored))
    found.healed.append(target)
