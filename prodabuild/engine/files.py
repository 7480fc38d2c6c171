"""Which files changed: stat data first, content where stat data cannot be trusted.

A file whose stat data equal the recorded row is taken as unchanged, unless its mtime is so close to the
moment it was hashed that a later write could carry the same mtime (git's "racily clean" rule).
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import xxhash

from prodabuild.digest import change_digest, md5
from prodabuild.paths import NotRegularError, open_regular, read_regular, require_regular
from prodabuild.problems import Problem, raise_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prodabuild.engine.state import State

RACY_NS = 50_000_000  # coarser than any clock tick that a kernel stamps files with


class Stat(NamedTuple):
    """The stat data that stand for a content: size in bytes, times in ns, inode."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


LISTED = "listed"  # the context of files that no build reads: DVC's record names them


class Wanted(NamedTuple):
    """A file to look at. `context` is what its reading depends on beside its bytes; opaque files are only hashed.

    `named` ones get the name that DVC gives their content, too.
    """

    path: str | Path
    context: str
    opaque: bool = False
    named: bool = False


class FileRow(NamedTuple):
    """What is recorded of one file, under the name it is known by: stat data, content, context, when it was hashed."""

    name: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    digest: bytes
    context: str
    hashed_ns: int
    content: str = ""  # identity of the facts it states, blind to layout and comments
    md5: str = ""  # of files that are named in DVC's record


@dataclass(frozen=True)
class Scan:
    """The outcome of looking at a set of files: rows to record, content of what changed, names of what is gone."""

    rows: Mapping[str, FileRow] = field(default_factory=dict)
    changed: Mapping[str, bytes] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


def stat_of(path: str | Path) -> Stat:
    """Return a regular file's stat data; raises OSError, `NotRegularError`."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        require_regular(Path(path), found)
    return Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def trusted(row: FileRow, now: Stat) -> bool:
    """Tell whether equal stat data prove equal content."""
    return row[1:5] == now and max(now.mtime_ns, now.ctime_ns) < row.hashed_ns - RACY_NS


def scan(state: State, wanted: Mapping[str, Wanted]) -> Scan:
    """Look at files, by the names they are known by. One counts as changed when its bytes or its context differ.

    What is hashed is what is returned, so nothing can slip in between. Raises OSError, and `ProblemsError` for what is
    no regular file: it is never opened.
    """
    recorded = state.file_rows()
    rows: dict[str, FileRow] = {}
    changed: dict[str, bytes] = {}
    vanished = set()
    problems = []
    for name, file in wanted.items():
        row = recorded.get(name)
        try:
            now = _stat_unless_gone(file)
        except NotRegularError as error:
            problems.append(Problem("M029", f"{name} is {error.kind}, not a regular file", name, hint=error.hint))
            continue
        if now is None:
            vanished.add(name)
            continue
        if row is not None and row.context == file.context and trusted(row, now) and (row.md5 or not file.named):
            continue
        hashed_ns = time.time_ns()
        data, digest, dvc_name = _read(file)
        same = row is not None and row.digest == digest and row.context == file.context
        content = row.content if row and same else ""
        rows[name] = FileRow(name, *now, digest, file.context, hashed_ns, content, dvc_name)
        if not same:
            changed[name] = data
    raise_errors(problems)
    return Scan(rows, changed, tuple(name for name in recorded if name not in wanted or name in vanished))


def _stat_unless_gone(file: Wanted) -> Stat | None:
    """Return a file's stat data; None when nobody reads it and it has vanished since it was listed."""
    try:
        return stat_of(file.path)
    except FileNotFoundError:
        if file.context == LISTED:
            return None
        raise


def _read(file: Wanted) -> tuple[bytes, bytes, str]:
    """Return a file's bytes (none of an opaque one), their change digest and, where it is wanted, their md5."""
    if not file.opaque:
        data = read_regular(Path(file.path))
        return data, change_digest(data), md5(data) if file.named else ""
    name = hashlib.md5(usedforsecurity=False)
    digest = file_digest(file.path, name.update if file.named else None)
    return b"", digest, name.hexdigest() if file.named else ""


def file_digest(path: str | Path, also: Callable[[bytes], object] | None = None) -> bytes:
    """Return the change digest of a regular file of any size; `also` is given each block."""
    with open_regular(Path(path)) as handle:
        digest = xxhash.xxh3_128()
        while block := handle.read(1 << 20):
            digest.update(block)
            if also:
                also(block)
    return digest.digest()
