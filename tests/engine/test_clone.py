"""`prodabuild.engine.clone`: a state is believed where it is of this clone, set aside where not, refused where git has it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import orjson
import pytest

from prodabuild.engine import clone
from prodabuild.engine.clone import ForeignStateError, claim, examine
from prodabuild.errors import ProjectError
from prodabuild.events import Event, Note, silent
from prodabuild.paths import NotRegularError, UnsafePathError

STATE = ".prodabuild/state.db"


def git(folder: Path, *words: str) -> str:
    who = [f"-c{key}" for key in ("user.name=a", "user.email=a@b.example", "init.defaultBranch=main")]
    who = [word for each in who for word in ("-c", each.removeprefix("-c"))]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data repo at the top of a git repository, with a state that this clone has claimed."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return claimed(folder)


def claimed(folder: Path) -> Path:
    claim(folder, silent)
    (folder / STATE).write_bytes(b"state")
    return folder


def told(folder: Path) -> list[str]:
    events: list[Event] = []
    claim(folder, events.append)
    return [event.message for event in events if isinstance(event, Note)]


def test_a_state_of_ones_own_is_believed_and_keeps_its_token(root: Path) -> None:
    token = claim(root, silent)
    assert examine(root)
    assert (claim(root, silent), told(root)) == (token, [])
    assert (root / STATE).read_bytes() == b"state"
    (record,) = (root / ".git/prodabuild").iterdir()
    assert orjson.loads(record.read_bytes())["token"] == token.hex()


def test_nothing_to_believe_is_no_reason_to_doubt(tmp_path: Path) -> None:
    assert examine(tmp_path)
    assert not (tmp_path / ".prodabuild").exists()
    (tmp_path / ".prodabuild/cache/files").mkdir(parents=True)  # objects are hashed
    (tmp_path / ".prodabuild/tmp").mkdir()
    (tmp_path / ".prodabuild/lock").touch()
    assert examine(tmp_path)
    (tmp_path / ".prodabuild/tmp/work").mkdir()  # checkpoints are not
    assert not examine(tmp_path)


def test_a_copy_with_git_and_a_move_are_this_clone(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "copy", symlinks=True)
    root.rename(tmp_path / "moved")
    for folder in (tmp_path / "copy", tmp_path / "moved"):
        assert examine(folder)
        assert told(folder) == []


def test_a_state_that_came_without_its_token_is_set_aside_and_said_once(root: Path, tmp_path: Path) -> None:
    brought = (b"", b'{"token": "' + b"0" * 64 + b'"}', b"[" * 100_000, b'{"token": 7, "inode": {}}', b'{"inode": 1}')
    for number, data in enumerate(brought, 1):
        (root / clone.PROOF).write_bytes(data)
        assert not examine(root)
        aside = f".prodabuild/set-aside-{number}"
        assert told(root) == [f".prodabuild/ is not of this clone: set aside as {aside}, and begun anew"]
        assert (root / aside / "state.db").read_bytes() == b"state"
        assert not (root / STATE).exists()
        assert told(root) == []
        (root / STATE).write_bytes(b"state")


def test_without_git_a_state_is_of_the_folder_that_it_was_made_in(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    token = claim(root, silent)
    claimed(root)
    root.rename(tmp_path / "renamed")
    assert (examine(tmp_path / "renamed"), claim(tmp_path / "renamed", silent)) == (True, token)
    shutil.copytree(tmp_path / "renamed", tmp_path / "copy")
    assert not examine(tmp_path / "copy")
    git(tmp_path / "renamed", "init", "--quiet")  # later on it is put under git
    assert (examine(tmp_path / "renamed"), told(tmp_path / "renamed")) == (True, [])
    assert claim(tmp_path / "renamed", silent) == token


def test_worktrees_submodules_and_folders_of_one_repository_have_tokens_of_their_own(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "file").touch()
    git(root, "add", "file")
    git(root, "commit", "--quiet", "--message", "x")
    git(root, "worktree", "add", "--quiet", "--detach", str(root.parent / "tree"))
    inner = root.parent / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    (inner / "file").touch()
    git(inner, "add", "file")
    git(inner, "commit", "--quiet", "--message", "x")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "module")
    folders = [root, root / "sub", root.parent / "tree", root / "module"]
    tokens = {claim(claimed(folder), silent) for folder in folders}
    assert len(tokens) == len(folders)
    assert all(examine(folder) for folder in folders)
    shutil.rmtree(root / "sub/.prodabuild")
    shutil.copytree(root / ".prodabuild", root / "sub/.prodabuild")
    assert not examine(root / "sub")


@pytest.mark.parametrize("name", ["state.db", "redo.json", "tmp/x", "clone.json"])
def test_a_state_that_git_tracks_is_refused_and_proves_nothing_afterwards(root: Path, name: str) -> None:
    file = root / ".prodabuild" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"brought") if name != "clone.json" else None
    git(root, "add", "--force", str(file))
    for _ in range(2):
        with pytest.raises(ForeignStateError) as raised:
            examine(root)
        what = f"git tracks .prodabuild/{name}"
        assert raised.value.message == f"{what}: the state of one machine is never read from a repository"
        hint = "`git rm -r --cached .prodabuild`, add `/.prodabuild/` to .gitignore, and commit that"
        assert raised.value.hint == hint
    git(root, "rm", "-r", "--quiet", "--cached", ".prodabuild")
    assert not examine(root)
    claim(root, silent)
    assert not (root / STATE).exists()


def test_other_spellings_that_git_tracks_are_refused_too(root: Path) -> None:
    (root / ".ProdaBuild").mkdir()
    (root / ".ProdaBuild/redo.json").touch()
    git(root, "add", "--force", ".ProdaBuild")
    with pytest.raises(ForeignStateError, match=r"git tracks \.ProdaBuild/redo\.json"):
        examine(root)


def test_a_tracked_link_or_module_in_its_place_is_refused(tmp_path: Path) -> None:
    for kind in ("link", "file"):
        root = tmp_path / kind
        root.mkdir()
        git(root, "init", "--quiet")
        place = root / ".prodabuild"
        os.symlink(tmp_path, place) if kind == "link" else place.touch()
        with pytest.raises(UnsafePathError if kind == "link" else ProjectError):
            examine(root)
        git(root, "add", "--force", ".prodabuild")
        with pytest.raises(ForeignStateError, match=r"git tracks \.prodabuild: "):
            examine(root)


def test_git_is_asked_again_only_when_its_index_has_moved(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    tracked = clone._tracked

    def counted(folder: Path) -> list[str] | None:
        asked.append(folder)
        return tracked(folder)

    monkeypatch.setattr(clone, "_tracked", counted)
    (root / "a").touch()
    git(root, "add", "a")
    examine(root)
    examine(root)
    assert len(asked) == 1
    (root / "b").touch()
    git(root, "add", "b")
    examine(root)
    assert len(asked) == 2


def test_a_read_only_clone_is_examined(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a").touch()
    git(root, "add", "a")

    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(clone, "place", refused)
    assert examine(root)


def test_a_folder_of_another_user_is_refused_unless_it_is_shared(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = (root / ".prodabuild").stat().st_uid
    found = os.lstat(root / ".prodabuild")
    stranger = os.stat_result([*found[:4], owner + 4321, *found[5:]])
    monkeypatch.setattr(os, "lstat", lambda path: stranger if str(path).endswith(".prodabuild") else found)
    monkeypatch.setattr(clone, "inside", lambda *_: None)
    with pytest.raises(ForeignStateError) as raised:
        examine(root)
    assert raised.value.message == f".prodabuild belongs to another user (uid {owner + 4321})"
    root.chmod(0o2775)
    assert examine(root)


@pytest.mark.parametrize("name", [".prodabuild", "build", "patches", ".prodabuild/tmp", ".prodabuild/lock"])
def test_a_link_in_the_place_of_what_the_tool_writes_is_an_error_that_names_it(root: Path, name: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    place = root / name
    shutil.rmtree(place, ignore_errors=True)
    place.symlink_to(outside)
    with pytest.raises(UnsafePathError, match=f"{name} is a symbolic link"):
        examine(root)
    with pytest.raises(UnsafePathError):
        claim(root, silent)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["lock", "redo.json", "state.db", "state.journal", "state.seal", "clone.json"])
@pytest.mark.parametrize("kind", ["a named pipe", "a socket"])
def test_what_is_no_file_is_named_and_never_opened(root: Path, name: str, kind: str) -> None:
    place = root / ".prodabuild" / name
    place.unlink(missing_ok=True)
    if kind == "a named pipe":
        os.mkfifo(place)
    else:
        here = Path.cwd()
        os.chdir(place.parent)  # the path of a socket is short
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(name)
        os.chdir(here)
    with pytest.raises(NotRegularError) as raised:
        examine(root)
    assert raised.value.message == f".prodabuild/{name} is {kind}, not a regular file"
