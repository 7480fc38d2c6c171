"""Which files changed: stat data first, content where stat data cannot be trusted.

A file whose stat data equal the recorded row is taken as unchanged, unless its mtime is so close to the
moment it was hashed that a later write could carry the same mtime (git's "racily clean" rule).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import xxhash

from prodabuild.digest import change_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prodabuild.engine.state import State

RACY_NS = 50_000_000  # coarser than any clock tick that a kernel stamps files with


class Stat(NamedTuple):
    """The stat data that stand for a content: size in bytes, times in ns, inode."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Wanted(NamedTuple):
    """A file to look at. `context` is what its reading depends on beside its bytes; opaque files are only hashed."""

    path: str | Path
    context: str
    opaque: bool = False


class FileRow(NamedTuple):
    """What is recorded of one file, under the name it is known by: stat data, content, context, when it was hashed."""

    name: str
    stat: Stat
    digest: bytes
    context: str
    hashed_ns: int
    content: str = ""  # identity of the facts it states, blind to layout and comments


@dataclass(frozen=True)
class Scan:
    """The outcome of looking at a set of files: rows to record, content of what changed, names of what is gone."""

    rows: Mapping[str, FileRow] = field(default_factory=dict)
    changed: Mapping[str, bytes] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


def stat_of(path: str | Path) -> Stat:
    """Return a file's stat data; raises OSError."""
    found = os.stat(path)
    return Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def trusted(row: FileRow, now: Stat) -> bool:
    """Tell whether equal stat data prove equal content."""
    return row.stat == now and max(now.mtime_ns, now.ctime_ns) < row.hashed_ns - RACY_NS


def scan(state: State, wanted: Mapping[str, Wanted]) -> Scan:
    """Look at files, by the names they are known by. One counts as changed when its bytes or its context differ.

    What is hashed is what is returned, so nothing can slip in between. Raises OSError.
    """
    recorded = state.file_rows()
    rows: dict[str, FileRow] = {}
    changed: dict[str, bytes] = {}
    for name, file in wanted.items():
        row = recorded.get(name)
        now = stat_of(file.path)
        if row is not None and row.context == file.context and trusted(row, now):
            continue
        hashed_ns = time.time_ns()
        data = b"" if file.opaque else Path(file.path).read_bytes()
        digest = file_digest(file.path) if file.opaque else change_digest(data)
        same = row is not None and row.digest == digest and row.context == file.context
        rows[name] = FileRow(name, now, digest, file.context, hashed_ns, row.content if row and same else "")
        if not same:
            changed[name] = data
    return Scan(rows, changed, tuple(name for name in recorded if name not in wanted))


def file_digest(path: str | Path) -> bytes:
    """Return the change digest of a file of any size."""
    with open(path, "rb") as handle:
        digest = xxhash.xxh3_128()
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.digest()
