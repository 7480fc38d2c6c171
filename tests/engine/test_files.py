from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prodabuild.engine.facts import Delta
from prodabuild.engine.files import LISTED, Wanted, scan
from prodabuild.engine.state import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.db", writable=True)
    yield opened
    opened.close()


def look(state: State, *files: Path, context: str = "") -> list[str]:
    found = scan(state, {file.name: Wanted(file, context) for file in files})
    with state.transaction():
        state.apply(Delta(), found.rows.values(), found.gone)
    return [*sorted(found.changed), *(f"-{name}" for name in found.gone)]


def test_touching_a_file_is_no_change(state: State, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one")
    assert look(state, file) == ["a.yaml"]
    assert look(state, file) == []
    os.utime(file)
    assert look(state, file) == []


def test_same_size_and_restored_mtime_is_caught(state: State, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("hello")
    time.sleep(0.06)
    look(state, file)
    before = file.stat()
    with file.open("r+") as handle:
        handle.write("HELLO")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert look(state, file) == ["a.yaml"]


def test_a_write_in_the_same_tick_as_the_hash_is_caught(state: State, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    for n in range(200):
        file.write_text(f"{n:04}")
        assert look(state, file) == ["a.yaml"]


def test_another_context_is_a_change_and_a_file_gone_is_told(state: State, tmp_path: Path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text("1")
    two.write_text("2")
    look(state, one, two)
    assert look(state, one, context="law") == ["a.yaml", "-b.yaml"]


def test_a_named_file_gets_its_md5_when_it_is_read_and_only_then(state: State, tmp_path: Path) -> None:
    file, big = tmp_path / "a.yaml", tmp_path / "weights"
    file.write_text("one")
    big.write_bytes(b"w" * (1 << 21))
    time.sleep(0.06)
    plain = {"a": Wanted(file, ""), "big": Wanted(big, "", opaque=True)}
    named = {name: wanted._replace(named=True) for name, wanted in plain.items()}
    for wanted, md5s in (
        (plain, ["", ""]),
        (named, [hashlib.md5(path.read_bytes()).hexdigest() for path in (file, big)]),
    ):
        found = scan(state, wanted)
        assert [row.md5 for row in found.rows.values()] == md5s
        assert bool(found.changed) == (wanted is plain)
        with state.transaction():
            state.apply(Delta(), found.rows.values(), found.gone)
    assert not scan(state, named).rows
    assert not scan(state, plain).rows


def test_a_file_that_nobody_reads_may_vanish_after_it_was_listed(state: State, tmp_path: Path) -> None:
    file = tmp_path / ".swp"
    file.write_text("one")
    assert look(state, file, context=LISTED) == [".swp"]
    file.unlink()
    assert look(state, file, context=LISTED) == ["-.swp"]
    with pytest.raises(FileNotFoundError):
        look(state, file)
