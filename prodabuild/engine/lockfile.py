"""`proda.lock`: what a version of the repo is made of, as sorted JSON with one entry a line, so that git merges it.

It holds digests, sizes, versions and scores; never a time, a host or a path outside the repo. Writing the
same entries again gives the same bytes. Whoever commits one may write anything into it: every entry that is read has
the types, the digests and the paths below `build/` that those who use it rely on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.digest import canonical, sha256
from prodabuild.engine.store import Stored, place
from prodabuild.errors import ProjectError
from prodabuild.paths import is_md5, is_sha256, read_source, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

VERSION = 1
# A file with digests and a path that needs no closer look.
_FILE = re.compile(r"[0-9a-f]{32} [0-9a-f]{64} \w[\w.+@=-]{0,99}(?:/\w[\w.+@=-]{0,99}){0,7}", re.ASCII).fullmatch
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
        data = read_source(path.parent, path.name)
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
    for key, entry in entries.items():
        if wrong := _wrong(key, entry):
            line = data.count(b"\n", 0, max(0, data.find(canonical(key) + b":"))) + 1
            hint = (
                "restore that line (`git checkout` an earlier version), or delete the file and run `prodabuild compile`"
            )
            raise ProjectError(f"{name}:{line}: {key!r}: {wrong}", hint)
    return entries


def _wrong(key: str, entry: Any) -> str:
    """Return what is wrong with an entry, "" when nothing is."""
    if type(entry) is not dict:
        return "it is no mapping"
    if ("path" in entry or "files" in entry) and (refused := _wrong_files(entry)):
        return refused
    if not isinstance(entry.get("sha256", ""), str):
        return "`sha256` is no text"
    if "made_with" in entry:
        found = entry["made_with"]
        if type(found) is not dict or not all(value is None or isinstance(value, str) for value in found.values()):
            return "`made_with` names no versions"
    if key.startswith("accepted:"):
        return _wrong_acceptance(entry)
    if key.startswith("score:") and not all(_is_number(entry.get(name)) for name in ("n", "acc")):
        return "`n` and `acc` are no numbers"
    return ""


def _wrong_files(entry: Mapping[str, Any]) -> str:
    files = entry.get("files", {})
    if type(files) is not dict:
        return "`files` is no mapping"
    rows = [(entry["path"], entry)] if "path" in entry else []
    return next((wrong for path, row in (*rows, *files.items()) if (wrong := _wrong_file(path, row))), "")


def _wrong_file(path: Any, row: Any) -> str:
    try:
        if (
            type(path) is str
            and _FILE(f"{row['md5']} {row['sha256']} {path}")
            and type(row["size"]) is int
            and row["size"] >= 0
        ):
            return ""
    except (TypeError, KeyError):
        pass
    if refused := refusal(path):
        return refused.message
    if type(row) is not dict or not is_md5(row.get("md5")) or not is_sha256(row.get("sha256")):
        return f"{path} has no digests"
    return "" if type(row.get("size")) is int and row["size"] >= 0 else f"{path} has no size"


def _wrong_acceptance(entry: Mapping[str, Any]) -> str:
    results, acc, patches = (entry.get(name, {}) for name in ("results", "acc", "patches"))
    if not isinstance(results, dict) or _wrong_file(results.get("path"), results):
        return "`results` names no file"
    if not isinstance(acc, dict) or not all(map(_is_number, acc.values())):
        return "`acc` holds no numbers"
    if not isinstance(patches, dict) or not all(isinstance(value, str) for value in patches.values()):
        return "`patches` names no patches"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def write(path: Path, entries: Mapping[str, Mapping[str, Any]], scratch: Path) -> bool:
    """Write a lock if its bytes differ; returns whether they did. `scratch` is on the same file system."""
    data = render(entries)
    if path.exists() and read_source(path.parent, path.name) == data:
        return False
    place(path.parent, path.name, data, scratch, durable=True)
    return True


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the sorted names of entries that differ."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def outputs(entries: Entries) -> Iterator[tuple[str, str]]:
    """Return (unit, path below `build/`) of every file that a lock names."""
    return ((name, path) for name, entry in entries.items() for path in files_of(entry))


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
    """Return the files that an entry of a unit names."""
    return tuple(Stored(path, row["md5"], row["sha256"], row["size"]) for path, row in files_of(entry).items())


def names(entries: Mapping[str, Any], unit: str, files: tuple[Stored, ...]) -> bool:
    """Tell whether a lock names exactly these files as the output of a unit: paths, sizes, both digests."""
    entry = entries.get(unit)
    return entry is not None and entry.items() >= unit_entry(files).items()
