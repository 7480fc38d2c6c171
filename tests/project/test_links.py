"""Links, pipes and sockets where commands read or write: one error that names it, nothing outside touched, no hang."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prodabuild.engine.store import fresh_folder, place, remove_file, remove_tree
from prodabuild.paths import UnsafePathError
from tests.conftest import Repo, Versioned
from tests.project.test_patches import CLIMBS, patch

SECRET = "a secret of the machine\n"
COMMANDS = (
    "check", "plan --to data", "compile --to data", "export messages", "patch list", "patch new Geckos", "patch drop 1",
    "patch show 1", "patch apply 1", "why zoo/gecko", "verify", "gc --force", "test", "debug --draft", "diff HEAD",
    "push", "pull", "rebuild HEAD", "doctor",
)  # fmt: skip


@pytest.fixture
def outside(repo: Repo) -> Path:
    """A folder beside the repo, with names that the tool uses."""
    folder = repo.path.parent / "outside"
    for name in (
        "tmp/left.1",
        "files/md5/ab/cdef",
        "0001-x.yaml",
        "README.md",
        "dataset/train/zoo/00.jsonl",
        "state.db",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SECRET)
    return folder


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def linked(repo: Repo, name: str, target: Path) -> None:
    place = repo.path / name
    shutil.rmtree(place, ignore_errors=True)
    place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@contextmanager
def soon(seconds: int = 30) -> Iterator[None]:
    """Fail when something blocks."""

    def late(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["build", "patches", ".prodabuild"])
def test_a_link_in_the_place_of_a_folder_of_the_tool(
    versioned: Versioned, outside: Path, name: str, command: str
) -> None:
    repo = versioned.repo
    patch(repo, "0001-climbs", CLIMBS)
    versioned.commit()
    linked(repo, name, outside)
    before = content(outside)
    outcome = repo.run(*command.split())
    said = outcome.out + outcome.err
    assert content(outside) == before
    assert outcome.code == 1, said
    assert f"{name} is a symbolic link" in said
    assert SECRET.strip() not in said


@pytest.mark.parametrize("command", ["compile --to data", "export messages", "verify", "patch try 1", "patch new Owls"])
@pytest.mark.parametrize("name", ["tmp", "candidate", "known", "trial", "rebuild", "diagnosis", "cache"])
def test_a_link_in_the_state(repo: Repo, outside: Path, name: str, command: str) -> None:
    repo.built()
    linked(repo, f".prodabuild/{name}", outside)
    before = content(outside)
    outcome = repo.run(*command.split())
    assert (outcome.code, outcome.err) == (
        1,
        f"error: .prodabuild/{name} is a symbolic link\nhint: remove it: prodabuild follows no link there\n",
    )
    assert content(outside) == before


@pytest.mark.parametrize("name", ["build/dataset", "build/dataset/train", "build/dataset/train/zoo", "build/items"])
def test_a_link_below_build_is_never_written_through(repo: Repo, outside: Path, name: str) -> None:
    repo.built()
    linked(repo, name, outside)
    repo.edit("knowledge/zoo/kinds.yaml", "a lizard with the habits of a gecko", "a lizard that sticks")
    before = content(outside)
    outcome = repo.run("compile", "--to", "data")
    assert (outcome.code, outcome.err.count(f"{name} is a symbolic link\n")) == (1, 1), outcome.err
    assert content(outside) == before
    (repo.path / name).unlink()
    assert repo.run("compile", "--to", "data").code == 0


def test_a_linked_export_is_not_replaced(repo: Repo, outside: Path) -> None:
    for name, words in (("build/export", ()), ("build/export/messages", ()), ("out", ("--to", "out/x"))):
        linked(repo, name, outside)
        before = content(outside)
        outcome = repo.run("export", "messages", *words)
        assert (outcome.code, f"{name} is a symbolic link" in outcome.err) == (1, True), outcome.err
        assert content(outside) == before
        (repo.path / name).unlink()


@pytest.mark.parametrize(
    "name", [".dvc", ".dvc/cache", ".dvc/cache/files", ".dvc/cache/files/md5", ".dvc/cache/prodabuild-tmp"]
)
def test_a_link_on_the_way_to_the_objects(versioned: Versioned, outside: Path, name: str) -> None:
    (outside / "config").write_text("")
    linked(versioned.repo, name, outside)
    before = content(outside)
    outcome = versioned.repo.run("compile", "--to", "data")
    assert (outcome.code, f"{name} is a symbolic link" in outcome.err) == (1, True), outcome.err
    assert content(outside) == before


def test_a_shared_cache_behind_links_and_copies_that_are_links_serve(versioned: Versioned, tmp_path: Path) -> None:
    repo = versioned.repo
    (tmp_path / "disk").mkdir()
    (tmp_path / "shared").symlink_to(tmp_path / "disk")
    repo.write(".dvc/config", repo.read(".dvc/config") + f"[cache]\n    dir = {tmp_path}/shared/cache\n".encode())
    repo.data()
    expected = repo.files()
    for path in (repo.path / "build").rglob("*.jsonl"):  # as `dvc checkout` lays them with cache.type symlink
        (found,) = [
            each for each in (tmp_path / "disk").rglob("*") if each.is_file() and each.read_bytes() == path.read_bytes()
        ][:1]
        path.unlink()
        path.symlink_to(found)
    assert repo.run("plan", "--to", "data", "--json").json["stale"] is False
    repo.edit("knowledge/zoo/kinds.yaml", "a lizard with the habits of a gecko", "a lizard that sticks")
    repo.data()
    repo.edit("knowledge/zoo/kinds.yaml", "a lizard that sticks", "a lizard with the habits of a gecko")
    repo.data()
    assert repo.files() == expected


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("proda.yaml", "check"),
        ("knowledge/predicates.yaml", "check"),
        ("proda.lock", "verify"),
        ("patches/trials.jsonl", "patch accept 1"),
        ("dvc.yaml", "plan --to data"),
        ("dvc.lock", "compile --to data"),
        (".dvcignore", "compile --to data"),
    ],
)
def test_a_file_that_is_a_link_out_of_the_repository_is_not_read(
    versioned: Versioned, outside: Path, file: str, command: str
) -> None:
    patch(versioned.repo, "0001-climbs", CLIMBS)
    linked(versioned.repo, file, outside / "README.md")
    outcome = versioned.repo.run(*command.split())
    said = outcome.out + outcome.err
    assert (outcome.code, f"{file!r} leads outside the repository" in said) == (1, True), said
    assert SECRET.strip() not in said


PIPES = (
    "knowledge/zoo/more.yaml", "knowledge/zoo/chains.yaml", "knowledge/zoo/more.jsonl", "knowledge/predicates.yaml",
    "patches/0001-x.yaml", "proda.yaml", "proda.lock", "dvc.yaml", "dvc.lock", ".dvcignore", ".dvc/config",
    ".prodabuild", ".prodabuild/lock", ".prodabuild/state.db", ".prodabuild/state.seal", ".prodabuild/redo.json",
    ".prodabuild/clone.json", ".prodabuild/state.journal", "build", "patches",
)  # fmt: skip


@pytest.mark.parametrize("command", ["check", "plan --to data", "compile --to data", "patch list"])
@pytest.mark.parametrize("name", PIPES)
def test_a_named_pipe_hangs_no_command(versioned: Versioned, name: str, command: str) -> None:
    repo = versioned.repo
    repo.built()
    path = repo.path / name
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    with soon():
        outcome = repo.run(*command.split())
    said = outcome.out + outcome.err
    assert outcome.code in (0, 1), said
    assert outcome.code == 0 or name in said
    assert "bug in prodabuild" not in said
    if name.startswith(("knowledge", ".prodabuild/", "proda.yaml")):
        assert (outcome.code, f"{name} is a named pipe, not a regular file" in said) == (1, True), said


@pytest.mark.parametrize("kind", ["a socket", "a device"])
@pytest.mark.parametrize("name", ["knowledge/zoo/more.yaml", "proda.lock", ".prodabuild/state.db"])
def test_sockets_and_devices_are_named(repo: Repo, name: str, kind: str) -> None:
    repo.built()
    path = repo.path / name
    path.unlink(missing_ok=True)
    if kind == "a device":
        path.symlink_to("/dev/zero") if os.geteuid() else os.mknod(path, 0o20666, os.makedev(1, 5))
    else:
        before = Path.cwd()
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
        os.chdir(before)
    with soon():
        outcome = repo.run("verify")
    said = outcome.out + outcome.err
    assert outcome.code == 1, said
    assert f"{name} is {kind}, not a regular file" in said or "leads outside" in said or "symbolic link" in said


@pytest.mark.parametrize("name", ["a", "a/b", "a/b/c"])
def test_no_primitive_follows_a_link(tmp_path: Path, name: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (outside / "b/c").mkdir(parents=True)
    (outside / "b/c/x").write_text(SECRET)
    (root / name).parent.mkdir(parents=True)
    (root / name).symlink_to(outside)
    before = content(outside)
    for work in (
        lambda: place(root, f"{name}/x", b"new", root / "tmp"),
        lambda: place(root, name, b"new", root / "tmp"),
        lambda: place(root, "x", b"new", root / name),
        lambda: remove_file(root, f"{name}/b/c/x"),
        lambda: remove_tree(root, f"{name}/b"),
        lambda: remove_tree(root, name),
        lambda: fresh_folder(root, f"{name}/b"),
    ):
        with pytest.raises(UnsafePathError, match="is a symbolic link"):
            work()
    assert content(outside) == before
    place(root, name, b"new", root / "tmp", over_link=True)
    assert (content(outside), (root / name).read_bytes()) == (before, b"new")
    (root / name).unlink()
    (root / name).symlink_to(outside)
    remove_file(root, name)
    assert (content(outside), os.path.lexists(root / name)) == (before, False)
