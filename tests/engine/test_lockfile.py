from __future__ import annotations

import random
from pathlib import Path

import orjson
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


FILE = {"path": "model/a", "md5": "0" * 32, "sha256": "0" * 64, "size": 1}


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("accepted:chains", None, "it is no mapping"),
        ("accepted:chains", {"acc": {}, "patches": {}}, "`results` names no file"),
        ("accepted:chains", {"results": FILE, "acc": {"dev": "x"}, "patches": {}}, "`acc` holds no numbers"),
        ("accepted:chains", {"results": FILE, "acc": {}, "patches": {"a": 1}}, "`patches` names no patches"),
        ("score:chains/dev", {"n": 3}, "`n` and `acc` are no numbers"),
        ("score:chains/dev", {"n": True, "acc": 1}, "`n` and `acc` are no numbers"),
        ("dataset", [], "it is no mapping"),
        ("dataset", {"files": [1]}, "`files` is no mapping"),
        ("dataset", {"files": {"a": 7}}, "a has no digests"),
        ("dataset", {"files": {"a": FILE | {"size": -1}}}, "a has no size"),
        ("dataset", {"files": {"../a": FILE}}, "'../a' leaves the repository"),
        ("dataset", FILE | {"files": {"/a": FILE}}, "'/a' is not a path inside the repository"),
        ("dataset", FILE | {"path": "/etc/passwd"}, "'/etc/passwd' is not a path inside the repository"),
        ("dataset", FILE | {"path": "a\x1bb"}, "'a\\x1bb' holds a control character"),
        ("dataset", FILE | {"path": None}, "None is not a path"),
        ("dataset", FILE | {"md5": "ab/abs/path"}, "model/a has no digests"),
        ("dataset", FILE | {"md5": "0" * 32 + "\n"}, "model/a has no digests"),
        ("dataset", FILE | {"sha256": None}, "model/a has no digests"),
        ("dataset", FILE | {"size": True}, "model/a has no size"),
        ("dataset", {"sha256": 7}, "`sha256` is no text"),
        ("model", FILE | {"made_with": {"torch": []}}, "`made_with` names no versions"),
    ],
)
def test_an_entry_of_other_types_is_refused_with_its_line(name: str, entry: object, message: str) -> None:
    data = orjson.dumps({"version": 1, "entries": {}}).replace(
        b"{}", b'{\n"a": {},\n' + orjson.dumps(name) + b": " + orjson.dumps(entry) + b"\n}"
    )
    with pytest.raises(ProjectError) as refused:
        lockfile.parse(data, "proda.lock")
    assert refused.value.message == f"proda.lock:3: {name!r}: {message}"


def test_paths_that_are_unusual_but_inside_are_read() -> None:
    paths = ["a b/c", ".hidden", "ä", "a/" * 30 + "b", "x" * 200, "a..b/c"]
    entries = {path: FILE | {"path": path} for path in paths}
    assert lockfile.parse(lockfile.render(entries), "proda.lock") == entries
    assert [path for _, path in lockfile.outputs(entries)] == paths


def test_a_lock_names_a_file_by_both_digests_and_size() -> None:
    stored = lockfile.stored_of(FILE)
    assert lockfile.names({"model": FILE | {"made_with": {}}}, "model", stored)
    for key, value in (("md5", "1" * 32), ("sha256", "1" * 64), ("size", 2), ("path", "b")):
        assert not lockfile.names({"model": FILE | {key: value}}, "model", stored)
    assert not lockfile.names({}, "model", stored)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"version": 1, "entries": ' + '{"a":' * 200_000, "\x00", "9" * 5000])
def test_what_is_nested_or_large_is_no_lock(text: str) -> None:
    with pytest.raises(ProjectError, match="not a lock"):
        lockfile.parse(text.encode(), "proda.lock")
