"""`proda.lock`: the same bytes from any place, user, clock, locale, hash seed, core count and file order."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import Repo, fill

KINDS = "knowledge/zoo/kinds.yaml"


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "4242", "TZ": "UTC", "LC_ALL": "C", "HOME": "/nonexistent", "USER": "somebody"},
    ],
)
def test_the_lock_and_the_data_do_not_depend_on_the_surroundings(
    repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str], env: dict[str, str]
) -> None:
    other = Repo(tmp_path / "another place with spaces" / "répo", capsys)
    other.path.mkdir(parents=True)
    fill(other.path)
    for folder in ("zoo", "tools"):  # another order of files in their folders
        names = sorted(os.listdir(other.path / "knowledge" / folder), reverse=True)
        for name in names:
            text = (other.path / "knowledge" / folder / name).read_bytes()
            (other.path / "knowledge" / folder / name).unlink()
            (other.path / "knowledge" / folder / name).write_bytes(text)
    repo.data("--jobs", "1")
    outcome = other.spawn("compile", "--to", "data", "--jobs", "2", env=env)
    assert outcome.code == 0, outcome.err
    assert other.read("proda.lock") == repo.read("proda.lock")
    assert other.files() == repo.files()


def test_writing_the_lock_again_changes_no_byte(repo: Repo) -> None:
    repo.data()
    lock = repo.read("proda.lock")
    assert str(repo.path).encode() not in lock
    (repo.path / "proda.lock").unlink()
    repo.data()
    assert repo.read("proda.lock") == lock
    shutil.rmtree(repo.path / ".prodabuild")
    shutil.rmtree(repo.path / "build")
    repo.data()
    assert repo.read("proda.lock") == lock


def test_locked_passes_while_nothing_moves_and_exits_4_otherwise(repo: Repo) -> None:
    repo.data()
    lock = repo.read("proda.lock")
    assert repo.run("compile", "--to", "data", "--locked").code == 0
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    built = repo.files()
    outcome = repo.run("compile", "--to", "data", "--locked")
    assert outcome.code == 4
    assert outcome.err == (
        "error: proda.lock would change: knowledge:knowledge/zoo/kinds.yaml\n"
        "hint: run the command without --locked and commit the lock\n"
    )
    assert repo.read("proda.lock") == lock
    assert repo.files() == built


def test_locked_without_a_lock_exits_4(repo: Repo) -> None:
    outcome = repo.run("compile", "--to", "data", "--locked")
    assert outcome.code == 4
    assert not (repo.path / "build").exists()


def test_a_lock_with_conflict_marks_is_one_clear_error(repo: Repo) -> None:
    repo.data()
    repo.write("proda.lock", b"<<<<<<< ours\n" + repo.read("proda.lock"))
    outcome = repo.run("compile", "--to", "data")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-2:] == [
        "error: proda.lock:1:1: not a lock",
        "hint: `prodabuild lock --merge` merges it; then run `prodabuild compile`",
    ]
