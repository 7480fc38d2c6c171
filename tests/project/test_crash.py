"""Killed, interrupted and side by side: the next run goes on, with no step by hand, to the bytes of an undisturbed build."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import kill
import orjson
import pytest

from prodabuild.cli.main import run
from prodabuild.engine import executors
from tests.conftest import ROOT, Repo

pytestmark = pytest.mark.crash
CONCEPTS = 1500  # some 270 shards of 8 records
MANIFEST = kill.MANIFEST.replace("shard_size: 32", "shard_size: 8")


class Large(NamedTuple):
    """A data repo, and what an undisturbed build of it makes, in how many seconds, of how many units."""

    path: Path
    expected: dict[str, str]
    seconds: float
    units: int

    def check(self) -> None:
        """Assert that what is there is what an undisturbed build makes, and that nothing half-written is."""
        assert kill.digests(self.path) == self.expected
        assert left_over(self.path) == []


def finish(path: Path) -> None:
    """Compile to the end."""
    with kill.compiling(path, 2) as process:
        said = process.communicate()[1]
    assert (process.returncode, said) == (0, b"")


def left_over(path: Path) -> list[str]:
    known = {"proda.yaml", "proda.lock", "knowledge", "build", ".prodabuild", "begun"}
    folders = (path / ".prodabuild/tmp", path / ".prodabuild/cache/prodabuild-tmp")
    inside = [file.name for folder in folders for file in folder.glob("*") if file.is_file()]
    private = {"cache", "tmp", "lock", "clone.json", "state.db", "state.seal", "state.journal"}
    beside = [file.name for file in (path / ".prodabuild").iterdir() if file.name not in private]
    return inside + beside + [name for name in os.listdir(path) if name not in known]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Large:
    path = tmp_path_factory.mktemp("large")
    kill.fill(path, CONCEPTS)
    (path / "proda.yaml").write_text(MANIFEST)
    started = time.perf_counter()
    finish(path)
    return Large(path, kill.digests(path), time.perf_counter() - started, len(kill.begun(path)))


@pytest.fixture
def large(once: Large) -> Large:
    kill.forget(once.path)
    return once


def only_parent(process: subprocess.Popen[bytes]) -> None:
    process.kill()


def one_worker(process: subprocess.Popen[bytes]) -> None:
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    if workers:
        with suppress(ProcessLookupError):
            os.kill(int(workers[0]), signal.SIGKILL)
    else:
        process.kill()


def whole_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def end_after(process: subprocess.Popen[bytes], seconds: float, how: Callable[[subprocess.Popen[bytes]], None]) -> bool:
    """End a process in some way; tell whether that came before its own end."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        how(process)
        return process.wait(30) != 0
    return False


@pytest.mark.parametrize(("victim", "kills"), [(whole_group, 12), (only_parent, 6), (one_worker, 6)])
def test_killed_at_random_instants_the_next_run_goes_on(
    large: Large, victim: Callable[[subprocess.Popen[bytes]], None], kills: int
) -> None:
    draw = random.Random(11)
    killed = repeated = builds = 0
    while killed < kills or (large.path / "begun").exists():
        with kill.compiling(large.path, 2) as process:
            seconds = draw.uniform(0.1, 1) * large.seconds if killed < kills else 60
            killed += end_after(process, seconds, victim)
            if process.returncode:  # it is 0 when a worker was killed that had nothing left to do
                assert process.returncode in (-signal.SIGKILL, 5)
                continue
            assert process.stderr is not None
            assert process.stderr.read() == b""
        large.check()
        builds += 1
        repeated += len(kill.begun(large.path)) - large.units
        kill.forget(large.path)
    # less than a second of work is repeated for each kill, and never more than had been given out
    assert repeated <= killed * large.units / large.seconds
    assert repeated <= killed * 2 * executors.AHEAD * executors.MOST_AT_ONCE


def test_a_worker_that_is_killed_ends_the_run_in_words(large: Large) -> None:
    with kill.compiling(large.path, 2) as process:
        while not kill.begun(large.path):
            time.sleep(0.01)
        one_worker(process)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert process.returncode == 5
    assert said == (
        "error: a process that built units was killed\n"
        "hint: run the command again; if memory is short, with fewer --jobs\n"
    )
    finish(large.path)
    large.check()


def test_interrupted_at_random_instants_finished_work_is_kept(large: Large) -> None:
    draw = random.Random(5)
    interrupted = 0
    while interrupted < 8:
        with kill.compiling(large.path, 2, kill.PROGRAM.replace("main()", "print(flush=True)\nmain()")) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0, 0.8 * large.seconds))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            said = process.stderr.read().decode()
        if process.returncode == 0:
            kill.forget(large.path)
            continue
        interrupted += 1
        assert (process.returncode, said) == (130, "\ninterrupted; finished work is kept\n")
    finish(large.path)
    large.check()
    assert len(kill.begun(large.path)) - large.units <= 10 * interrupted  # what was in the hands of the workers


def test_two_writers_queue_and_the_second_finds_nothing_to_do(large: Large) -> None:
    with kill.compiling(large.path, 2) as first:
        while not kill.begun(large.path):
            time.sleep(0.01)
        command = [sys.executable, "-m", "prodabuild", "compile", "--to", "data", "--device", "cpu", "--json"]
        done = subprocess.run(command, cwd=large.path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
        assert first.wait() == 0
    assert done.stderr.decode() == f"waiting for prodabuild compile (process {first.pid}), which is writing here\n"
    document = orjson.loads(done.stdout)
    assert (document["built"], document["restored"], document["clean"]) == ([], [], large.units)
    large.check()


def test_readers_are_never_blocked_by_a_writer(large: Large) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    left = []
    with kill.compiling(large.path, 2) as writer:
        while not kill.begun(large.path):
            time.sleep(0.01)
        while writer.poll() is None:
            command = [sys.executable, "-m", "prodabuild", "plan", "--to", "data", "--device", "cpu", "--json"]
            done = subprocess.run(command, cwd=large.path, env=environment, capture_output=True, timeout=30)
            assert (done.returncode, done.stderr) == (0, b"")
            left.append(sum(step["action"] != "clean" for step in orjson.loads(done.stdout)["steps"]))
    assert left == sorted(left, reverse=True)
    assert len(left) > 1
    assert not (large.path / ".prodabuild/state.db").with_name("state.db.damaged").exists()


# -- at every kind of instant ----------------------------------------------------------------------------------------


def die_at(number: int, after: bool, renames: list[str]) -> None:
    """Let this process kill itself at a rename: just before it, or just after."""
    rename = os.replace

    def counted(source: str, target: str) -> None:
        if len(renames) == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)
        renames.append(str(target))
        if len(renames) == number + 1 and after:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = os.rename = counted  # type: ignore[assignment]


def in_child(repo: Repo, work: Callable[[], None]) -> int:
    """Compile in a process of its own, which does some work first; return how it ended."""
    child = os.fork()
    if not child:
        work()
        os.chdir(repo.path)
        os._exit(run(["compile", "--to", "data", "-q", "--jobs", "1"]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def forget(repo: Repo) -> None:
    for name in ("build", ".prodabuild"):
        shutil.rmtree(repo.path / name, ignore_errors=True)
    (repo.path / "proda.lock").unlink(missing_ok=True)


def instants(repo: Repo) -> Iterator[int]:
    """Return the first, a middle and the last rename of each kind: objects, copies in build/, the state, the lock."""
    log = repo.path.parent / "renames"

    def noted() -> None:
        rename = os.replace

        def write_down(source: str, target: str) -> None:
            rename(source, target)
            with log.open("a") as handle:
                handle.write(f"{target}\n")

        os.replace = os.rename = write_down  # type: ignore[assignment]

    assert in_child(repo, noted) == 0
    kinds: dict[str, list[int]] = {}
    for number, target in enumerate(log.read_text().split()):
        parts = Path(target).relative_to(repo.path).parts
        kinds.setdefault("/".join(parts[:2]), []).append(number)
    assert {"build/dataset", "proda.lock", ".prodabuild/cache", ".prodabuild/state.db"} <= set(kinds)
    for numbers in kinds.values():
        yield from sorted({numbers[0], numbers[len(numbers) // 2], numbers[-1]})


def test_killed_before_and_after_each_kind_of_rename(repo: Repo) -> None:
    numbers = list(instants(repo))
    expected, lock, objects = repo.files(), repo.read("proda.lock"), repo.files(".prodabuild/cache")
    for number in numbers:
        for after in (False, True):
            forget(repo)
            assert in_child(repo, lambda: die_at(number, after, [])) == -signal.SIGKILL  # noqa: B023
            repo.data()
            assert (repo.files(), repo.read("proda.lock"), repo.files(".prodabuild/cache")) == (expected, lock, objects)
            assert left_over(repo.path) == []


def test_killed_while_placing_and_edited_then_nothing_of_the_old_layout_stays(repo: Repo) -> None:
    numbers = list(instants(repo))
    expected = None
    for number in [*numbers, -1]:
        forget(repo)
        repo.edit("proda.yaml", "shard_size: 5", "shard_size: 16") if expected else None
        if number >= 0:
            assert in_child(repo, lambda: die_at(number, True, [])) == -signal.SIGKILL  # noqa: B023
        repo.edit("proda.yaml", "shard_size: 16", "shard_size: 5")
        repo.data()
        expected = expected or repo.files()
        assert repo.files() == expected


def test_killed_while_the_lock_is_written_it_is_the_old_or_the_new_one(repo: Repo) -> None:
    repo.data()
    old = repo.read("proda.lock")
    repo.edit("knowledge/zoo/kinds.yaml", "a lizard with the habits of a gecko", "a lizard that sticks")
    targets: list[bytes] = []
    for after in (False, True):

        def work(after: bool = after) -> None:
            rename = os.replace

            def counted(source: str, target: str) -> None:
                if not after and Path(target).name == "proda.lock":
                    os.kill(os.getpid(), signal.SIGKILL)
                rename(source, target)
                if Path(target).name == "proda.lock":
                    os.kill(os.getpid(), signal.SIGKILL)

            os.replace = counted  # type: ignore[assignment]

        assert in_child(repo, work) == -signal.SIGKILL
        targets.append(repo.read("proda.lock"))
    assert targets[0] == old
    assert repo.data()["built"] == []
    assert repo.read("proda.lock") == targets[1] != old
