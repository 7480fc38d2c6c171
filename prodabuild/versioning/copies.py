"""The files in `build/` that a version names: laid out from their objects, or objects taken back from them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from prodabuild.digest import file_md5
from prodabuild.engine.store import place
from prodabuild.paths import is_regular, read_regular
from prodabuild.versioning.named import placed_files

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.placing import Workspace
    from prodabuild.engine.store import Store
    from prodabuild.versioning.named import Version


def take_back(root: Path, version: Version, store: Store) -> None:
    """Put objects that the store lacks (it is new, or was cleared) into it, from their copies in `build/`."""
    files = placed_files(version, store)
    lost = {name: root / path for path, name in files.items() if not store.object_path(name).is_file()}
    for name, path in lost.items():
        if is_regular(path) and file_md5(path) == name:
            store.put(path.name, read_regular(path, sys.maxsize))


def lay_out(root: Path, version: Version, space: Workspace) -> int:
    """Make the files in `build/` those that a version names, as far as the store has them; returns how many it laid."""
    laid = 0
    for path, name in placed_files(version, space.store).items():
        target, source = root / path, space.store.object_path(name)
        if is_regular(source) and not (is_regular(target) and file_md5(target) == name):
            place(root, path, read_regular(source, sys.maxsize), space.scratch, over_link=True)
            laid += 1
    return laid
