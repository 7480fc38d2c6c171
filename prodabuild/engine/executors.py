"""Where units are built: in this process, or in a pool of processes. Same units, same bytes.

A batch is a stage and unit names; a receipt is digests and paths. Workers open their own read-only view of
the state and write objects to the store; only the caller writes the state.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine.aside import end_with
from prodabuild.engine.state import State
from prodabuild.engine.store import Store
from prodabuild.engine.view import Reader, View
from prodabuild.errors import OutsideError
from prodabuild.paths import read_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from prodabuild.engine.state import Trace
    from prodabuild.engine.units import Stage

BATCH_SECONDS = 0.002
MOST_AT_ONCE = 8
AHEAD = 2  # batches given out for each process: little is lost when all are killed
COLLECT_EVERY = 5_000_000  # objects: builds make many small tuples and hardly a cycle


class Receipt(NamedTuple):
    """What building a unit returned: its trace, or the failure; and the outputs whose objects were taken back."""

    unit: str
    trace: Trace | None
    failure: Exception | None = None
    recovered: tuple[str, ...] = ()


Batch = tuple[list[Receipt], float]  # what was built together, in how many seconds


@dataclass(frozen=True)
class Place:
    """What a worker needs to open the state and the store, the facts that it shares with its parent, and the units
    that nobody may read."""

    state: Path
    store: Path
    copies: Path
    scratch: Path
    known: Mapping[str, bytes]
    withheld: frozenset[str]


def build_units(
    stage: Stage, units: Iterable[str], reader: Reader, scratch: Path, keep_going: bool
) -> Iterator[Receipt]:
    """Build units one by one; an exception of a build function becomes a receipt with a failure.

    Unless it is to keep going, the first failure is the last receipt.
    """
    for unit in units:
        view = View(unit, reader, scratch)
        try:
            output = stage.build(unit, view)
        except Exception as error:  # noqa: BLE001 - the executor boundary: the caller decides what a failure means
            yield Receipt(unit, None, error, reader.store.take_recovered())
            if keep_going:
                continue
            return
        files = tuple(
            reader.store.put(path, content if isinstance(content, bytes) else read_whole(content))
            for path, content in sorted(output.items())
        )
        yield Receipt(unit, view.trace(files), None, reader.store.take_recovered())


def build_in_pool(stage: Stage, units: Sequence[str], place: Place, jobs: int, keep_going: bool) -> Iterator[Receipt]:
    """Build units in `jobs` processes; receipts come in any order. After Ctrl-C come those of the work in hand.

    Unless it is to keep going, a failure lets the batches that have begun come to their end, and begins no other.
    """
    jobs = min(jobs, len(units))
    todo, size = iter(units), 1
    context = multiprocessing.get_context("fork")
    waiting: set[Future[Batch]] = set()
    with ProcessPoolExecutor(jobs, context, _start_worker, (place, os.getpid())) as pool:
        try:
            with _starting():
                waiting.update(pool.submit(_work, stage, [unit], keep_going) for unit in islice(todo, AHEAD * jobs))
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    receipts, seconds = future.result()
                    if not keep_going and any(receipt.failure for receipt in receipts):
                        todo = iter(())
                    if batch := list(islice(todo, size)):
                        waiting.add(pool.submit(_work, stage, batch, keep_going))
                    waiting.remove(future)
                    size = _batch_size(len(receipts), seconds)
                    yield from receipts
        except BrokenProcessPool:
            yield from _finished(waiting)
            hint = "run the command again; if memory is short, with fewer --jobs"
            raise OutsideError("a process that built units was killed", hint) from None
        except (KeyboardInterrupt, OSError):
            pool.shutdown(cancel_futures=True)
            yield from _finished(waiting)
            raise
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _batch_size(built: int, seconds: float) -> int:
    """Return how many units to send at once: one, unless they take less time than the sending."""
    return max(1, min(MOST_AT_ONCE, int(BATCH_SECONDS * built / max(seconds, 1e-6))))


def _finished(futures: Iterable[Future[Batch]]) -> Iterator[Receipt]:
    for future in futures:
        if future.done() and not future.cancelled() and future.exception() is None:
            yield from future.result()[0]


@contextmanager
def _starting() -> Iterator[None]:
    """Start processes that never get Ctrl-C, since their parent stops them; all of them, or none."""
    others = multiprocessing.active_children()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    except OSError:
        for process in multiprocessing.active_children():
            if process not in others:
                process.kill()
                process.join()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Worker:
    """What one worker process keeps open between batches."""

    place: Place
    reader: Reader | None = None


def _start_worker(place: Place, parent: int) -> None:
    gc.freeze()  # what the parent holds is not searched for cycles, and so stays shared
    gc.set_threshold(COLLECT_EVERY, 50, 100)
    _Worker.place = place
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()


def _work(stage: Stage, units: Sequence[str], keep_going: bool) -> Batch:
    place, started = _Worker.place, time.monotonic()
    if _Worker.reader is None:  # opened here, not at the start: what goes wrong is the batch's result
        state = State.beside(place.state)
        state.hold()
        _Worker.reader = Reader(state, Store(place.store, place.copies), known=place.known)
        _Worker.reader.withheld.update(place.withheld)
    built = build_units(stage, units, _Worker.reader, place.scratch, keep_going)
    return [_portable(receipt) for receipt in built], time.monotonic() - started


def _portable(receipt: Receipt) -> Receipt:
    """Return a receipt that another process can read: not every exception can be sent."""
    try:
        pickle.loads(pickle.dumps(receipt.failure))
    except Exception:  # noqa: BLE001 - the executor boundary
        return receipt._replace(failure=RuntimeError(f"{type(receipt.failure).__name__}: {receipt.failure}"))
    return receipt
