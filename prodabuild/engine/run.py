"""Carry out a build: stage by stage, restore what a trace matches, build the rest, record as work finishes.

Every record is one step of a transaction that also marks the readers of a changed output, so the state never
claims more than the store holds: a killed run is simply continued.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodabuild.engine.executors import Place, build_in_pool, build_units
from prodabuild.engine.facts import OUTPUT, Reason
from prodabuild.engine.placing import find_damage, prune, put_outputs
from prodabuild.engine.plan import matching_trace
from prodabuild.engine.view import work_folder
from prodabuild.events import Note, StageFinished, StageStarted, UnitDone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prodabuild.engine.executors import Receipt
    from prodabuild.engine.placing import Workspace
    from prodabuild.engine.state import State, Trace
    from prodabuild.engine.units import Stage
    from prodabuild.engine.view import Reader
    from prodabuild.events import Emit

COMMIT_SECONDS = 0.3
POOL_FROM = 24  # fewer units than this are built sooner in this process than a pool starts


@dataclass
class RunResult:
    """What a run did, by unit name; `failures` are the units whose build function raised."""

    built: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    clean: int = 0


@dataclass(frozen=True)
class Runner:
    """Everything that a run needs; the caller holds the writers' lock."""

    reader: Reader
    space: Workspace
    emit: Emit
    jobs: int = 1
    keep_going: bool = False

    @property
    def state(self) -> State:
        """Return the state behind the reader."""
        return self.reader.state

    def run(self, stages: Sequence[Stage]) -> RunResult:
        """Build every unit of these stages that is not clean. Failed units leave no trace and stay dirty."""
        result = RunResult()
        with self.state.transaction():
            result.pruned = prune(self.state, self.space)
        self._heal(result)
        for stage in stages:
            self._run_stage(stage, result)
            if result.failures:
                break
        touched = len(result.built) + len(result.restored)
        result.clean = sum(self.state.count_units().get(stage.name, 0) for stage in stages) - touched
        return result

    def _heal(self, result: RunResult) -> None:
        damages = find_damage(self.state, self.space)
        if not damages:
            return
        traces = {trace.unit: trace for trace in self.state.current_traces()}
        with self.state.transaction():
            for unit in sorted({damage.unit for damage in damages}):
                reasons = [damage.reason for damage in damages if damage.unit == unit]
                row = self.state.unit(unit)
                if row is None or row.dirty is not None:
                    continue
                if put_outputs(self.state, self.space, traces[unit]):
                    result.restored.append(unit)
                    self.emit(Note(f"{reasons[0].what}: restored from the store", warning="by hand" in reasons[0].what))
                else:
                    self.state.mark_dirty({unit: reasons})
                    self.emit(
                        Note(f"{reasons[0].what} and its stored object is gone: {unit} is built again", warning=True)
                    )

    def _run_stage(self, stage: Stage, result: RunResult) -> None:
        rows = self.state.dirty(stage.name)
        if not rows:
            return
        started = time.monotonic()
        self.emit(StageStarted(stage.name, len(rows)))
        self.reader.forget()
        found = {row.name: matching_trace(self.reader, row) for row in rows}
        restored_names = self._restore(stage, [trace for trace in found.values() if trace])
        built = self._build(stage, sorted(found.keys() - set(restored_names)), result)
        result.restored += restored_names
        result.built += built
        dirty = len(self.state.dirty(stage.name))
        clean = self.state.count_units()[stage.name] - len(built) - len(restored_names) - dirty
        seconds = time.monotonic() - started
        self.emit(StageFinished(stage.name, len(built), len(restored_names), clean, len(result.failures), seconds))

    def _restore(self, stage: Stage, traces: list[Trace]) -> list[str]:
        """Restore what the store still holds whole; returns the names of those units."""
        names = []
        with self.state.transaction():
            for trace in traces:
                if put_outputs(self.state, self.space, trace):
                    self._record(trace)
                    self.emit(UnitDone(stage.name, trace.unit, "restored"))
                    names.append(trace.unit)
        return names

    def _build(self, stage: Stage, names: list[str], result: RunResult) -> list[str]:
        built: list[str] = []
        for batch in _timed_batches(self._receipts(stage, names), COMMIT_SECONDS):
            with self.state.transaction():
                for receipt in batch:
                    if receipt.trace is None:
                        assert receipt.failure is not None
                        result.failures.append((receipt.unit, receipt.failure))
                        continue
                    put_outputs(self.state, self.space, receipt.trace, fresh=True)
                    self._record(receipt.trace)
                    shutil.rmtree(work_folder(self.space.scratch, receipt.unit), ignore_errors=True)
                    built.append(receipt.unit)
                    self.emit(UnitDone(stage.name, receipt.unit, "built"))
            if result.failures and not self.keep_going:
                break
        return built

    def _receipts(self, stage: Stage, names: list[str]) -> Iterator[Receipt]:
        if stage.parallel and self.jobs > 1 and len(names) >= POOL_FROM:
            store = self.space.store
            place = Place(self.state.path, store.root, store.copies, self.space.scratch, self.reader.known)
            return build_in_pool(stage, names, place, self.jobs)
        return build_units(stage, names, self.reader, self.space.scratch)

    def _record(self, trace: Trace) -> None:
        if self.state.record(trace):
            reason = Reason(f"{trace.unit} changed")
            self.state.mark_dirty({reader: [reason] for reader in self.state.followers(OUTPUT + trace.unit)})


def _timed_batches(receipts: Iterable[Receipt], seconds: float) -> Iterator[list[Receipt]]:
    """Group receipts so that at most `seconds` of finished work waits for its commit."""
    batch: list[Receipt] = []
    since = time.monotonic()
    try:
        for receipt in receipts:
            batch.append(receipt)
            if time.monotonic() - since >= seconds or receipt.failure is not None:
                yield batch
                batch, since = [], time.monotonic()
    except KeyboardInterrupt:
        yield batch
        raise
    if batch:
        yield batch
