from __future__ import annotations

import os
from pathlib import Path

import pytest

from prodabuild.engine.seal import break_seal, look_at_seal, seal_of, write_seal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    path.write_bytes(b"content")
    write_seal(path)
    return path


def look(path: Path) -> str:
    return look_at_seal(path, path.with_name("journal"))


def test_a_sealed_file_is_whole_until_the_seal_is_broken(file: Path) -> None:
    assert look(file) == "whole"
    break_seal(file)
    assert look(file) == "none"


def test_a_change_right_after_the_seal_shows(file: Path) -> None:
    for _ in range(20):
        write_seal(file)
        file.write_bytes(b"CONTENT")
        assert look(file) == "broken"


def test_a_journal_beside_a_sealed_file_is_not_its_own(file: Path) -> None:
    file.with_name("journal").write_bytes(b"")
    assert look(file) == "whole"
    file.with_name("journal").write_bytes(b"x")
    assert look(file) == "broken"


def test_a_copy_that_keeps_the_time_is_whole_even_in_whole_seconds(file: Path) -> None:
    time = os.stat(file).st_mtime_ns
    os.utime(file, ns=(time, time // 10**9 * 10**9))
    assert look(file) == "whole"
    os.utime(file, ns=(time, time + 1))
    assert look(file) == "broken"


@pytest.mark.parametrize("text", [b"", b"12", b"7 1", b"nonsense\n"])
def test_half_a_seal_is_none(file: Path, text: bytes) -> None:
    seal_of(file).write_bytes(text)
    assert look(file) == "none"


def test_a_file_from_the_future_gets_no_seal(file: Path) -> None:
    os.utime(file, (4e9, 4e9))
    write_seal(file)
    assert look(file) == "none"
