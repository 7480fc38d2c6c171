"""Carry out a build: stage by stage, restore what a trace matches, build the rest, record as work finishes.

Every record is one step of a transaction that also marks the readers of a changed output, so the state never
claims more than the store holds: a killed run is simply continued.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodabuild.engine import journal
from prodabuild.engine.executors import Place, build_in_pool, build_units
from prodabuild.engine.facts import OUTPUT, Reason
from prodabuild.engine.placing import announce, find_damage, prune, put_outputs
from prodabuild.engine.plan import current_trace
from prodabuild.engine.store import LostOutputError
from prodabuild.engine.verify import verify_outputs
from prodabuild.engine.view import work_folder
from prodabuild.errors import OutsideError
from prodabuild.events import Note, StageFinished, StageStarted, UnitDone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from prodabuild.engine.executors import Receipt
    from prodabuild.engine.placing import Workspace
    from prodabuild.engine.state import State, Trace
    from prodabuild.engine.units import Stage
    from prodabuild.engine.view import Reader
    from prodabuild.events import Emit

COMMIT_SECONDS = 0.05
RESTORED_AT_ONCE = 100
POOL_FROM = 24  # fewer units than this are built sooner in this process than a pool starts


@dataclass
class RunResult:
    """What a run did, by unit name; `failures` are the units whose build function raised, `lost` those warned of.

    `recovered` are the outputs, not warned of yet, whose objects were taken back from `build/`.
    """

    built: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    recovered: list[str] = field(default_factory=list)
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
        self._run_stages(stages, result)
        if any(isinstance(failure, LostOutputError) for _, failure in result.failures) and self._give_up_lost(result):
            result.failures.clear()
            self._run_stages(stages, result)
        touched = len(result.built) + len(result.restored)
        result.clean = sum(self.state.count_units().get(stage.name, 0) for stage in stages) - touched
        return result

    def _run_stages(self, stages: Sequence[Stage], result: RunResult) -> None:
        for stage in stages:
            self._run_stage(stage, result)
            self._tell_recovered(result)
            if result.failures:
                break

    def _give_up_lost(self, result: RunResult) -> bool:
        """Mark every unit whose output is lost for good; tell whether there is one."""
        with self.state.transaction():
            found = verify_outputs(self.state, self.space)
        self._tell_recovered(result)
        for unit in found.lost:
            self.emit(Note(f"the output of {unit} is damaged or gone: it is built again", warning=True))
        result.lost.update(found.lost)
        return bool(found.lost)

    def _tell_recovered(self, result: RunResult) -> None:
        paths = [*result.recovered, *self.space.store.take_recovered()]
        result.recovered.clear()
        if paths:
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            message = f"the stored object of {paths[0]}{more} was damaged or gone: taken back from build/"
            self.emit(Note(message, warning=True))

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
                    result.lost.add(unit)
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
        found = {row.name: current_trace(self.reader, row) for row in rows}
        restored_names = self._restore(stage, [trace for trace in found.values() if trace], result)
        built = self._build(stage, sorted(found.keys() - set(restored_names)), result)
        result.restored += restored_names
        result.built += built
        dirty = len(self.state.dirty(stage.name))
        clean = self.state.count_units()[stage.name] - len(built) - len(restored_names) - dirty
        seconds = time.monotonic() - started
        self.emit(StageFinished(stage.name, len(built), len(restored_names), clean, len(result.failures), seconds))

    def _restore(self, stage: Stage, traces: list[Trace], result: RunResult) -> list[str]:
        """Restore what the store still holds whole; returns the names of those units."""
        names: list[str] = []
        lost: list[str] = []
        for at in range(0, len(traces), RESTORED_AT_ONCE):
            batch = traces[at : at + RESTORED_AT_ONCE]
            self._announce(batch)
            with self.state.transaction():
                for trace in batch:
                    if put_outputs(self.state, self.space, trace):
                        self._record(trace)
                        self.emit(UnitDone(stage.name, trace.unit, "restored"))
                        names.append(trace.unit)
                    elif trace.unit not in result.lost:
                        lost.append(trace.unit)
        if lost:
            more = f" and of {len(lost) - 1} more" if len(lost) > 1 else ""
            message = f"what the store held of {lost[0]}{more} is damaged or gone: it is built again"
            self.emit(Note(message, warning=True))
        return names

    def _announce(self, traces: Sequence[Trace]) -> None:
        with self.state.transaction():
            announce(self.state, traces)

    def _build(self, stage: Stage, names: list[str], result: RunResult) -> list[str]:
        built: list[str] = []
        path = journal.journal_of(self.state.path)
        for batch in _timed_batches(_journaled(self._receipts(stage, names), path), COMMIT_SECONDS):
            traces = [receipt.trace for receipt in batch if receipt.trace]
            result.recovered += [path for receipt in batch for path in receipt.recovered]
            result.failures += [(receipt.unit, receipt.failure) for receipt in batch if receipt.failure is not None]
            self._announce(traces)
            with self.state.transaction():
                for trace in traces:
                    put_outputs(self.state, self.space, trace, fresh=True)
                    self._record(trace)
                self.state.set_note(journal.READ, str(journal.end(path)))
            for trace in traces:
                shutil.rmtree(work_folder(self.space.scratch, trace.unit), ignore_errors=True)
                built.append(trace.unit)
                self.emit(UnitDone(stage.name, trace.unit, "built"))
            if result.failures and not self.keep_going:
                break
        return built

    def _receipts(self, stage: Stage, names: list[str]) -> Iterator[Receipt]:
        if stage.parallel and self.jobs > 1 and len(names) >= POOL_FROM:
            place = Place(self.state.path, self.space.store.root, self.space.store.copies, self.space.scratch)
            return build_in_pool(stage, names, place, self.jobs)
        return build_units(stage, names, self.reader, self.space.scratch)

    def _record(self, trace: Trace) -> None:
        if self.state.record(trace):
            reason = Reason(f"{trace.unit} changed")
            self.state.mark_dirty({reader: [reason] for reader in self.state.followers(OUTPUT + trace.unit)})


def _journaled(receipts: Iterable[Receipt], path: Path) -> Iterator[Receipt]:
    for receipt in receipts:
        if receipt.trace is not None:
            journal.append(path, receipt.trace)
        yield receipt


def _timed_batches(receipts: Iterable[Receipt], seconds: float) -> Iterator[list[Receipt]]:
    """Group receipts: at most `seconds` of finished work waits for its commit, and an interruption commits it first."""
    batch: list[Receipt] = []
    since = time.monotonic()
    try:
        for receipt in receipts:
            batch.append(receipt)
            if time.monotonic() - since >= seconds or receipt.failure is not None:
                yield batch
                batch, since = [], time.monotonic()
    except (KeyboardInterrupt, OSError, OutsideError):
        yield batch
        raise
    if batch:
        yield batch
