"""The files in `build/` that a version names: laid out from their objects, or objects taken back from them."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

from prodabuild.digest import file_md5, md5
from prodabuild.engine.database import DamagedStateError, translated
from prodabuild.engine.lockfile import outputs, parse, render
from prodabuild.engine.placing import UNPLACED
from prodabuild.engine.state import PlacedRow, State
from prodabuild.engine.store import place
from prodabuild.paths import inside, is_regular, read_whole
from prodabuild.project.locking import LOCK
from prodabuild.project.pipeline import BUILD
from prodabuild.project.session import STATE
from prodabuild.project.travelling import FOLDER as TRACES
from prodabuild.versioning.named import placed_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from prodabuild.engine.placing import Workspace
    from prodabuild.engine.store import Store
    from prodabuild.versioning.named import Version


def take_back(root: Path, version: Version, store: Store) -> None:
    """Put objects that the store lacks (it is new, or was cleared) into it, from their copies in `build/`."""
    files = placed_files(version, store)
    lost = {name: inside(root, path) for path, name in files.items() if not store.object_path(name).is_file()}
    for name, path in lost.items():
        if is_regular(path) and file_md5(path) == name:
            store.put(path.name, read_whole(path))


def lay_out(root: Path, version: Version, space: Workspace) -> list[str]:
    """Make the files in `build/` those that a version names, as far as the store has them; returns which it laid.

    A file that only a list of DVC's names is none that a build made, and is left out.
    """
    data = version.files.get(LOCK)
    made = {f"{BUILD}/{path}" for _, path in outputs(parse(data, LOCK))} if data is not None else None
    laid = []
    for path, name in placed_files(version, space.store).items():
        if made is not None and path not in made and not path.startswith(f"{BUILD}/{TRACES}/"):
            continue
        target, source = root / path, space.store.object_path(name)
        if is_regular(source) and not (is_regular(target) and file_md5(target) == name):
            data = read_whole(source)
            if md5(data) == name:
                place(root, path, data, space.scratch, over_link=True)
                laid.append(path)
    return laid


def announce(root: Path, version: Version, laid: Iterable[str]) -> None:
    """Note in the state which files were laid in `build/`: the next build removes those of units that there are not."""
    path = root / STATE
    units = {f"{BUILD}/{path}": unit for unit, path in outputs(parse(version.files.get(LOCK, render({})), LOCK))}
    if not path.is_file():
        return
    with (
        suppress(DamagedStateError),
        translated(path),
        closing(State(path, writable=True)) as state,
        state.transaction(),
    ):
        for file in units.keys() & set(laid):
            state.announce_placed(PlacedRow(file.removeprefix(f"{BUILD}/"), units[file], "", UNPLACED))
