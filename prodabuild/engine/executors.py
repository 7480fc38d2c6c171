"""Where units are built: in this process, or in a pool of processes. Same units, same bytes.

A batch is a stage and unit names; a receipt is digests and paths. Workers open their own read-only view of
the state and write objects to the store; only the caller writes the state.
"""

from __future__ import annotations

import gc
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine.state import State
from prodabuild.engine.store import Store
from prodabuild.engine.view import Reader, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prodabuild.engine.state import Trace
    from prodabuild.engine.units import Stage

BATCH = 16
COLLECT_EVERY = 1_000_000  # builds make many small tuples and hardly a cycle


class Receipt(NamedTuple):
    """What building a unit returned: its trace, or the failure."""

    unit: str
    trace: Trace | None
    failure: Exception | None = None


@dataclass(frozen=True)
class Place:
    """What a worker needs to open the state and the store, and the facts that it shares with its parent."""

    state: Path
    store: Path
    copies: Path
    scratch: Path
    known: Mapping[str, bytes]


def build_units(stage: Stage, units: Iterable[str], reader: Reader, scratch: Path) -> Iterator[Receipt]:
    """Build units one by one; an exception of a build function becomes a receipt with a failure."""
    for unit in units:
        view = View(unit, reader, scratch)
        try:
            output = stage.build(unit, view)
        except Exception as error:  # noqa: BLE001 - the executor boundary: the caller decides what a failure means
            yield Receipt(unit, None, failure=error)
            continue
        files = tuple(
            reader.store.put(path, content if isinstance(content, bytes) else content.read_bytes())
            for path, content in sorted(output.items())
        )
        yield Receipt(unit, view.trace(files))


def build_in_pool(stage: Stage, units: Sequence[str], place: Place, jobs: int) -> Iterator[Receipt]:
    """Build units in `jobs` processes; receipts come in any order."""
    batches = [units[at : at + BATCH] for at in range(0, len(units), BATCH)]
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(min(jobs, len(batches)), context, _open_worker, (place,)) as pool:
        futures = [pool.submit(_work, stage, batch) for batch in batches]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Worker:
    """What one worker process keeps open between batches."""

    reader: Reader
    scratch: Path


def _open_worker(place: Place) -> None:
    gc.freeze()  # what the caller holds is not searched for cycles, and so stays shared
    gc.set_threshold(COLLECT_EVERY, 50, 100)
    state = State(place.state, writable=False)
    state.hold()
    _Worker.reader = Reader(state, Store(place.store, place.copies), known=place.known)
    _Worker.scratch = place.scratch


def _work(stage: Stage, units: Sequence[str]) -> list[Receipt]:
    return list(build_units(stage, units, _Worker.reader, _Worker.scratch))
