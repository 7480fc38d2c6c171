"""Work aside: its result, its errors, and what becomes of it when a process dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prodabuild.engine.aside import aside


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_work_is_done_in_another_process() -> None:
    with aside(os.getpid) as found:
        assert found() != os.getpid()
    assert children() == []


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    def fail() -> None:
        raise ValueError("no such thing")

    with aside(fail) as found, pytest.raises(ValueError, match="no such thing"):
        found()
    assert children() == []


def test_what_cannot_be_sent_is_made_here() -> None:
    with aside(lambda: lambda: os.getpid()) as found:
        assert found()() == os.getpid()


def test_a_killed_process_is_replaced_by_this_one() -> None:
    def work() -> int:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    parent = os.getpid()
    with aside(work) as found:
        assert found() == parent


def test_nobody_waits_for_a_result_that_is_not_asked_for() -> None:
    started = time.monotonic()
    with aside(lambda: time.sleep(60)):
        pass
    assert time.monotonic() - started < 10
    assert children() == []


def test_without_another_process_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise OSError("no more processes")

    monkeypatch.setattr(os, "fork", refuse)
    with aside(os.getpid) as found:
        assert found() == os.getpid()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import os, time, pathlib\n"
        "from prodabuild.engine.aside import aside\n"
        "def work():\n"
        f"    pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "    time.sleep(60)\n"
        "with aside(work) as found:\n"
        "    found()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    folder = Path("/proc", (tmp_path / "pid").read_text())
    while folder.exists() and "\nState:\tZ" not in (folder / "status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
