"""The engine's memory: one SQLite file with facts, file rows, units, traces and who reads what.

Everything in it can be rebuilt from the sources; losing it costs time, never correctness. Writes go through
one connection in explicit transactions; readers use WAL snapshots and never wait.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.engine import database
from prodabuild.engine.buckets import bounds
from prodabuild.engine.facts import Fact, Reason
from prodabuild.engine.files import FileRow, Stat
from prodabuild.engine.store import Stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from prodabuild.engine.facts import Delta

VERSION = 8
KEEP_TRACES = 8
KEEP_REASONS = 20
_SCHEMA = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value BLOB, source TEXT, grp TEXT, hash INTEGER, postings TEXT) WITHOUT ROWID;
CREATE TABLE postings (name TEXT, member TEXT, PRIMARY KEY (name, member)) WITHOUT ROWID;
CREATE TABLE files (name TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER,
                    digest BLOB, context TEXT, hashed INTEGER, content TEXT, md5 TEXT) WITHOUT ROWID;
CREATE TABLE units (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, stage TEXT, inputs BLOB, output BLOB,
                    dirty TEXT);
CREATE TABLE traces (unit TEXT, inputs BLOB, keys BLOB, names BLOB, after TEXT, output BLOB, files BLOB, summary BLOB,
                     seen BLOB, seq INTEGER, PRIMARY KEY (unit, inputs));
CREATE TABLE foreign_traces (unit TEXT, inputs BLOB, PRIMARY KEY (unit, inputs)) WITHOUT ROWID;
CREATE TABLE after (name TEXT, unit TEXT, PRIMARY KEY (name, unit)) WITHOUT ROWID;
CREATE TABLE placed (path TEXT PRIMARY KEY, unit TEXT, md5 TEXT, size INTEGER, mtime INTEGER, ctime INTEGER,
                     inode INTEGER) WITHOUT ROWID;
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE INDEX after_unit ON after (unit);
CREATE INDEX units_dirty ON units (stage) WHERE dirty IS NOT NULL;
CREATE INDEX placed_unit ON placed (unit);
"""
_FACT_INDEXES = {"facts_group": "facts (grp, hash)", "facts_source": "facts (source)"}


class UnitRow(NamedTuple):
    """A unit as recorded. `output` is None until it was built once; `dirty` is None when it is clean."""

    id: int
    name: str
    stage: str
    inputs: bytes | None
    output: bytes | None
    dirty: tuple[Reason, ...] | None


class Trace(NamedTuple):
    """What one build of a unit read and made.

    `keys` are the sorted 64-bit hashes of the inputs' names, `names` those names in that order (compressed),
    `inputs` is the digest over their values. `after` are the outputs and listings among them. `summary` is what
    the build says of its output to those that read it, as JSON. `seen` is the digest over the values of all inputs but
    those in `after`, then the digest of each of those: a plan asks for them one by one.
    """

    unit: str
    inputs: bytes
    keys: bytes
    names: bytes
    after: tuple[str, ...]
    output: bytes
    files: tuple[Stored, ...]
    summary: bytes = b"null"
    seen: bytes = b""


class Made(NamedTuple):
    """What a unit made when it was last built: all that its readers want of its trace."""

    files: tuple[Stored, ...]
    output: bytes
    summary: bytes


class PlacedRow(NamedTuple):
    """A file in `build/`: which unit made it, its content, and its stat data when it was put there."""

    path: str
    unit: str
    md5: str
    stat: Stat


class State:
    """One open state file. All methods but the readers need `transaction()` around them."""

    def __init__(self, path: Path, writable: bool) -> None:
        self.path = path
        self._writable = writable
        if writable:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = database.open_writable(path, _script(), VERSION)
        elif os.path.lexists(path):
            self._db = database.open_readable(path, VERSION)
        else:
            self._db = _memory()

    @classmethod
    def empty(cls, path: Path) -> State:
        """Return a state in memory that knows nothing."""
        return cls._of(_memory(), path)

    @classmethod
    def beside(cls, path: Path) -> State:
        """Open the state in a worker of its writer: each query sees what is recorded by then."""
        return cls._of(database.open_beside(path), path)

    @classmethod
    def _of(cls, db: sqlite3.Connection, path: Path) -> State:
        state = cls.__new__(cls)
        state.path, state._writable, state._db = path, False, db
        return state

    def close(self) -> None:
        """Close the file; a writer leaves it sealed."""
        if self._writable:
            database.close_sealed(self._db, self.path)
        else:
            self._db.close()

    def check(self) -> None:
        """Look through the whole file; raises `DamagedStateError`."""
        database.check(self._db, self.path)

    def hold(self) -> None:
        """Read from now on what is recorded now, without a lock for each query; later commits are not seen."""
        self._db.execute("BEGIN")

    def in_memory(self) -> State:
        """Return a private copy that can be changed without touching the file: what `plan` works on."""
        copy = sqlite3.connect(":memory:", isolation_level=None)
        self._db.backup(copy)
        return self._of(copy, self.path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk may have ended it
                self._db.execute("ROLLBACK")
            raise

    # -- facts ---------------------------------------------------------------------------------------------

    def has_facts(self) -> bool:
        """Tell whether any fact is recorded."""
        return self._db.execute("SELECT 1 FROM facts LIMIT 1").fetchone() is not None

    def count_facts(self) -> int:
        """Return the number of facts."""
        count: int = self._db.execute("SELECT count(*) FROM facts").fetchone()[0]
        return count

    def fact(self, key: str) -> Fact | None:
        """Return one fact."""
        row = self._db.execute("SELECT key, value, source, grp, postings FROM facts WHERE key = ?", (key,)).fetchone()
        return _fact(row) if row else None

    def value(self, key: str) -> bytes | None:
        """Return what one fact states."""
        row = self._db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def all_facts(self) -> Iterator[Fact]:
        """Return every fact, by key."""
        rows = self._db.execute("SELECT key, value, source, grp, postings FROM facts ORDER BY key")
        return (_fact(row) for row in rows)

    def facts_of(self, source: str) -> list[Fact]:
        """Return the facts that a source states."""
        rows = self._db.execute("SELECT key, value, source, grp, postings FROM facts WHERE source = ?", (source,))
        return [_fact(row) for row in rows]

    def values_in(self, group: str, prefix: str) -> list[tuple[str, bytes]]:
        """Return the facts of one bucket, by key: what each states."""
        low, high = bounds(prefix)
        return self._db.execute(
            "SELECT key, value FROM facts WHERE grp = ? AND hash BETWEEN ? AND ?", (group, low, high)
        ).fetchall()

    def keys_in(self, group: str, prefix: str) -> list[str]:
        """Return the keys of the facts of one bucket, sorted."""
        low, high = bounds(prefix)
        rows = self._db.execute("SELECT key FROM facts WHERE grp = ? AND hash BETWEEN ? AND ?", (group, low, high))
        return sorted([row[0] for row in rows])

    def hashes(self, group: str) -> list[int]:
        """Return the bucket hashes of a group, ascending."""
        return [row[0] for row in self._db.execute("SELECT hash FROM facts WHERE grp = ? ORDER BY hash", (group,))]

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of all facts that begin with a prefix, sorted."""
        return [
            row[0]
            for row in self._db.execute(
                "SELECT key FROM facts WHERE key >= ? AND key < ?", (prefix, prefix + "\U0010ffff")
            )
        ]

    def grouped_keys(self, prefix: str = "", suffix: str = "") -> list[str]:
        """Return the keys of facts in bucket groups that begin and end so, sorted."""
        rows = self._db.execute(
            "SELECT key FROM facts WHERE key >= ?1 AND key < ?2 AND grp != '' "
            "AND (?3 = '' OR substr(key, -length(?3)) = ?3) ORDER BY key",
            (prefix, prefix + "\U0010ffff", suffix),
        )
        return [row[0] for row in rows]

    def posting(self, name: str) -> list[str]:
        """Return the members of a posting, sorted."""
        return [
            row[0] for row in self._db.execute("SELECT member FROM postings WHERE name = ? ORDER BY member", (name,))
        ]

    def posting_names(self, prefix: str) -> list[str]:
        """Return the names of the postings that begin with a prefix, sorted."""
        end = prefix + "\U0010ffff"
        rows = self._db.execute(  # from one name to the next: DISTINCT would look at every member
            "WITH RECURSIVE next (name) AS (SELECT min(name) FROM postings WHERE name >= ? AND name < ? "
            "UNION ALL SELECT (SELECT min(name) FROM postings WHERE name > next.name AND name < ?) FROM next "
            "WHERE name IS NOT NULL) SELECT name FROM next WHERE name IS NOT NULL",
            (prefix, end, end),
        )
        return [row[0] for row in rows]

    def groups(self) -> list[str]:
        """Return the bucket groups that hold facts or units, sorted."""
        rows = self._db.execute(  # from one group to the next by the index: DISTINCT would look at every fact
            "WITH RECURSIVE next (grp) AS (SELECT min(grp) FROM facts WHERE grp > '' "
            "UNION ALL SELECT (SELECT min(grp) FROM facts WHERE grp > next.grp) FROM next WHERE grp IS NOT NULL) "
            "SELECT grp FROM next WHERE grp IS NOT NULL"
        )
        return [row[0] for row in rows]

    def apply(self, delta: Delta, rows: Iterable[FileRow], gone: Iterable[str]) -> None:
        """Record a delta and the file rows it was read from."""
        db = self._db
        first = not self.has_facts()
        if first:  # an index made of all rows at once takes a third of the time
            _drop_fact_indexes(db)
        left, entered = [], []
        for old, new in delta.pairs():
            was, now = old.postings if old else (), new.postings if new else ()
            if was != now:
                left += [(name, old.key) for name in was if old and name not in now]
                entered += [(name, new.key) for name in now if new and name not in was]
        db.executemany("DELETE FROM facts WHERE key = ?", ((key,) for key in delta.removed))
        db.executemany("DELETE FROM postings WHERE name = ? AND member = ?", left)
        db.executemany(
            "INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?)",
            (
                (key, fact.value, fact.source, fact.group, fact.hash if fact.group else 0, "\n".join(fact.postings))
                for key, fact in sorted(delta.upserts.items())
            ),
        )
        db.executemany("INSERT OR IGNORE INTO postings VALUES (?, ?)", sorted(entered))
        db.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        db.executemany("DELETE FROM files WHERE name = ?", ((name,) for name in gone))
        if first:
            _create_fact_indexes(db)

    # -- files ---------------------------------------------------------------------------------------------

    def file_rows(self) -> dict[str, FileRow]:
        """Return every recorded file row by name."""
        rows = self._db.execute("SELECT * FROM files")
        return {row[0]: FileRow(*row) for row in rows}

    # -- units ---------------------------------------------------------------------------------------------

    def units(self, stage: str | None = None) -> list[UnitRow]:
        """Return the units (of one stage), by name."""
        where, values = ("WHERE stage = ?", (stage,)) if stage else ("", ())
        return [_unit(row) for row in self._db.execute(f"SELECT * FROM units {where} ORDER BY name", values)]

    def unit(self, name: str) -> UnitRow | None:
        """Return one unit."""
        row = self._db.execute("SELECT * FROM units WHERE name = ?", (name,)).fetchone()
        return _unit(row) if row else None

    def unit_names(self, stage: str) -> list[str]:
        """Return the names of a stage's units, sorted."""
        return [row[0] for row in self._db.execute("SELECT name FROM units WHERE stage = ? ORDER BY name", (stage,))]

    def unit_names_below(self, prefix: str) -> list[str]:
        """Return the names of the units that begin with a prefix, sorted."""
        rows = self._db.execute(
            "SELECT name FROM units WHERE name >= ? AND name < ? ORDER BY name", (prefix, prefix + "\U0010ffff")
        )
        return [row[0] for row in rows]

    def dirty(self, stage: str | None = None) -> list[UnitRow]:
        """Return the units that are not clean, by name."""
        where, values = ("AND stage = ?", (stage,)) if stage else ("", ())
        rows = self._db.execute(f"SELECT * FROM units WHERE dirty IS NOT NULL {where} ORDER BY name", values)
        return [_unit(row) for row in rows]

    def count_units(self) -> dict[str, int]:
        """Return the number of units of each stage."""
        return dict(self._db.execute("SELECT stage, count(*) FROM units GROUP BY stage").fetchall())

    def add_units(self, names: Iterable[str], stage: str, reason: Reason) -> None:
        """Record new units; they are dirty."""
        self._db.executemany(
            "INSERT INTO units (name, stage, dirty) VALUES (?, ?, ?)",
            ((name, stage, _dump([reason])) for name in names),
        )

    def remove_units(self, names: Iterable[str]) -> None:
        """Forget units. Their traces stay, so that a unit that comes back is restored."""
        found = [(name,) for name in names]
        self._db.executemany("DELETE FROM units WHERE name = ?", found)
        self._db.executemany("DELETE FROM after WHERE unit = ?", found)

    def mark_dirty(self, marks: dict[str, list[Reason]]) -> None:
        """Add reasons why units must be looked at again."""
        for name, reasons in marks.items():
            row = self.unit(name)
            if row is not None:
                known = list(row.dirty or ())
                known += [reason for reason in reasons if reason not in known]
                self._db.execute("UPDATE units SET dirty = ? WHERE name = ?", (_dump(known[:KEEP_REASONS]), name))

    # -- traces --------------------------------------------------------------------------------------------

    def traces(self, unit: str) -> list[Trace]:
        """Return the recorded traces of a unit, newest first."""
        rows = self._db.execute(f"SELECT {_TRACE} FROM traces WHERE unit = ? ORDER BY seq DESC", (unit,))
        return [_trace(row) for row in rows]

    def trace(self, unit: str, inputs: bytes) -> Trace | None:
        """Return the trace of a unit for one digest of inputs."""
        row = self._db.execute(f"SELECT {_TRACE} FROM traces WHERE unit = ? AND inputs = ?", (unit, inputs)).fetchone()
        return _trace(row) if row else None

    def made(self, unit: str) -> Made | None:
        """Return what a unit made when it was last built."""
        row = self._db.execute(
            "SELECT t.files, t.output, t.summary FROM units u "
            "JOIN traces t ON t.unit = u.name AND t.inputs = u.inputs WHERE u.name = ?",
            (unit,),
        ).fetchone()
        return Made(_stored(row[0]), row[1], row[2]) if row else None

    def current_traces(self, stage: str | None = None) -> list[Trace]:
        """Return the trace that each built unit (of one stage) stands on, by unit name."""
        where, values = ("WHERE u.stage = ?", (stage,)) if stage else ("", ())
        columns = ", ".join(f"t.{column}" for column in _TRACE.split(", "))
        rows = self._db.execute(
            f"SELECT {columns} FROM units u "
            f"JOIN traces t ON t.unit = u.name AND t.inputs = u.inputs {where} ORDER BY u.name",
            values,
        )
        return [_trace(row) for row in rows]

    def all_traces(self) -> Iterator[Trace]:
        """Return every recorded trace, those of one unit oldest first."""
        return (_trace(row) for row in self._db.execute(f"SELECT {_TRACE} FROM traces ORDER BY unit, seq"))

    def own_traces(self) -> Iterator[Trace]:
        """Return every recorded trace of a build of this clone, those of one unit oldest first."""
        others = self.foreign()
        return (trace for trace in self.all_traces() if (trace.unit, trace.inputs) not in others)

    def adopt(self, traces: Iterable[Trace]) -> None:
        """Take over traces of an earlier state, those of one unit oldest first; no unit depends on them yet."""
        for trace in traces:
            self._keep(trace)

    def adopt_foreign(self, traces: Iterable[Trace]) -> None:
        """Take over traces of builds elsewhere. Where the same inputs are recorded, what is recorded stays."""
        for trace in traces:
            if self.trace(trace.unit, trace.inputs) is None:
                self._keep(trace)
                self._db.execute("INSERT OR IGNORE INTO foreign_traces VALUES (?, ?)", (trace.unit, trace.inputs))

    def foreign(self) -> set[tuple[str, bytes]]:
        """Return the unit and the inputs of every trace of a build elsewhere that is recorded still."""
        return set(self._db.execute("SELECT unit, inputs FROM foreign_traces JOIN traces USING (unit, inputs)"))

    def has_foreign(self) -> bool:
        """Tell whether any trace of a build elsewhere was taken over."""
        return self._db.execute("SELECT 1 FROM foreign_traces LIMIT 1").fetchone() is not None

    def drop_foreign(self, reason: Reason) -> None:
        """Forget the traces of builds elsewhere; the units that depend on them are to be built."""
        self.drop(self._db.execute("SELECT unit, inputs FROM foreign_traces").fetchall(), reason)

    def drop(self, traces: Collection[tuple[str, bytes]], reason: Reason) -> None:
        """Forget traces, by unit and inputs; the units that depend on them are to be built."""
        for unit, inputs in traces:
            row = self.unit(unit)
            if row is not None and row.inputs == inputs:
                self.mark_dirty({unit: [reason]})
                self._db.execute("DELETE FROM after WHERE unit = ?", (unit,))
                self._db.execute("UPDATE units SET inputs = NULL WHERE name = ?", (unit,))
        for table in ("traces", "foreign_traces"):
            self._db.executemany(f"DELETE FROM {table} WHERE unit = ? AND inputs = ?", traces)

    def own(self, trace: Trace) -> None:
        """Note that this clone has built what a trace tells of."""
        self._db.execute("DELETE FROM foreign_traces WHERE unit = ? AND inputs = ?", (trace.unit, trace.inputs))

    def outputs(self, stage: str | None = None) -> list[tuple[str, tuple[Stored, ...]]]:
        """Return the clean units (of one stage) with their files, by unit name."""
        where, values = ("AND u.stage = ?", (stage,)) if stage else ("", ())
        rows = self._db.execute(
            "SELECT t.unit, t.files FROM units u JOIN traces t ON t.unit = u.name AND t.inputs = u.inputs "
            f"WHERE u.dirty IS NULL {where} ORDER BY u.name",
            values,
        )
        return [(unit, _stored(files)) for unit, files in rows]

    def record(self, trace: Trace) -> bool:
        """Make a trace its unit's current one; return whether the unit's output changed."""
        row = self.unit(trace.unit)
        assert row is not None, f"unit {trace.unit} is not recorded"
        self._keep(trace)
        self._db.execute(
            "UPDATE units SET inputs = ?, output = ?, dirty = NULL WHERE id = ?", (trace.inputs, trace.output, row.id)
        )
        if row.inputs is not None:
            self._db.execute("DELETE FROM after WHERE unit = ?", (trace.unit,))
        self._db.executemany("INSERT OR IGNORE INTO after VALUES (?, ?)", ((name, trace.unit) for name in trace.after))
        return row.output != trace.output

    def _keep(self, trace: Trace) -> None:
        """Add a trace as its unit's newest; the oldest one too many goes."""
        seq = (self._db.execute("SELECT max(seq) FROM traces WHERE unit = ?", (trace.unit,)).fetchone()[0] or 0) + 1
        files = orjson.dumps([list(stored) for stored in trace.files])
        self._db.execute(
            "INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*trace[:4], "\n".join(trace.after), trace.output, files, trace.summary, trace.seen, seq),
        )
        self._db.execute("DELETE FROM traces WHERE unit = ? AND seq <= ?", (trace.unit, seq - KEEP_TRACES))

    def followers(self, name: str) -> list[str]:
        """Return the units that read an output or a listing when they were last built."""
        rows = self._db.execute(
            "SELECT a.unit FROM after a JOIN units u ON u.name = a.unit WHERE a.name = ? ORDER BY a.unit", (name,)
        )
        return [row[0] for row in rows]

    def holders(self, hashes: Collection[int]) -> dict[str, list[int]]:
        """Return which units read any of these inputs (by the hashes of their names) when they were last built.

        It looks through every current trace, some 25 ns a recorded input: cheaper than keeping an index of all of
        them up to date.
        """
        wanted = frozenset(hashes)
        rows = self._db.execute(
            "SELECT u.name, t.keys FROM units u JOIN traces t ON t.unit = u.name AND t.inputs = u.inputs"
        )
        found = ((name, wanted.intersection(memoryview(keys).cast("q"))) for name, keys in rows)
        return {name: sorted(held) for name, held in found if held}

    # -- placed files and notes ----------------------------------------------------------------------------

    def placed(self) -> list[PlacedRow]:
        """Return the files that were put into `build/`."""
        rows = self._db.execute("SELECT path, unit, md5, size, mtime, ctime, inode FROM placed")
        return [_placed(row) for row in rows]

    def placed_at(self, path: str) -> PlacedRow:
        """Return the file that was put at a path of `build/`."""
        row = self._db.execute(
            "SELECT path, unit, md5, size, mtime, ctime, inode FROM placed WHERE path = ?", (path,)
        ).fetchone()
        return _placed(row)

    def placed_stats(self) -> list[tuple[str, int, int, int, int]]:
        """Return path, size, mtime, ctime and inode of every file in `build/`; there may be many thousands."""
        return self._db.execute("SELECT path, size, mtime, ctime, inode FROM placed").fetchall()

    def placed_below(self, path: str) -> dict[str, str]:
        """Return the files in `build/` at or below a path, and the units that made them."""
        rows = self._db.execute(
            "SELECT path, unit FROM placed WHERE path = ?1 OR path >= ?1 || '/' AND path < ?1 || '0'", (path,)
        )  # "0" comes after "/"
        return dict(rows.fetchall())

    def placed_of(self, unit: str) -> list[str]:
        """Return the paths in `build/` that a unit made."""
        return [row[0] for row in self._db.execute("SELECT path FROM placed WHERE unit = ?", (unit,))]

    def set_placed(self, row: PlacedRow) -> None:
        """Record a file in `build/`."""
        self._db.execute(
            "INSERT OR REPLACE INTO placed VALUES (?, ?, ?, ?, ?, ?, ?)", (row.path, row.unit, row.md5, *row.stat)
        )

    def announce_placed(self, row: PlacedRow) -> None:
        """Record a file that is about to be put into `build/`, unless one is known there."""
        self._db.execute(
            "INSERT OR IGNORE INTO placed VALUES (?, ?, ?, ?, ?, ?, ?)", (row.path, row.unit, row.md5, *row.stat)
        )

    def forget_placed(self, path: str) -> None:
        """Forget a file in `build/`."""
        self._db.execute("DELETE FROM placed WHERE path = ?", (path,))

    def forget_all_placed(self) -> None:
        """Remove every row: the copy of a state is about to work on another folder."""
        self._db.execute("DELETE FROM placed")

    def orphans(self) -> list[str]:
        """Return the files in `build/` whose unit is no more, sorted."""
        rows = self._db.execute("SELECT path FROM placed WHERE unit NOT IN (SELECT name FROM units) ORDER BY path")
        return [row[0] for row in rows]

    def note(self, key: str) -> str | None:
        """Return a small remembered value."""
        row = self._db.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_note(self, key: str, value: str) -> None:
        """Remember a small value."""
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))


def _memory() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(_script())
    return db


def _script() -> str:
    return _SCHEMA + "".join(f"CREATE INDEX {name} ON {columns};" for name, columns in _FACT_INDEXES.items())


def _drop_fact_indexes(db: sqlite3.Connection) -> None:
    for name in _FACT_INDEXES:
        db.execute(f"DROP INDEX {name}")


def _create_fact_indexes(db: sqlite3.Connection) -> None:
    for name, columns in _FACT_INDEXES.items():
        db.execute(f"CREATE INDEX {name} ON {columns}")


def _fact(row: tuple[str, bytes, str, str, str]) -> Fact:
    return Fact(row[0], row[1], row[2], row[3], tuple(row[4].split("\n")) if row[4] else ())


def _placed(row: tuple[Any, ...]) -> PlacedRow:
    return PlacedRow(row[0], row[1], row[2], Stat(*row[3:7]))


def _unit(row: tuple[int, str, str, bytes | None, bytes | None, str | None]) -> UnitRow:
    reasons = tuple(Reason(*reason) for reason in orjson.loads(row[5])) if row[5] is not None else None
    return UnitRow(row[0], row[1], row[2], row[3], row[4], reasons)


_TRACE = "unit, inputs, keys, names, after, output, files, summary, seen"


def _trace(row: tuple[str, bytes, bytes, bytes, str, bytes, bytes, bytes, bytes]) -> Trace:
    return Trace(*row[:4], tuple(row[4].split("\n")) if row[4] else (), row[5], _stored(row[6]), *row[7:])


def _stored(files: bytes) -> tuple[Stored, ...]:
    return tuple(Stored(*stored) for stored in orjson.loads(files))


def _dump(reasons: Iterable[Reason]) -> str:
    return orjson.dumps([list(reason) for reason in reasons]).decode()
