"""The state's file under damage: what is refused, what a reader sees, what is left behind."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from prodabuild.engine.database import DamagedStateError, set_aside, translated
from prodabuild.engine.seal import break_seal
from prodabuild.engine.state import VERSION, State
from prodabuild.errors import OutsideError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / ".prodabuild/state.db"
    state = State(found, writable=True)
    with state.transaction():
        state.set_note("word", "kept")
    state.close()
    return found


def word(path: Path) -> str | None:
    state = State(path, writable=False)
    try:
        return state.note("word")
    finally:
        state.close()


def garble(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as handle:
        handle.seek(start)
        handle.write(b"\xa5" * length)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def another_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE other (x)")
    db.close()


def version(number: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as db:
            db.execute(f"PRAGMA user_version = {number}")
        db.close()

    return change


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "garbage": (lambda path: path.write_bytes(b"garbage" * 5000), "is damaged (file is not a database)"),
    "cut short": (lambda path: os.truncate(path, 40_000), "is damaged ("),
    "empty": (lambda path: os.truncate(path, 0), f"is of another version of prodabuild (0, not {VERSION})"),
    "garbage inside": (lambda path: garble(path, 16384 * 3, 200), "is damaged ("),
    "a folder": (a_folder, "is not a file"),
    "another database": (another_database, "is of another version of prodabuild (0, not"),
    "an older version": (version(VERSION - 1), f"is of another version of prodabuild ({VERSION - 1}, not {VERSION})"),
    "a newer version": (version(VERSION + 1), f"is of another version of prodabuild ({VERSION + 1}, not {VERSION})"),
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("writable", [False, True])
def test_a_damaged_file_is_refused_with_and_without_its_seal(path: Path, how: str, writable: bool) -> None:
    damage, message = DAMAGES[how]
    damage(path)
    with pytest.raises(DamagedStateError) as caught:
        State(path, writable)
    changed = "was changed by something else than prodabuild"
    assert caught.value.message == f".prodabuild/state.db {message if how == 'a folder' else changed}"
    break_seal(path)
    with pytest.raises(DamagedStateError) as caught:
        State(path, writable)
    assert caught.value.message.startswith(f".prodabuild/state.db {message}")


@pytest.mark.parametrize("journal", ["nonsense", "of another file"])
def test_a_journal_that_is_not_its_own_is_not_played_in(path: Path, tmp_path: Path, journal: str) -> None:
    other = State(tmp_path / "other.db", writable=True)
    with other.transaction():
        other.set_note("word", "wrong")
    left = (tmp_path / "other.db-wal").read_bytes()
    other.close()
    path.with_name("state.db-wal").write_bytes(left if journal == "of another file" else b"nonsense")
    with pytest.raises(DamagedStateError, match="was changed by something else"):
        State(path, writable=True)
    set_aside(path)
    assert sorted(os.listdir(path.parent)) == ["state.db.damaged"]
    path.with_name("state.db-wal").write_bytes(left)
    State(path, writable=True).close()
    assert word(path) is None


def test_what_was_set_aside_is_replaced_by_the_next_but_a_folder_is_nobody_s_to_remove(path: Path) -> None:
    set_aside(path)
    aside = path.with_name("state.db.damaged")
    assert aside.is_file()
    a_folder_here = path
    a_folder_here.mkdir()
    (a_folder_here / "mine").write_bytes(b"")
    set_aside(path)
    path.write_bytes(b"again")
    set_aside(path)
    assert sorted(os.listdir(path.parent)) == ["state.db.damaged", "state.db.damaged-1"]
    assert aside.joinpath("mine").exists()


def test_a_state_is_made_whole_or_not_at_all(path: Path) -> None:
    set_aside(path)
    path.with_name("state.db.new").write_bytes(b"half of one, of a run that was killed")
    State(path, writable=True).close()
    assert sorted(os.listdir(path.parent)) == ["state.db", "state.db.damaged", "state.seal"]


def test_a_reader_never_waits_and_keeps_its_snapshot(path: Path) -> None:
    writer = State(path, writable=True)
    with writer.transaction():
        writer.set_note("word", "new")
        assert word(path) == "kept"
        reader = State(path, writable=False)
        assert reader.note("word") == "kept"
    assert reader.note("word") == reader.in_memory().note("word") == "kept"
    assert word(path) == "new"
    writer.close()
    assert not path.with_name("state.seal").exists()  # the reader still needs the journal
    assert reader.note("word") == "kept"
    reader.close()
    assert word(path) == "new"
    State(path, writable=True).close()
    assert path.with_name("state.seal").exists()


def test_a_killed_writer_costs_nothing_that_was_committed(path: Path) -> None:
    child = os.fork()
    if not child:
        writer = State(path, writable=True)
        with writer.transaction():
            writer.set_note("word", "committed")
        writer._db.execute("BEGIN")
        writer.set_note("word", "not committed")
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert not path.with_name("state.seal").exists()
    assert word(path) == "committed"
    State(path, writable=True).close()
    assert word(path) == "committed"


def test_a_second_writer_is_outside_trouble(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prodabuild.engine.database.BUSY_SECONDS", 0.01)
    one, two = State(path, writable=True), State(path, writable=True)
    held = pytest.raises(OutsideError, match="another program holds")
    with held, one.transaction(), translated(path), two.transaction():
        pass
    one.close()
    two.close()
