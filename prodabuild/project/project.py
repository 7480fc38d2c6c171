"""`Project`: a data repo and what can be done with it. Nothing here prints, exits or reads the environment."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.engine import lockfile
from prodabuild.engine.clone import examine
from prodabuild.engine.database import DamagedStateError
from prodabuild.engine.lockfile import unit_entry
from prodabuild.engine.verify import verify_outputs
from prodabuild.errors import ProjectError
from prodabuild.manifest.load import read_manifest
from prodabuild.problems import ProblemsError
from prodabuild.project.card import write_card
from prodabuild.project.dvclock import is_recorded, update_dvc_lock, write_metrics
from prodabuild.project.environment import settle
from prodabuild.project.exporting import target_of, write_export
from prodabuild.project.failures import raise_failures
from prodabuild.project.locking import LOCK, acceptance_of, disagreements, refuse_stale_sources, update_lock
from prodabuild.project.outcome import (
    CheckReport,
    CompileReport,
    Options,
    PlanReport,
    TestRequest,
    TrialReport,
    VerifyReport,
)
from prodabuild.project.provenance import explain
from prodabuild.project.reasons import Locator
from prodabuild.project.session import (
    STATE,
    afresh,
    check_everything,
    looking_back,
    reading,
    record_written,
    validate_settings,
    writing_session,
)
from prodabuild.project.stages import up_to
from prodabuild.project.travelling import write_traces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from prodabuild.engine.lockfile import Entries
    from prodabuild.engine.run import RunResult
    from prodabuild.engine.state import State, Trace
    from prodabuild.events import Emit
    from prodabuild.insight.rungs import ProbeRequest
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.candidate import TryReport
    from prodabuild.project.debugging import DebugReport
    from prodabuild.project.experimenting import Experimented
    from prodabuild.project.footprinting import FootprintReport
    from prodabuild.project.outcome import ExportReport, ExportRequest, TestReport, WhyReport
    from prodabuild.project.probing import ProbeReport
    from prodabuild.project.session import Session
    from prodabuild.project.stages import Target
    from prodabuild.training.showing import Shown


@dataclass(frozen=True)
class Project:
    """A data repo whose manifest is sound. `inside_dvc`: this is a stage that DVC runs and will record."""

    root: Path
    manifest: Manifest
    inside_dvc: bool = False

    @classmethod
    def open(cls, folder: Path, inside_dvc: bool = False) -> Project:
        """Read the manifest of the repo in `folder`; raises `ProblemsError`, and `ProjectError` (see `examine`)."""
        root = folder.resolve()
        manifest = read_manifest(root)
        examine(root)
        validate_settings(root, manifest)
        return cls(root, manifest, inside_dvc)

    @classmethod
    def check(cls, folder: Path, options: Options, strict: bool = False, coverage: bool = False) -> CheckReport:
        """Return every problem of the repo in `folder`, its manifest included, and how much knowledge it has.

        `strict` asks for the source of every record; `coverage` says what samples and items reach, as far as built.
        """
        try:
            project = cls.open(folder)
            return check_everything(project.root, project.manifest, options, strict, coverage)
        except ProblemsError as found:
            return CheckReport(found.problems, {})

    @classmethod
    def footprint(
        cls, folder: Path, names: Sequence[str], base: Path | None, emit: Emit, device: str = "auto"
    ) -> FootprintReport:
        """Return what training did to the weights of some runs: folders, or versions that git knows; changes nothing.

        Without names it is the model just built. `base` is the model that they were trained on, where they do not
        name a folder themselves. A manifest is not needed; `device` is the class that its model was built for.
        """
        from prodabuild.project.footprinting import footprint

        return footprint(folder.resolve(), names, base, emit, device)

    def plan(self, options: Options) -> PlanReport:
        """Return what a build of the target would do and why; changes nothing."""
        options = settle(self.root, self.manifest, options)
        with reading(self.root, self.manifest, options) as session:
            plan = session.plan(options.to)
        locator = Locator(self.root)
        steps = tuple(
            {"unit": step.unit, "action": step.action, "reasons": [locator.to_json(reason) for reason in step.reasons]}
            for step in plan.steps
        )
        return PlanReport(plan.stale, steps, plan.removed)

    def why(self, thing: str, options: Options, everything: bool = False) -> WhyReport:
        """Return the path of a unit, record, sample or test item; changes nothing. Raises `ProjectError`."""
        with looking_back(self.root, self.manifest, options) as found:
            return explain(found, thing, everything)

    @afresh
    def compile(self, options: Options) -> CompileReport:
        """Build the target; raises `ProblemsError`, `StaleError` (with `locked`) or what a build function raised.

        With `keep_going`, `UnitsError` names all units that failed; the lock is then left as it was.
        """
        started = time.monotonic()
        options = settle(self.root, self.manifest, options)
        with writing_session(self.root, self.manifest, options, "prodabuild compile") as session:
            if options.locked:
                refuse_stale_sources(session)
            result = _run(session, options)
            changed = self._record(session, options.to)
            return _compile_report(session, result, changed, time.monotonic() - started)

    @afresh
    def trial(self, steps: int, options: Options) -> TrialReport:
        """Build the data and the base, and train some steps for a look: neither `build/` nor a lock hears of it."""
        from prodabuild.project.trial import run_trial

        with self._before_training(options, "prodabuild compile --max-steps") as session:
            return run_trial(session, steps)

    @afresh
    def show_samples(self, options: Options) -> tuple[Shown, ...]:
        """Build the data and the base, and return what training would see of one sample a recipe."""
        from prodabuild.project.trial import show_samples

        with self._before_training(options, "prodabuild compile --show-samples") as session:
            return show_samples(session)

    @contextmanager
    def _before_training(self, options: Options, who: str) -> Iterator[Session]:
        with writing_session(self.root, self.manifest, options, who) as session:
            if options.locked:
                refuse_stale_sources(session)
            _run(session, replace(options, to="base"))
            self._record(session, "data")
            yield session

    @afresh
    def export(self, request: ExportRequest, options: Options) -> ExportReport:
        """Build the training data (and the test items), and write them as a request asks."""
        started = time.monotonic()
        folder = target_of(self.root, self.manifest, request)
        with writing_session(self.root, self.manifest, options, "prodabuild export") as session:
            if options.locked:
                refuse_stale_sources(session)
            _run(session, options)
            changed = self._record(session, options.to)
            report = write_export(session, request, folder)
        return replace(report, lock_changed=changed, seconds=time.monotonic() - started)

    @afresh
    def test(self, options: Options, request: TestRequest | None = None) -> TestReport:
        """Build the model and its results, and judge them; or test again what failed, and record nothing."""
        from prodabuild.project import testing

        if not self.manifest.tests:
            raise ProjectError("proda.yaml declares no tests", "add a suite: `tests: {chains: {from: chains}}`")
        started, request = time.monotonic(), request or TestRequest()
        options = settle(self.root, self.manifest, options)
        with writing_session(self.root, self.manifest, options, "prodabuild test") as session:
            if options.locked:
                refuse_stale_sources(session)
            if request.failed:
                failures = testing.last_failures(session)
                result = _run(session, replace(options, to="model"))
                report = testing.retest(session, failures)
            else:
                others = testing.other_version(session, request)
                result = _run(session, options)
                report = testing.report_of(session, others)
                accepts = request.accept and report.verdict.verdict == "pass"
                report = self._record_test(session, report, testing.recorded_scores(report), accepts)
            report = testing.with_texts(session, report)
        ran = tuple(sorted(result.built + result.restored))
        return replace(report, ran=ran, seconds=time.monotonic() - started)

    def _record_test(
        self, session: Session, report: TestReport, scores: dict[str, dict[str, dict[str, Any]]], accepts: bool
    ) -> TestReport:
        passed = report.verdict.verdict == "pass"
        flat = {f"score:{suite}/{split}": found for suite, splits in scores.items() for split, found in splits.items()}
        if not session.options.locked:
            write_metrics(session, scores)
        self._record(session, "results", flat | (acceptance_of(session, scores) if accepts else {}), passed)
        return replace(report, accepted=accepts)

    @afresh
    def debug(self, options: Options, drafting: bool = False) -> DebugReport:
        """Return why the failed dev items of the last results failed, and write drafts of patches if asked to."""
        from prodabuild.project.debugging import debug

        with writing_session(self.root, self.manifest, options, "prodabuild debug") as session:
            return debug(session, drafting)

    def try_patches(self, options: Options, names: Sequence[str]) -> TryReport:
        """Build and test patches over the accepted version, beside it: neither `build/` nor a lock hears of it."""
        from prodabuild.project.candidate import try_patches

        return try_patches(self.root, self.manifest, options, names)

    @afresh
    def accept_patches(self, options: Options, names: Sequence[str]) -> TestReport | None:
        """Record the version with patches that passed their trial as the accepted one; None where they did not pass."""
        from prodabuild.diagnosis import rounds
        from prodabuild.project import candidate, testing

        started, trial = time.monotonic(), candidate.approved(self.root, names)
        if trial.verdict == "fail":
            return None
        with writing_session(self.root, self.manifest, options, "prodabuild patch accept") as session:
            others = testing.other_version(session, TestRequest())
            result = _run(session, options)
            candidate.refuse_other(session, trial)
            report = testing.report_of(session, others)
            candidate.record(self.root, trial._replace(event="accepted", nodes={}))
            record_written(session, rounds.FILE)  # before DVC's lock: a stage depends on the folder that it lies in
            report = self._record_test(session, report, testing.recorded_scores(report), accepts=True)
        ran = tuple(sorted(result.built + result.restored))
        return replace(report, ran=ran, seconds=time.monotonic() - started)

    @afresh
    def probe(self, options: Options, request: ProbeRequest | None = None) -> ProbeReport:
        """Return what base and model make, within a context, of sources whose statistics are known.

        Without a request it is the ladder that the manifest declares, or else the one that ships.
        """
        from prodabuild.project.probing import probe

        with writing_session(self.root, self.manifest, options, "prodabuild probe") as session:
            return probe(session, request)

    @afresh
    def experiment(self, options: Options, name: str) -> Experimented:
        """Run what of a declared experiment is not there yet, and return its arms side by side."""
        from prodabuild.project.experimenting import compare_experiment

        with writing_session(self.root, self.manifest, options, "prodabuild footprint --compare") as session:
            return compare_experiment(session, name)

    def verify(self, options: Options, prove: bool = False) -> VerifyReport:
        """Read everything that was built, heal what can be healed, mark the rest to be built again.

        With `prove` every data unit is built again, and its bytes are compared.
        """
        started = time.monotonic()
        entries = lockfile.read(self.root / LOCK)
        try:
            with writing_session(self.root, self.manifest, options, "prodabuild verify") as session:
                session.state.check()
                with session.state.transaction():
                    found = verify_outputs(session.state, session.space)
                proved, refuted = session.runner().prove(up_to(session.stages, "data")) if prove else (0, [])
                stale = disagreements(session, entries)
                dirty = {row.name for row in session.state.dirty()} - {*found.lost, *refuted}
                unproven = _unproven(self.root, {unit: entries[unit] for unit in dirty & entries.keys()})
        except DamagedStateError:  # set aside by now: what it knew is restored and built by the next compile
            return VerifyReport(0, (STATE,), (), seconds=time.monotonic() - started)
        damaged, healed = (tuple(shown(self.root, path) for path in paths) for paths in (found.damaged, found.healed))
        return VerifyReport(
            found.objects,
            damaged,
            healed,
            tuple(found.lost),
            tuple(stale),
            len(dirty),
            time.monotonic() - started,
            proved=proved,
            refuted=tuple(refuted),
            unproven=unproven,
        )

    def _record(
        self, session: Session, target: Target, results: Mapping[str, dict[str, Any]] | None = None, passed: bool = True
    ) -> bool:
        """Write both locks, and the traces that DVC carries; returns whether `proda.lock` changed."""
        changed = update_lock(session, target, results)
        if target != "data":
            write_card(session, LOCK)
        if is_recorded(session, target):
            return changed
        traces = write_traces(session, target)
        if not (self.inside_dvc or session.options.locked):
            update_dvc_lock(session, target, traces, passed)
        return changed


def _unproven(root: Path, entries: Entries) -> tuple[str, ...]:
    """Return which of these entries of a lock, of units that are not built, no trusted version has."""
    from prodabuild.project.trust import trusted_versions  # git is asked only where something is not built

    versions = trusted_versions(root) if entries else []
    others = (unit for unit, entry in entries.items() if all(entry != of.entries.get(unit) for of in versions))
    return tuple(sorted(others)) if versions else ()


def shown(root: Path, path: Path) -> str:
    """Return a path as people read it: in the repo if it lies there (a cache may lie elsewhere)."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _run(session: Session, options: Options) -> RunResult:
    result = session.run(options.to)
    raise_failures(result, session.root, session.state, options.keep_going)
    return result


def _compile_report(session: Session, result: RunResult, lock_changed: bool, seconds: float) -> CompileReport:
    state = session.state
    suites = [trace for name in state.unit_names("suites") if (trace := _current(state, name))]
    dataset, model = _current(state, "dataset"), _current(state, "model")
    return CompileReport(
        built=tuple(sorted(result.built)),
        restored=tuple(sorted(result.restored)),
        clean=result.clean,
        shards=len(state.unit_names("shards")),
        samples=orjson.loads(dataset.summary)["samples"] if dataset else 0,
        items=sum(sum(orjson.loads(suite.summary).values()) for suite in suites),
        dataset=str(unit_entry(dataset.files)["sha256"]) if dataset else None,
        model=str(unit_entry(model.files)["sha256"]) if model else None,
        seconds=seconds,
        lock_changed=lock_changed,
    )


def _current(state: State, unit: str) -> Trace | None:
    """Return the trace that a clean unit stands on."""
    row = state.unit(unit)
    return state.trace(unit, row.inputs) if row and row.inputs and row.dirty is None else None
