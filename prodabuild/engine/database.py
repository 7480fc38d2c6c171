"""The state's file: made whole or not at all, opened, closed, set aside when it is damaged; its errors are ours."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from prodabuild.engine.seal import break_seal, look_at_seal, write_seal
from prodabuild.errors import OutsideError, outside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE_BYTES = 16384  # facts are some 300 bytes: with SQLite's 4096 a first load takes half as long again
MAPPED_BYTES = 1 << 40  # of a file that workers read: all of it, rather than a copy of each page in each of them
BUSY_SECONDS = 30
TRIES = 20
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_OUTSIDE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_READONLY: errno.EACCES,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_NOLFS: errno.EFBIG,
}
_HELD = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}


class DamagedStateError(OutsideError):
    """The state is of no use any more; what it knew is read, restored and built again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "run `prodabuild compile`: it starts afresh from the sources and the store")


def open_writable(path: Path, script: str, version: int) -> sqlite3.Connection:
    """Open a state file for its one writer, made by the script when there is none; raises `DamagedStateError`."""
    with translated(path):
        if not os.path.lexists(path):
            _create(path, script, version)
        thorough = _suspect(path)
        break_seal(path)
        db = _checked(_connect(path, "rw"), path, version, thorough)
        db.execute("PRAGMA synchronous = NORMAL")  # a power failure may cost the last commits, never the file
        return db


def open_readable(path: Path, version: int) -> sqlite3.Connection:
    """Open one snapshot of a state file that a writer may be changing; raises `DamagedStateError`."""
    with translated(path):
        thorough = _suspect(path)
        db = _connect(path, "ro")
        try:
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            db.close()
            if _code(error) not in _OUTSIDE:
                raise
            db = _frozen(path)
        return _checked(db, path, version, thorough)


def open_beside(path: Path) -> sqlite3.Connection:
    """Open a state file in a worker of the process that writes it: nothing is checked again."""
    with translated(path):
        db = _connect(path, "ro")
        db.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        return db


def close_sealed(db: sqlite3.Connection, path: Path) -> None:
    """Close a writer's file and seal it, unless a reader still needs the journal beside it."""
    whole = False
    with suppress(sqlite3.Error):  # a full disk: the journal stays, and the next run reads it
        db.execute("PRAGMA busy_timeout = 0")
        whole = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    db.close()
    if whole:
        with suppress(OSError):
            write_seal(path)


def check(db: sqlite3.Connection, path: Path) -> None:
    """Look through the whole file; raises `DamagedStateError`."""
    with translated(path):
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedStateError(f"{_name(path)} is damaged ({' '.join(found.split())})")


def set_aside(path: Path) -> None:
    """Rename a damaged file, so that the next writer makes a new one."""
    break_seal(path)
    aside, number = path.with_name(path.name + ".damaged"), 1
    while aside.is_dir():  # somebody's folder stood in the file's place: not ours to remove
        aside, number = path.with_name(f"{path.name}.damaged-{number}"), number + 1
    if os.path.lexists(path):
        aside.unlink(missing_ok=True)
        os.rename(path, aside)
    for journal in _journals(path):
        journal.unlink(missing_ok=True)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what SQLite says of a file as an error of ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = _code(error)
        if code in _DAMAGED or "Could not decode" in str(error):
            raise DamagedStateError(f"{_name(path)} is damaged ({error})") from error
        if code in _HELD:
            raise OutsideError(f"another program holds {path}", "end it and run the command again") from error
        if code in _OUTSIDE:
            raise outside(OSError(_OUTSIDE[code], str(error), str(path))) from error
        raise


def _create(path: Path, script: str, version: int) -> None:
    """Make the file under another name first: nobody sees half of one. A journal left over would be played into it."""
    fresh = path.with_name(path.name + ".new")
    break_seal(path)
    for left in (fresh, *_journals(fresh), *_journals(path)):
        left.unlink(missing_ok=True)
    try:
        with closing(_connect(fresh, "rwc")) as db:
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            db.execute("PRAGMA synchronous = OFF")
            db.executescript(f"BEGIN; {script} PRAGMA user_version = {version}; COMMIT;")
            db.execute("PRAGMA journal_mode = WAL")  # last: closing cannot tell that a journal did not fit in
        os.rename(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _suspect(path: Path) -> bool:
    """Tell whether a file must be looked through before it is used; raises `DamagedStateError` when it is not ours."""
    if not path.is_file():
        raise DamagedStateError(f"{_name(path)} is not a file")
    seal = look_at_seal(path, _journals(path)[0])
    if seal == "broken":
        raise DamagedStateError(f"{_name(path)} was changed by something else than prodabuild")
    return seal == "none"


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def _checked(db: sqlite3.Connection, path: Path, version: int, thorough: bool) -> sqlite3.Connection:
    """Return the connection if the file is one of ours, and whole."""
    try:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found != version:
            raise DamagedStateError(f"{_name(path)} is of another version of prodabuild ({found}, not {version})")
        if thorough:
            check(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _frozen(path: Path) -> sqlite3.Connection:
    """Return a copy, in memory, of a file on a disk where SQLite cannot write the index of its journal.

    A file without a journal is whole in itself, provided that nobody changes it from elsewhere meanwhile.
    """
    journal = _journals(path)[0]
    for _ in range(TRIES):
        before = _look(path), _look(journal)
        if before[1][0]:
            raise DamagedStateError(f"a run that was killed left {_name(path)} for the next one to mend")
        copy = sqlite3.connect(":memory:", isolation_level=None)
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as source:
            source.backup(copy)
        if (_look(path), _look(journal)) == before:
            return copy
        copy.close()
        time.sleep(0.05)
    raise OutsideError(f"{path} is being written all the time", "run the command again")


def _journals(path: Path) -> tuple[Path, Path]:
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _look(path: Path) -> tuple[int, int, int]:
    """Return size, time and inode of a file, zeros when it is not there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return 0, 0, 0
    return found.st_size, found.st_mtime_ns, found.st_ino


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary error code, -1 for an error of the Python module."""
    found: int = getattr(error, "sqlite_errorcode", -1)
    return found & 0xFF if found >= 0 else -1
