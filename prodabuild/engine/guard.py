"""One writer at a time per data repo: an OS lock that dies with its process and names its holder."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prodabuild.errors import OutsideError
from prodabuild.events import Note
from prodabuild.paths import inside, require_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.events import Emit

GRACE_SECONDS = 0.15  # the workers of a run that was killed hold its lock a moment longer


@contextmanager
def writing(path: Path, who: str, emit: Emit, wait_seconds: float = 3600.0) -> Iterator[None]:
    """Hold the lock file while inside; a second writer waits, after one line that says for whom.

    Raises `UnsafePathError` where a link stands in its place, `NotRegularError` for anything else that is no file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    inside(path.parent, path.name)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)  # a named pipe blocks nobody
    try:
        require_regular(path, os.fstat(handle))
        _acquire(handle, path, emit, wait_seconds)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{who} (process {os.getpid()})\n".encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, emit: Emit, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    told_from = time.monotonic() + GRACE_SECONDS
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another prodabuild"
        if not told and time.monotonic() > told_from:
            emit(Note(f"waiting for {holder}, which is writing here"))
            told = True
        if time.monotonic() > deadline:
            raise OutsideError(f"{holder} holds {path} for over {wait_seconds:.0f} s", "wait for it, or end it")
        time.sleep(0.05)
