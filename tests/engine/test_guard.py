from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event as Flag
from pathlib import Path

import pytest

from prodabuild.engine.guard import writing
from prodabuild.errors import OutsideError
from prodabuild.events import Event, Note


def hold(path: Path, ready: Flag) -> None:
    with writing(path, "prodabuild compile", lambda event: None):
        ready.set()
        time.sleep(60)


def start(path: Path) -> multiprocessing.Process:
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=hold, args=(path, ready))
    process.start()
    assert ready.wait(20)
    return process


def test_a_second_writer_waits_and_names_the_first(tmp_path: Path) -> None:
    process = start(tmp_path / "lock")
    told: list[Event] = []
    with pytest.raises(OutsideError), writing(tmp_path / "lock", "me", told.append, wait_seconds=0.2):
        pass
    assert told == [Note(f"waiting for prodabuild compile (process {process.pid}), which is writing here")]
    process.kill()
    process.join()


def test_a_killed_holder_leaves_nothing_to_unlock(tmp_path: Path) -> None:
    process = start(tmp_path / "lock")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with writing(tmp_path / "lock", "me", lambda event: None, wait_seconds=1):
        assert (tmp_path / "lock").read_text().startswith("me (process ")
