"""A folder of ours that is replaced whole: its marker lists every file in it, and anything else stops us."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.engine.store import fresh_folder, remove_tree
from prodabuild.errors import ProjectError
from prodabuild.paths import open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARKER = "prodabuild-export.json"
_SHOWN = 3
_KINDS = {"train": "training data", "dev": "dev items", "sealed": "sealed items"}


@contextmanager
def replaced(folder: Path, what: str) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends well, it takes the place of `folder` in one step.

    `what` is the kind of data. Raises `ProjectError` when `folder` holds what is not ours, or of another kind.
    """
    refuse(folder, what)
    new, old = (folder.with_name(f".{folder.name}.prodabuild-{word}") for word in ("new", "old"))
    if old.is_dir() and not old.is_symlink() and not folder.exists():  # killed between the two renames below
        old.rename(folder)
    remove_tree(folder.parent, old.name)
    fresh_folder(folder.parent, new.name)
    try:
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        for left in (new, old):
            remove_tree(folder.parent, left.name)


def marked(folder: Path, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Write the marker of a filled folder; returns what it says of the files."""
    files = {name: _entry(folder / name) for name in _names(folder)}
    (folder / MARKER).write_bytes(
        orjson.dumps({**document, "files": files}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    return files


def refuse(folder: Path, what: str) -> None:
    """Raise `ProjectError` when a folder may not be replaced by data of a kind."""
    for parent in folder.parents:
        if (parent / MARKER).exists():
            raise ProjectError(f"{folder} lies inside the export {parent}", "name another folder with --to")
    if not folder.is_dir():
        if os.path.lexists(folder):
            raise ProjectError(f"{folder} is a file", "name a folder with --to")
        return
    marker = _read(folder / MARKER)
    files = marker.get("files", {})
    foreign = [name for name in _names(folder) if name not in files and name != MARKER]
    if foreign:
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        raise ProjectError(
            f"{folder} holds files that no export wrote: {', '.join(foreign[:_SHOWN])}{more}",
            "name another folder with --to, or take them away",
        )
    here = set(_names(folder))
    changed = [name for name, entry in files.items() if name in here and _entry(folder / name) != entry]
    if changed:
        raise ProjectError(
            f"{folder / changed[0]} was changed since it was exported",
            "move it elsewhere if it is to be kept, or remove it; or name another folder with --to",
        )
    if files and marker.get("what") != what:
        raise ProjectError(
            f"{folder} holds {_KINDS.get(str(marker.get('what')), 'other data')}, which {_KINDS[what]} may not replace",
            "name another folder with --to",
        )


def _names(folder: Path) -> list[str]:
    """Return every file and link below a folder, relative to it, sorted."""
    found = []
    for top, folders, files in os.walk(folder):
        here = os.path.relpath(top, folder)
        links = [name for name in folders if os.path.islink(os.path.join(top, name))]
        found += [os.path.normpath(os.path.join(here, name)).replace(os.sep, "/") for name in (*files, *links)]
    return sorted(found)


def _read(marker: Path) -> dict[str, Any]:
    try:
        document = orjson.loads(read_regular(marker))
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    sound = isinstance(document, dict) and isinstance(document.get("files"), dict)
    return document if sound else {}


def _entry(path: Path) -> dict[str, Any]:
    with open_regular(path) as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": path.stat().st_size}
