from __future__ import annotations

import hashlib
import os
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prodabuild.engine.placing import Workspace, sweep
from prodabuild.engine.store import LostOutputError, Store, place


def test_an_object_lies_where_dvc_would_put_it_and_is_read_only(tmp_path: Path) -> None:
    stored = Store(tmp_path, tmp_path / "build").put("a/b.jsonl", b"hello")
    name = hashlib.md5(b"hello").hexdigest()
    path = tmp_path / "files" / "md5" / name[:2] / name[2:]
    assert path.read_bytes() == b"hello"
    assert path.stat().st_mode & 0o777 == 0o444
    assert stored == ("a/b.jsonl", name, hashlib.sha256(b"hello").hexdigest(), 5)


def test_the_same_content_is_stored_once(tmp_path: Path) -> None:
    store = Store(tmp_path, tmp_path / "build")
    first, second = store.put("x", b"same"), store.put("y", b"same")
    assert first.md5 == second.md5
    assert len([file for file in (tmp_path / "files").rglob("*") if file.is_file()]) == 1


def test_a_damaged_object_is_not_given_out(tmp_path: Path) -> None:
    store = Store(tmp_path, tmp_path / "build")
    stored = store.put("x", b"whole")
    path = store.object_path(stored.md5)
    path.chmod(0o644)
    path.write_bytes(b"whale")
    assert store.get(stored) is None
    path.write_bytes(b"cut")
    assert not store.has(stored)
    store.discard(stored)
    store.put("x", b"whole")
    assert store.get(stored) == b"whole"


def test_sweep_removes_what_a_killed_process_left_and_nothing_of_another_repo(tmp_path: Path) -> None:
    ours, theirs = Store(tmp_path, tmp_path / "one/build"), Store(tmp_path, tmp_path / "two/build")
    left: list[Path] = []
    for store, data in ((ours, b"1"), (theirs, b"2")):
        store.put("x", data)
        (folder,) = set((tmp_path / "prodabuild-tmp").iterdir()) - {file.parent for file in left}
        left.append(folder / "half.123")
        left[-1].write_bytes(b"ha")
    ours.sweep()
    assert [file.exists() for file in left] == [False, True]


def test_a_folder_is_stored_as_dvc_stores_it_after_its_files(tmp_path: Path) -> None:
    store = Store(tmp_path, tmp_path / "build")
    files = {path: store.put(f"x/{path}", path.encode()) for path in ("b/ü.txt", "a.txt", "b.txt")}
    names = {path: hashlib.md5(path.encode()).hexdigest() for path in files}
    data = (
        f'[{{"md5": "{names["a.txt"]}", "relpath": "a.txt"}}, {{"md5": "{names["b.txt"]}", "relpath": "b.txt"}}, '
        f'{{"md5": "{names["b/ü.txt"]}", "relpath": "b/\\u00fc.txt"}}]'
    ).encode()
    store.discard(files["a.txt"])
    with pytest.raises(LostOutputError, match=r"the stored object of x/a\.txt is damaged or gone"):
        store.put_folder(files)
    assert not any(tmp_path.rglob("*.dir"))
    (tmp_path / "build/x").mkdir(parents=True)
    (tmp_path / "build/x/a.txt").write_bytes(b"a.txt")
    name = store.put_folder(files)
    assert name == hashlib.md5(data).hexdigest() + ".dir"
    assert store.object_path(name).read_bytes() == data
    assert store.object_path(name).stat().st_mode & 0o777 == 0o444
    assert store.has(files["a.txt"])


def test_in_a_shared_cache_folders_are_open_to_the_group(tmp_path: Path) -> None:
    for folder, shared in ((tmp_path / "shared", True), (tmp_path / "own", False)):
        folder.mkdir()
        folder.chmod(0o2775 if shared else 0o755)
        stored = Store(folder, tmp_path / "build").put("x", b"1")
        inner = Store(folder, tmp_path / "build").object_path(stored.md5).parent
        assert (inner.stat().st_mode & 0o2020 == 0o2020) == shared


def test_place_replaces_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "build" / "a.txt"
    place(tmp_path, "build/a.txt", b"one", tmp_path / "scratch")
    inode = target.stat().st_ino
    place(tmp_path, "build/a.txt", b"two", tmp_path / "scratch")
    assert target.read_bytes() == b"two"
    assert target.stat().st_ino != inode
    assert not list((tmp_path / "scratch").iterdir())


def test_scratch_is_swept_of_what_the_dead_have_left(tmp_path: Path) -> None:
    space = Workspace(tmp_path, Store(tmp_path / "cache", tmp_path / "build"), tmp_path / "tmp")
    child = subprocess.Popen(["true"])
    child.wait()
    (tmp_path / "tmp/work/model").mkdir(parents=True)
    for name in (f"a.{child.pid}", f"b.{os.getpid()}", f"c.{os.getppid()}", "d.9", "e", "f.-1", f"g.{10**30}"):
        (tmp_path / "tmp" / name).write_bytes(b"half")
    alive = {f"c.{os.getppid()}", *(["d.9"] if Path("/proc/9").exists() else [])}
    sweep(space)
    assert {file.name for file in (tmp_path / "tmp").iterdir()} == {"work", *alive}


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "flipped": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


def damage(path: Path, how: str) -> None:
    path.chmod(0o644)
    DAMAGES[how](path)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_object_is_taken_back_from_its_copy_or_said_to_be_lost(tmp_path: Path, how: str) -> None:
    store = Store(tmp_path, tmp_path / "build")
    stored = store.put("x", b"whole")
    damage(store.object_path(stored.md5), how)
    with pytest.raises(LostOutputError, match="the stored object of x is damaged or gone, and so is its copy"):
        store.open(stored)
    assert not store.has(stored)
    store.put("x", b"whole")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "x").write_bytes(b"whole")
    damage(store.object_path(stored.md5), how)
    assert store.open(stored).read_bytes() == b"whole"
    damage(store.object_path(stored.md5), how)
    assert store.get(stored) == b"whole"
    assert store.whole(stored)
    assert store.take_recovered() == ("x", "x")
    assert store.take_recovered() == ()


@pytest.mark.parametrize("how", DAMAGES)
def test_storing_the_same_bytes_again_mends_a_damaged_object(tmp_path: Path, how: str) -> None:
    store = Store(tmp_path, tmp_path / "build")
    stored = store.put("x", b"whole")
    damage(store.object_path(stored.md5), how)
    assert store.put("x", b"whole") == stored
    assert store.whole(stored)


def test_what_cannot_be_written_leaves_no_file_and_names_the_target(tmp_path: Path) -> None:
    store = Store(tmp_path, tmp_path / "build")
    with file_size_limit(1000):
        with pytest.raises(OSError, match="File too large") as caught:
            store.put("x", b"long" * 1000)
        with pytest.raises(OSError, match=re.escape(str(tmp_path / "build/x"))):
            place(tmp_path, "build/x", b"long" * 1000, tmp_path / "scratch")
    assert caught.value.filename == str(store.object_path(hashlib.md5(b"long" * 1000).hexdigest()))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@contextmanager
def file_size_limit(number: int) -> Iterator[None]:
    """Let this process write only small files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
