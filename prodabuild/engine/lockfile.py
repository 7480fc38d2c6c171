"""`proda.lock`: what a version of the repo is made of, as sorted JSON with one entry a line, so that git merges it.

It holds digests, sizes, versions and scores; never a time, a host or a path outside the repo. Writing the
same entries again gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.digest import canonical, sha256
from prodabuild.engine.store import Stored, place
from prodabuild.errors import ProjectError
from prodabuild.paths import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

VERSION = 1
Entries = dict[str, dict[str, Any]]


def render(entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the lock's bytes."""
    lines = [
        canonical(name).decode() + ": " + orjson.dumps(entries[name], option=orjson.OPT_SORT_KEYS).decode()
        for name in sorted(entries)
    ]
    body = ",\n".join(lines)
    return f'{{"version": {VERSION}, "entries": {{\n{body}\n}}}}\n'.encode()


def read(path: Path) -> Entries:
    """Return the entries of a lock file, none when it is absent; raises `ProjectError` when it cannot be read."""
    try:
        data = read_regular(path)
    except FileNotFoundError:
        return {}
    return parse(data, path.name)


def parse(data: bytes, name: str) -> Entries:
    """Return the entries of a lock by its bytes; raises `ProjectError` when they are none."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ProjectError(
            f"{name}:{error.lineno}:{error.colno}: not a lock",
            "`prodabuild lock --merge` merges it; then run `prodabuild compile`",
        ) from None
    if (
        not isinstance(document, dict)
        or document.get("version") != VERSION
        or not isinstance(document.get("entries"), dict)
    ):
        raise ProjectError(f"{name}: not a lock of version {VERSION}", "delete it and run `prodabuild compile`")
    entries: Entries = document["entries"]
    return entries


def write(path: Path, entries: Mapping[str, Mapping[str, Any]], scratch: Path) -> bool:
    """Write a lock if its bytes differ; returns whether they did. `scratch` is on the same file system."""
    data = render(entries)
    if path.exists() and read_regular(path) == data:
        return False
    place(path.parent, path.name, data, scratch, durable=True)
    return True


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the sorted names of entries that differ."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def outputs(entries: Entries) -> Iterator[tuple[str, str]]:
    """Return (unit, path below `build/`) of every file that a lock names; whatever leads elsewhere is left out."""
    for name, entry in entries.items():
        found = entry.get("files")
        for path in [*(found if isinstance(found, dict) else ()), entry.get("path")]:
            if isinstance(path, str) and path and not path.startswith("/") and ".." not in path.split("/"):
                yield name, path


def files_of(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the files of a unit's entry by path below `build/`; nothing for an entry of something else."""
    single = {entry["path"]: dict(entry)} if {"path", "md5"} <= entry.keys() else {}
    found: dict[str, dict[str, Any]] = entry.get("files") or single
    return found


def unit_entry(made: tuple[Stored, ...]) -> dict[str, Any]:
    """Return the lock entry of a built unit: digests and size of its one file, or of each of its files."""
    files = {stored.path: {"md5": stored.md5, "sha256": stored.sha256, "size": stored.size} for stored in made}
    if len(files) == 1:
        return {"path": made[0].path, **files[made[0].path]}
    return {"sha256": sha256(canonical({path: entry["sha256"] for path, entry in files.items()})), "files": files}


def stored_of(entry: Mapping[str, Any]) -> tuple[Stored, ...]:
    """Return the files that an entry of a unit names; those that are not written as `unit_entry` does are left out."""
    kinds = {"md5": str, "sha256": str, "size": int}
    return tuple(
        Stored(path, row["md5"], row["sha256"], row["size"])
        for path, row in files_of(entry).items()
        if isinstance(row, dict) and all(isinstance(row.get(key), kind) for key, kind in kinds.items())
    )
