"""Pools of processes: the same receipts as in one process, and what happens when a process dies or cannot start."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from prodabuild.engine.executors import Place, Receipt, build_in_pool
from prodabuild.engine.guard import writing
from prodabuild.engine.state import State
from prodabuild.engine.units import Output, Stage
from prodabuild.engine.view import View
from prodabuild.errors import OutsideError
from prodabuild.events import Event
from tests.conftest import ROOT

UNITS = [f"unit:{number:03}" for number in range(40)]


class AwkwardError(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def build(unit: str, view: View) -> Output:
    """A file that holds its name; some units do harm first."""
    number = int(unit.partition(":")[2])
    if number == 17 and (harm := os.environ.get("HARM")):
        if harm == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif harm == "awkward":
            raise AwkwardError("one", "two")
        elif harm == "files":
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    time.sleep(float(os.environ.get("SLOW", "0")))
    return {f"{number:03}.txt": unit.encode()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    State(tmp_path / "state.db", writable=True).close()
    return Place(tmp_path / "state.db", tmp_path / "cache", tmp_path / "build", tmp_path / "tmp", {}, frozenset())


def pool(place: Place, jobs: int = 2) -> Iterator[Receipt]:
    return build_in_pool(Stage("units", build, fixed=tuple(UNITS), parallel=True), UNITS, place, jobs, keep_going=True)


def test_every_unit_has_one_receipt(place: Place) -> None:
    assert sorted(receipt.unit for receipt in pool(place)) == UNITS


def test_a_worker_that_is_killed_ends_the_build_and_keeps_what_is_done(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARM", "die")
    monkeypatch.setenv("SLOW", "0.01")
    receipts: list[Receipt] = []
    with pytest.raises(OutsideError, match="a process that built units was killed") as caught:
        receipts.extend(pool(place))
    assert len(receipts) >= 4  # of 10 built before it, those whose batches had ended
    assert caught.value.hint == "run the command again; if memory is short, with fewer --jobs"
    assert multiprocessing.active_children() == []


def test_an_exception_that_cannot_be_sent_is_told_in_words(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARM", "awkward")
    failures = {receipt.unit: receipt.failure for receipt in pool(place) if receipt.failure is not None}
    assert repr(failures["unit:017"]) == "RuntimeError('AwkwardError: one and two')"
    assert len(failures) == 1


def test_a_worker_without_files_to_open_ends_the_build(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARM", "files")
    with pytest.raises(OSError, match="Too many open files"):
        list(pool(place))
    assert multiprocessing.active_children() == []


@contextmanager
def files_left(number: int) -> Iterator[None]:
    """Let this process open few more files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("number", [0, 2, 4, 6, 8, 10, 12, 14])
def test_a_pool_that_cannot_start_leaves_no_process(place: Place, number: int) -> None:
    with files_left(number), suppress(OSError):
        assert len(list(pool(place, 4))) == len(UNITS)
    assert multiprocessing.active_children() == []


SCRIPT = """
import sys
from pathlib import Path
from prodabuild.engine.guard import writing
from prodabuild.events import silent
from tests.engine.test_executors import Place, pool

folder = Path(sys.argv[1])
with writing(folder / "lock", "the parent", silent):
    for receipt in pool(Place(folder / "state.db", folder / "cache", folder / "build", folder / "tmp", {}, frozenset())):
        print(receipt.unit, flush=True)
"""


def children(parent: int) -> list[int]:
    return [int(name) for name in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def started(folder: Path, slow: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "SLOW": slow}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline().startswith("unit:")
        yield process


def test_workers_end_with_their_parent_and_hold_its_lock_until_then(place: Place, tmp_path: Path) -> None:
    with started(tmp_path, "0.05") as process:
        workers = children(process.pid)
        assert len(workers) == 2
        process.kill()
        process.wait()
        told: list[Event] = []
        with writing(tmp_path / "lock", "the next", told.append, 5):
            assert [worker for worker in workers if alive(worker)] == []
        assert told == []


def test_ctrl_c_reaches_the_parent_only_and_work_in_hand_is_returned(place: Place, tmp_path: Path) -> None:
    with started(tmp_path, "0.1") as process:
        for worker in children(process.pid):
            os.kill(worker, signal.SIGINT)
        time.sleep(0.2)
        assert all(alive(worker) for worker in children(process.pid))
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        rest = process.stdout.read().split()
        assert 1 <= len(rest) < len(UNITS)
        process.wait(5)
