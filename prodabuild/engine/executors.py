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
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine.state import State
from prodabuild.engine.store import Store
from prodabuild.engine.view import Reader, View
from prodabuild.errors import OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from prodabuild.engine.state import Trace
    from prodabuild.engine.units import Stage

BATCH = 4
ORPHAN_SECONDS = 0.05
COLLECT_EVERY = 1_000_000  # builds make many small tuples and hardly a cycle


class Receipt(NamedTuple):
    """What building a unit returned: its trace, or the failure."""

    unit: str
    trace: Trace | None
    failure: Exception | None = None


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
            yield Receipt(unit, None, failure=error)
            if keep_going:
                continue
            return
        files = tuple(
            reader.store.put(path, content if isinstance(content, bytes) else content.read_bytes())
            for path, content in sorted(output.items())
        )
        yield Receipt(unit, view.trace(files))


def build_in_pool(stage: Stage, units: Sequence[str], place: Place, jobs: int, keep_going: bool) -> Iterator[Receipt]:
    """Build units in `jobs` processes; receipts come in any order. After Ctrl-C come those of the work in hand.

    Unless it is to keep going, a failure lets the batches that have begun come to their end, and begins no other.
    """
    batches = [units[at : at + BATCH] for at in range(0, len(units), BATCH)]
    context = multiprocessing.get_context("fork")
    waiting: set[Future[list[Receipt]]] = set()
    with ProcessPoolExecutor(min(jobs, len(batches)), context, _start_worker, (place, os.getpid())) as pool:
        try:
            with _starting():
                waiting.update(pool.submit(_work, stage, batch, keep_going) for batch in batches)
            for future in as_completed(waiting):
                waiting.remove(future)
                receipts = [] if future.cancelled() else future.result()
                if not keep_going and any(receipt.failure for receipt in receipts):
                    for other in waiting:
                        other.cancel()
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


def _finished(futures: Iterable[Future[list[Receipt]]]) -> Iterator[Receipt]:
    for future in futures:
        if future.done() and not future.cancelled() and future.exception() is None:
            yield from future.result()


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
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: it holds the writers' lock, so no run begins before."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def _work(stage: Stage, units: Sequence[str], keep_going: bool) -> list[Receipt]:
    place = _Worker.place
    if _Worker.reader is None:  # opened here, not at the start: what goes wrong is the batch's result
        state = State.beside(place.state)
        state.hold()
        _Worker.reader = Reader(state, Store(place.store, place.copies), known=place.known)
        _Worker.reader.withheld.update(place.withheld)
    receipts = build_units(stage, units, _Worker.reader, place.scratch, keep_going)
    return [_portable(receipt) for receipt in receipts]


def _portable(receipt: Receipt) -> Receipt:
    """Return a receipt that another process can read: not every exception can be sent."""
    try:
        pickle.loads(pickle.dumps(receipt.failure))
    except Exception:  # noqa: BLE001 - the executor boundary
        return receipt._replace(failure=RuntimeError(f"{type(receipt.failure).__name__}: {receipt.failure}"))
    return receipt
