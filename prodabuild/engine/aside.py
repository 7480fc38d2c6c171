"""Work in a forked process while this one does something else: for what is read only, and pays for the fork."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
ORPHAN_SECONDS = 0.05


@contextmanager
def aside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Begin work in a process of its own; the function that is given waits for its result.

    Where no process can be had, or it fails or is killed, that function does the work itself: errors are raised there.
    """
    try:
        receiving, sending = os.pipe()
    except OSError:
        yield work
        return
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError:
        os.close(receiving)
        os.close(sending)
        yield work
        return
    if child == 0:
        _tell(work, sending, parent)
    os.close(sending)
    try:
        with open(receiving, "rb") as pipe:
            yield lambda: _result(pipe.read(), work)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _result(data: bytes, work: Callable[[], T]) -> T:
    try:
        found: T = pickle.loads(data)
    except (EOFError, pickle.UnpicklingError):  # it came to no end
        return work()
    return found


def _tell(work: Callable[[], T], sending: int, parent: int) -> None:
    """Do the work in the child and send the result; nothing of the parent's runs here, whatever happens."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when this ends
        gc.disable()
        threading.Thread(target=end_with, args=(parent,), daemon=True).start()
        data = pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
        with open(sending, "wb") as pipe:
            pipe.write(data)
    finally:
        os._exit(0)


def end_with(parent: int) -> None:
    """End this process when its parent is gone: it holds the writers' lock, so no run begins before."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os._exit(1)
