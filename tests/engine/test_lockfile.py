from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.engine import lockfile
from prodabuild.errors import ProjectError

names = st.text("abc:/_", min_size=1, max_size=8)
entries = st.dictionaries(
    names, st.dictionaries(st.text("xyz", min_size=1), st.integers(-(2**63), 2**63) | st.text("ab")), max_size=8
)


@given(entries, st.randoms())
def test_the_bytes_do_not_depend_on_order_and_read_back(found: lockfile.Entries, draw: random.Random) -> None:
    mixed = list(found.items())
    draw.shuffle(mixed)
    data = lockfile.render(dict(mixed))
    assert data == lockfile.render(found)
    assert data.count(b"\n") == max(len(found), 1) + 2


@given(entries)
def test_writing_twice_changes_nothing(found: lockfile.Entries) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proda.lock"
        assert lockfile.write(path, found, Path(folder) / "scratch")
        assert lockfile.read(path) == found
        assert not lockfile.write(path, found, Path(folder) / "scratch")


def test_a_conflict_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "proda.lock"
    path.write_text('{"version": 1, "entries": {\n<<<<<<< ours\n')
    with pytest.raises(ProjectError, match=r"proda.lock:2:1: not a lock"):
        lockfile.read(path)
    path.write_text('{"version": 9, "entries": {}}')
    with pytest.raises(ProjectError, match="not a lock of version 1"):
        lockfile.read(path)


def test_changed_names_what_differs() -> None:
    assert lockfile.changed({"a": {"n": 1}, "b": {}}, {"a": {"n": 2}, "c": {}}) == ["a", "b", "c"]
