"""Read-only and full disks, limits on files: one message that names the path, exit 5, and nothing half-written."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from prodabuild.engine import database
from prodabuild.engine.database import DamagedStateError
from prodabuild.engine.state import State
from prodabuild.errors import OutsideError
from tests.conftest import CHECKED, Repo
from tests.engine.test_store import file_size_limit
from tests.project.disks import read_only, refused, script

KINDS = "knowledge/zoo/kinds.yaml"
STATE = ".prodabuild/state.db"
in_namespace = pytest.mark.skipif(refused() is not None, reason=str(refused()))


def left_over(repo: Repo) -> list[str]:
    """Return what is written under another name until it is whole."""
    folders = (".prodabuild/tmp", ".prodabuild/cache/prodabuild-tmp")
    inside = [file.name for folder in folders for file in (repo.path / folder).glob("*") if file.is_file()]
    known = {"proda.yaml", "proda.lock", "knowledge", "build", ".prodabuild"}
    return inside + [name.name for name in repo.path.iterdir() if name.name not in known]


# -- read-only -----------------------------------------------------------------------------------------------------


KILLED = f"""
from pathlib import Path
from prodabuild.engine.state import State
state = State(Path({STATE!r}), True)
with state.transaction():
    state.set_note("x", "y")
print(".", flush=True)
input()
"""


def kill_a_writer(repo: Repo) -> None:
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, cwd=repo.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.kill()
    assert (repo.path / f"{STATE}-wal").stat().st_size


@in_namespace
@pytest.mark.parametrize("case", ["sealed", "left by a reader", "left by a killed run"])
def test_readers_work_on_a_read_only_checkout(repo: Repo, case: str) -> None:
    repo.built()
    if case == "left by a reader":
        repo.run("plan")
    elif case == "left by a killed run":
        kill_a_writer(repo)
    check = read_only(repo.path, "check")
    assert (check.code, check.out, check.err) == (
        0, CHECKED, "",
    )  # fmt: skip
    plan = read_only(repo.path, "plan", "--to", "data", "--check")
    assert (plan.code, plan.out, plan.err) == (0, "nothing to do: 29 units are clean\n", "")
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    edited = read_only(repo.path, "plan", "--to", "data", "--check")
    assert (edited.code, edited.out.splitlines()[-1], edited.err) == (4, "1 build, 2 maybe, 26 clean", "")


@in_namespace
def test_readers_work_on_a_read_only_checkout_that_was_never_built(repo: Repo) -> None:
    assert read_only(repo.path, "check").code == 0
    plan = read_only(repo.path, "plan", "--to", "data", "--check")
    assert (plan.code, plan.out.splitlines()[-1], plan.err) == (4, "29 build", "")


@in_namespace
def test_what_only_a_writer_can_mend_counts_as_nothing(repo: Repo) -> None:
    repo.built()
    kill_a_writer(repo)
    (repo.path / f"{STATE}-shm").unlink()
    plan = read_only(repo.path, "plan", "--to", "data")
    assert (plan.code, plan.out.splitlines()[-1]) == (0, "29 build")
    assert plan.err == (
        "warning: a run that was killed left .prodabuild/state.db for the next one to mend: taken as if nothing were built\n"
    )
    assert repo.data()["built"] == []


@in_namespace
@pytest.mark.parametrize(("command", "built"), [("compile", False), ("compile", True), ("verify", True)])
def test_writers_say_what_cannot_be_written(repo: Repo, command: str, built: bool) -> None:
    if built:
        repo.data()
    before = repo.files(".")
    outcome = read_only(repo.path, command)
    named = ".prodabuild/lock" if built else ".prodabuild"
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.err == (
        f"error: cannot write {repo.path}/{named}: Read-only file system\n"
        "hint: make it writable, or work on a copy of the repository; `check` and `plan` work as it is\n"
    )
    assert repo.files(".") == before


@in_namespace
def test_a_reader_on_a_read_only_mount_sees_what_an_active_writer_has_committed(repo: Repo) -> None:
    repo.built()
    writer = State(repo.path / STATE, writable=True)
    with writer.transaction():
        writer.remove_units(["dataset"])
    with writer.transaction():
        writer.remove_units([unit.name for unit in writer.units()])
        plan = read_only(repo.path, "plan", "--to", "data")
        assert (plan.code, plan.out.splitlines()[-1], plan.err) == (0, "1 restore, 28 clean", "")
    writer.close()


def test_a_file_that_cannot_be_opened_beside_a_journal_is_copied_only_when_nobody_writes_it(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.built()
    path = repo.path / STATE
    copy = database._frozen(path)
    assert copy.execute("SELECT count(*) FROM units").fetchone()[0] == 33
    copy.close()
    path.with_name("state.db-wal").write_bytes(b"x")
    with pytest.raises(DamagedStateError, match="for the next one to mend"):
        database._frozen(path)
    path.with_name("state.db-wal").unlink()

    class Busy:
        """A file that a writer from elsewhere changes whenever it was read."""

        @staticmethod
        def connect(*arguments: object, **options: object) -> sqlite3.Connection:
            path.touch()
            return sqlite3.connect(*arguments, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(database, "TRIES", 2)
    monkeypatch.setattr(database, "sqlite3", Busy)
    with pytest.raises(OutsideError, match="is being written all the time"):
        database._frozen(path)


# -- full ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clean(repo: Repo) -> tuple[dict[str, bytes], bytes]:
    """The files and the lock of a build that nothing disturbed; the repo is as it was before."""
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 4")  # enough shards for a pool
    repo.built()
    files, lock = repo.files(), repo.read("proda.lock")
    for name in ("build", ".prodabuild"):
        shutil.rmtree(repo.path / name)
    (repo.path / "proda.lock").unlink()
    return files, lock


LIMITS = [1_000, 100_000, 240_000, 500_000]


@pytest.mark.parametrize(
    ("limit", "jobs"),
    [(240_000, "2"), *(pytest.param(n, jobs, marks=pytest.mark.crash) for n in LIMITS for jobs in "12")],
)
def test_files_that_may_not_grow_end_the_run_and_the_next_one_goes_on(
    repo: Repo, clean: tuple[dict[str, bytes], bytes], limit: int, jobs: str
) -> None:
    with file_size_limit(limit):
        outcome = repo.run("compile", "--to", "data", "--jobs", jobs)
    assert outcome.code == 5
    error, hint = outcome.err.splitlines()[-2:]
    assert error.startswith("error: ")
    assert str(repo.path) in error
    assert hint.endswith("and run the command again: finished work is kept")
    assert "Traceback" not in outcome.err
    assert left_over(repo) == []
    assert repo.run("verify").code == 0
    repo.data("--jobs", jobs)
    assert (repo.files(), repo.read("proda.lock")) == clean
    assert repo.run("verify").code == 0


FULL = """mkdir disk && mount -t tmpfs -o size={size}k tmpfs disk && cp -r repo/. disk && cd disk || exit 1
prodabuild compile --to data --jobs 2 > ../first 2>&1; echo $?
prodabuild check > /dev/null 2>&1; echo $?
prodabuild plan > /dev/null 2>&1; echo $?
mount -o remount,size=50m . && cd ../disk
find . -name '*.[0-9]*' | grep -v files/md5
prodabuild verify > ../verified 2>&1; echo $?
prodabuild compile --to data --jobs 2 -q > /dev/null; echo $?
prodabuild verify > /dev/null; echo $?
cp -r build proda.lock ..
"""


@in_namespace
@pytest.mark.crash
@pytest.mark.parametrize("size", [200, 500, 700, 900])
def test_a_full_disk_ends_the_run_and_the_next_one_goes_on(
    repo: Repo, clean: tuple[dict[str, bytes], bytes], tmp_path: Path, size: int
) -> None:
    outcome = script(tmp_path, FULL.format(size=size))
    assert outcome.out.split() == ["5", "0", "0", "0", "0", "0"], outcome.err + (tmp_path / "first").read_text()
    said = (tmp_path / "first").read_text()
    assert "Traceback" not in said
    error, hint = said.splitlines()[-2:]
    assert error.startswith(f"error: cannot write {tmp_path}/disk/")
    assert hint == "hint: make room and run the command again: finished work is kept"
    built = Repo(tmp_path, repo.capsys)
    assert (built.files(), built.read("proda.lock")) == clean


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_where_the_store_wants_a_folder_ends_the_run(
    repo: Repo, clean: tuple[dict[str, bytes], bytes], jobs: str
) -> None:
    way = repo.write(".prodabuild/cache/files", b"in the way")
    outcome = repo.run("compile", "--to", "data", "--jobs", jobs, "--json")
    assert outcome.code == 5
    assert str(way) in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.json["error"]["exit"] == 5
    way.unlink()
    repo.data("--jobs", jobs)
    assert (repo.files(), repo.read("proda.lock")) == clean


# -- where results go ----------------------------------------------------------------------------------------------


def test_a_full_disk_behind_stdout_is_told(repo: Repo) -> None:
    repo.built()
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "prodabuild", "check"]
        done = subprocess.run(command, cwd=repo.path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        5,
        "error: No space left on device\nhint: make room and run the command again: finished work is kept\n",
    )


@pytest.mark.parametrize("arguments", ["check", "plan -v"])
def test_a_reader_of_stdout_that_goes_away_is_no_news(repo: Repo, arguments: str) -> None:
    repo.built()
    command = f"{sys.executable} -m prodabuild {arguments} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=repo.path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("5\n", "")


def test_a_signal_after_the_work_is_done_changes_nothing() -> None:
    code = (
        "import os, signal, sys, prodabuild.cli.main as main\n"
        "main.run = lambda arguments: 0\n"
        "import atexit; atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        "main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
