"""Carry out a build: stage by stage, restore what a trace matches, build the rest, record as work finishes.

Every record is one step of a transaction that also marks the readers of a changed output, so the state never
claims more than the store holds: a killed run is simply continued.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.engine import journal
from prodabuild.engine.facts import OUTPUT, Reason
from prodabuild.engine.placing import announce, find_damage, prune, put_outputs
from prodabuild.engine.plan import can_be_had, current_trace
from prodabuild.engine.store import LostOutputError
from prodabuild.engine.verify import verify_outputs
from prodabuild.engine.view import MissingOutputError, remove_work
from prodabuild.errors import OutsideError, ProjectError
from prodabuild.events import Note, StageFinished, StageStarted, UnitDone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prodabuild.engine.executors import Receipt
    from prodabuild.engine.placing import Workspace
    from prodabuild.engine.state import State, Trace
    from prodabuild.engine.units import Stage
    from prodabuild.engine.view import Reader
    from prodabuild.events import Emit

DOUBT = Reason("building it again gave other bytes")
COMMIT_SECONDS = 0.05
RESTORED_AT_ONCE = 100
POOL_FROM = 24  # fewer units than this are built sooner in this process than a pool starts


_REFUTED = (
    "what was built elsewhere is forgotten, so run the command again to build it here; "
    "and find out who wrote that into the lock"
)


class RefutedError(ProjectError):
    """Building a unit again gave other bytes than those that were restored for it."""


@dataclass(frozen=True)
class Proof:
    """Which restored units are built again and compared: a random share of these stages' units, at least one a stage.

    That is of units built elsewhere. With a share of 1 it is all units, and what is wrong is replaced.
    """

    stages: frozenset[str]
    share: float

    def pick(self, units: Sequence[str]) -> list[str]:
        """Return a share of some units that nobody can foresee."""
        count = min(len(units), max(1, math.ceil(self.share * len(units))))
        return sorted(random.SystemRandom().sample(units, count)) if units else []


@dataclass
class RunResult:
    """What a run did, by unit name; `failures` are the units whose build function raised, `lost` those warned of.

    `blocked` are those that read, directly or not, one that failed: not built, whatever they made before.
    `recovered` are the outputs, not warned of yet, whose objects were taken back from `build/`.
    """

    built: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    recovered: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    clean: int = 0


@dataclass(frozen=True)
class Runner:
    """Everything that a run needs; the caller holds the writers' lock."""

    reader: Reader
    space: Workspace
    emit: Emit
    jobs: int = 1
    keep_going: bool = False
    proof: Proof | None = None

    @property
    def state(self) -> State:
        """Return the state behind the reader."""
        return self.reader.state

    def run(self, stages: Sequence[Stage]) -> RunResult:
        """Build every unit of these stages that is not clean. Failed and blocked units leave no trace and stay dirty.

        A failure ends the run, unless it is to keep going with what does not depend on the failed unit.
        """
        result = RunResult()
        with self.state.transaction():
            result.pruned = prune(self.state, self.space)
        damaged: dict[str, list[Reason]] = {}
        for damage in find_damage(self.state, self.space):
            damaged.setdefault(damage.unit, []).append(damage.reason)
        self._run_stages(stages, damaged, result)
        if any(isinstance(failure, LostOutputError) for _, failure in result.failures) and self._give_up_lost(result):
            result.failures.clear()
            self.reader.withheld.clear()
            self._run_stages(stages, damaged, result)
        failed = {unit for unit, _ in result.failures}
        result.blocked = sorted(self.reader.withheld - failed)
        touched = len(result.built) + len(result.restored) + len(self.reader.withheld)
        result.clean = sum(self.state.count_units().get(stage.name, 0) for stage in stages) - touched
        return result

    def _run_stages(self, stages: Sequence[Stage], damaged: dict[str, list[Reason]], result: RunResult) -> None:
        for stage in stages:
            self._run_stage(stage, damaged, result)
            self._tell_recovered(result)
            if result.failures and not self.keep_going:
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

    def _run_stage(self, stage: Stage, damaged: dict[str, list[Reason]], result: RunResult) -> None:
        self._heal(stage, damaged, result)
        self.reader.forget()
        found = self._look_up(stage, damaged)
        if found:
            self._bring_up(stage, found, result)
        self._withhold_readers(stage)

    def _bring_up(self, stage: Stage, found: Mapping[str, Trace | None], result: RunResult) -> None:
        failed_before = len(result.failures)
        started = time.monotonic()
        self.emit(StageStarted(stage.name, len(found)))
        found = self._prove(stage, found) if self.proof and stage.name in self.proof.stages else found
        restored = self._restore(stage, [trace for trace in found.values() if trace], result)
        built = self._build(stage, sorted(found.keys() - set(restored)), result)
        result.restored += restored
        result.built += built
        failed = len(result.failures) - failed_before
        blocked = len(self.reader.withheld.intersection(found)) - failed
        dirty = len(self.state.dirty(stage.name))
        clean = self.state.count_units()[stage.name] - len(built) - len(restored) - dirty
        seconds = time.monotonic() - started
        self.emit(StageFinished(stage.name, len(built), len(restored), clean, failed, blocked, seconds))

    def _heal(self, stage: Stage, damaged: dict[str, list[Reason]], result: RunResult) -> None:
        """Put back the damaged files of clean units; what the store has lost is to be built again."""
        names = sorted(damaged.keys() & set(self.state.unit_names(stage.name))) if damaged else []
        with self.state.transaction():
            for name in names:
                row, what = self.state.unit(name), damaged[name][0].what
                if row is None or row.inputs is None or row.dirty is not None:
                    continue
                trace = self.state.trace(name, row.inputs)
                if trace and put_outputs(self.state, self.space, trace):
                    del damaged[name]
                    result.restored.append(name)
                    self.emit(Note(f"{what}: restored from the store", warning="by hand" in what))
                else:
                    self.state.mark_dirty({name: damaged[name]})
                    result.lost.add(name)
                    self.emit(Note(f"{what} and its stored object is gone: {name} is built again", warning=True))

    def _look_up(self, stage: Stage, damaged: Mapping[str, list[Reason]]) -> dict[str, Trace | None]:
        """Return the units to be done, with the traces that fit them.

        What fits as it stands, say after an edit that was taken back, is clean and needs nothing.
        """
        found: dict[str, Trace | None] = {}
        with self.state.transaction():
            for row in self.state.dirty(stage.name):
                trace = current_trace(self.reader, row)
                stands = trace and trace.inputs == row.inputs and row.name not in damaged
                if trace and stands and can_be_had(self.space.store, trace):
                    self._record(trace)
                else:
                    found[row.name] = trace
        return found

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

    def _prove(self, stage: Stage, found: Mapping[str, Trace | None]) -> Mapping[str, Trace | None]:
        """Build some units that are about to be restored; returns what is found without traces that tell otherwise.

        Unless all are looked at, raises `RefutedError` at the first one: all that was built elsewhere is forgotten.
        """
        assert self.proof is not None
        every = self.proof.share >= 1
        others = set() if every else self.state.foreign()
        likely = {name: trace for name, trace in found.items() if trace and can_be_had(self.space.store, trace)}
        traces = {name: trace for name, trace in likely.items() if every or (name, trace.inputs) in others}
        kept = dict(found)
        for name in self.refuted(stage, {name: traces[name] for name in self.proof.pick(sorted(traces))}):
            message = f"{name}: what was to be restored is not what its sources make"
            if not every:
                with self.state.transaction():
                    self.state.drop_foreign(DOUBT)
                raise RefutedError(message, _REFUTED)
            self.emit(Note(f"{message}: it is built again", warning=True))
            kept[name] = None
        return kept

    def prove(self, stages: Iterable[Stage]) -> tuple[int, list[str]]:
        """Build every clean unit of these stages again; returns how many, and those that come out otherwise.

        What is known of the latter is forgotten: the next run builds them.
        """
        proved = 0
        wrong: list[Trace] = []
        for stage in stages:
            clean = {row.name for row in self.state.units(stage.name) if row.dirty is None}
            traces = {trace.unit: trace for trace in self.state.current_traces(stage.name) if trace.unit in clean}
            self.reader.forget()
            wrong += [traces[name] for name in self.refuted(stage, traces)]
            proved += len(traces)
        with self.state.transaction():
            self.state.drop([(trace.unit, trace.inputs) for trace in wrong], DOUBT)
        return proved, [trace.unit for trace in wrong]

    def refuted(self, stage: Stage, traces: Mapping[str, Trace]) -> list[str]:
        """Build units again and return those that end otherwise than their traces tell; the state stays as it is."""
        wrong = []
        for receipt in self._receipts(stage, sorted(traces)) if traces else ():
            remove_work(self.space.scratch, receipt.unit)
            if receipt.trace is None or _told(receipt.trace) != _told(traces[receipt.unit]):
                wrong.append(receipt.unit)
        return sorted(wrong)

    def _announce(self, traces: Sequence[Trace]) -> None:
        with self.state.transaction():
            announce(self.state, traces)

    def _build(self, stage: Stage, names: list[str], result: RunResult) -> list[str]:
        built: list[str] = []
        path = journal.journal_of(self.state.path)
        for batch in _timed_batches(_journaled(self._receipts(stage, names), path), COMMIT_SECONDS):
            traces = [receipt.trace for receipt in batch if receipt.trace]
            result.recovered += [path for receipt in batch for path in receipt.recovered]
            for receipt in batch:
                if receipt.failure is not None:
                    self._fail(receipt.unit, receipt.failure, result)
            self._announce(traces)
            with self.state.transaction():
                for trace in traces:
                    put_outputs(self.state, self.space, trace, fresh=True)
                    self._record(trace)
                    self.state.own(trace)
                self.state.set_note(journal.READ, str(journal.end(path)))
            for trace in traces:
                remove_work(self.space.scratch, trace.unit)
                built.append(trace.unit)
                self.emit(UnitDone(stage.name, trace.unit, "built"))
        return built

    def _fail(self, unit: str, failure: Exception, result: RunResult) -> None:
        """Withhold a unit that was not built; it failed, unless it only asked for one that is withheld itself."""
        if not isinstance(failure, MissingOutputError) or failure.wanted not in self.reader.withheld:
            result.failures.append((unit, failure))
        self.reader.withheld.add(unit)

    def _withhold_readers(self, stage: Stage) -> None:
        """Withhold the clean units of a stage that stand on the last output of a withheld one: it may change."""
        withheld = self.reader.withheld
        readers = {reader for unit in withheld for reader in self.state.followers(OUTPUT + unit)} - withheld
        withheld.update(readers.intersection(self.state.unit_names(stage.name)) if readers else ())

    def _receipts(self, stage: Stage, names: list[str]) -> Iterator[Receipt]:
        from prodabuild.engine.executors import Place, build_in_pool, build_units  # a build of nothing needs no pool

        space, going = self.space, self.keep_going
        if stage.parallel and self.jobs > 1 and len(names) >= POOL_FROM:
            known, withheld = self.reader.known, frozenset(self.reader.withheld)
            place = Place(self.state.path, space.store.root, space.store.copies, space.scratch, known, withheld)
            return build_in_pool(stage, names, place, self.jobs, going)
        return build_units(stage, names, self.reader, space.scratch, going)

    def _record(self, trace: Trace) -> None:
        if self.state.record(trace):
            reason = Reason(f"{trace.unit} changed")
            self.state.mark_dirty({reader: [reason] for reader in self.state.followers(OUTPUT + trace.unit)})


def _told(trace: Trace) -> tuple[Any, ...]:
    """Return what building again must give: the names of inputs are compressed, and not every library does so alike."""
    return trace.inputs, trace.output, trace.files


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
