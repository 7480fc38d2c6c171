"""One run on a data repo: the lock held, the state open and brought up to the sources."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import orjson

from prodabuild.engine import clone, journal, lockfile
from prodabuild.engine.aside import aside
from prodabuild.engine.database import DamagedStateError, set_aside, translated
from prodabuild.engine.dvccache import cache_folder, dvc_folder
from prodabuild.engine.facts import Delta
from prodabuild.engine.files import scan
from prodabuild.engine.placing import UNPLACED, Workspace, find_damage, sweep
from prodabuild.engine.plan import make_plan
from prodabuild.engine.refresh import laid_out, refresh
from prodabuild.engine.run import DOUBT, Proof, RefutedError, Runner
from prodabuild.engine.state import PlacedRow, State
from prodabuild.engine.store import Store, remove_tree
from prodabuild.engine.view import Reader
from prodabuild.errors import ProjectError
from prodabuild.evaluation.taskfiles import check_tasks
from prodabuild.events import Note
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.model import TaskSuite
from prodabuild.paths import inside, read_source
from prodabuild.problems import Problem, ProblemsError, place_of, raise_errors
from prodabuild.project.checking import examine, unfilled
from prodabuild.project.inputs import opaque_files, read_readable, read_sources, with_named
from prodabuild.project.instruments import undeclared
from prodabuild.project.locking import LOCK
from prodabuild.project.owncode import code_of
from prodabuild.project.pipeline import BUILD, RECORDED, read_pipeline
from prodabuild.project.reasons import describe
from prodabuild.project.redo import PRIVATE, exclusive, finish
from prodabuild.project.stages import stages_of, up_to
from prodabuild.project.travelling import take_in, travelled
from prodabuild.shards.declared import own_recipes
from prodabuild.training.base import examine_named, parse_base
from prodabuild.training.device import probe
from prodabuild.training.examine import examine_start
from prodabuild.yamlio import decode, locate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from prodabuild.engine.plan import Plan
    from prodabuild.engine.run import RunResult
    from prodabuild.engine.units import Stage
    from prodabuild.events import Emit
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.inputs import Reading
    from prodabuild.project.outcome import CheckReport, Options
    from prodabuild.project.pipeline import Pipeline
    from prodabuild.project.stages import Target

STATE = f"{PRIVATE}/state.db"
MOST_CHAINS = 5000  # whose items `check` makes to see what is not tested; of more it looks at what is built
CANDIDATE = f"{PRIVATE}/candidate"  # what is tried lies here, as `build/` holds what is not
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Session:
    """An open state, up to the sources, and everything needed to plan or run on it."""

    root: Path
    manifest: Manifest
    state: State
    space: Workspace
    stages: tuple[Stage, ...]
    options: Options
    pipeline: Pipeline
    known: Mapping[str, bytes] = field(default_factory=dict)  # facts that were read just now

    def reader(self) -> Reader:
        """Return a reader with an empty cache."""
        files = opaque_files(self.root, self.manifest)
        return Reader(self.state, self.space.store, files, self.options.emit, self.known)

    def plan(self, target: Target) -> Plan:
        """Return what a build of the target would do."""
        return make_plan(self.reader(), up_to(self.stages, target), find_damage(self.state, self.space))

    def plan_everything(self) -> Plan:
        """Return what a build of all units would do, experiments among them."""
        return make_plan(self.reader(), self.stages, find_damage(self.state, self.space))

    def is_clean(self, units: Iterable[str]) -> bool:
        """Tell whether these units of a test were built, and need nothing."""
        clean = {step.unit for step in self.plan("results").steps if step.action == "clean"}
        return clean.issuperset(units)

    def read_output(self, unit: str) -> Any:
        """Return the document that a unit of one JSON file made when it was last built; None when it never was."""
        made = self.state.made(unit)
        return orjson.loads(self.space.store.open(made.files[0]).read_bytes()) if made else None

    def run(self, target: Target) -> RunResult:
        """Build the target; raises `ProblemsError` before that where the tests declared cannot be made."""
        if target == "results":
            raise_errors(undeclared(self.root, self.manifest))
        return self.run_stages(up_to(self.stages, target))

    def run_stages(self, stages: tuple[Stage, ...]) -> RunResult:
        """Build the units of some stages, which need no others."""
        return self.runner().run(stages)

    def runner(self) -> Runner:
        """Return what builds units of this session."""
        options = self.options
        proof = Proof(frozenset(stage.name for stage in up_to(self.stages, "data")), options.proof)
        return Runner(self.reader(), self.space, options.emit, options.jobs, options.keep_going, proof)


class Retrospect(NamedTuple):
    """A session up to the sources, what the last run recorded, and the problems that keep the session at that."""

    session: Session
    recorded: State
    problems: tuple[Problem, ...]


class Trial(NamedTuple):
    """A session before a patch; laying it gives the session with it, and what it changes."""

    before: Session
    lay: Callable[[], tuple[Session, Delta]]


@contextmanager
def reading(root: Path, manifest: Manifest, options: Options) -> Iterator[Session]:
    """Open a session that changes nothing on disk; raises `ProblemsError`."""
    pipeline = read_pipeline(root, options.device)
    with _recorded(root, options) as state:
        yield _brought_up(state, root, manifest, options, pipeline)[0]


@contextmanager
def looking_back(root: Path, manifest: Manifest, options: Options) -> Iterator[Retrospect]:
    """Open a session that changes nothing, and beside it what the last run recorded; never raises `ProblemsError`."""
    pipeline = read_pipeline(root, options.device)
    with _recorded(root, options) as recorded:
        problems: tuple[Problem, ...] = ()
        try:
            session, _ = _brought_up(recorded, root, manifest, options, pipeline)
        except ProblemsError as found:
            problems = found.problems
            session = _session(root, manifest, recorded, options, pipeline)
        yield Retrospect(session, recorded, problems)


@contextmanager
def trying(root: Path, manifest: Manifest, options: Options, file: str) -> Iterator[Trial]:
    """Open two sessions that change nothing on disk, on states of their own: before a patch, and with it.

    Later patches are left out of both. Where the sources have errors without the patch, it may be there to put them
    right: what was recorded last is taken for what was before. Raises `ProblemsError`.
    """
    pipeline = read_pipeline(root, options.device)
    with _recorded(root, options) as recorded:
        try:
            before, _ = _brought_up(recorded, root, manifest, options, pipeline, lambda name: name < file)
        except ProblemsError:
            before = _session(root, manifest, recorded, options, pipeline)
            text = "there are errors without the patch: it is compared with what was built last"
            options.emit(Note(text, warning=True))
        before = replace(before, state=before.state.in_memory() if before.state is recorded else before.state)

        def lay() -> tuple[Session, Delta]:
            copy = before.state.in_memory()
            return _brought_up(copy, root, manifest, options, pipeline, lambda name: name <= file)

        yield Trial(before, lay)


def _brought_up(
    state: State,
    root: Path,
    manifest: Manifest,
    options: Options,
    pipeline: Pipeline,
    active: Callable[[str], bool] | None = None,
) -> tuple[Session, Delta]:
    """Return a session on a recorded state, or on a copy that is up to the sources where they have moved."""
    reading = read_sources(
        state, root, manifest, device_of(options), pipeline.files, active, made_with=options.made_with
    )
    store = workspace(root, options.cache).store
    arrived = travelled(state, root, pipeline, store, options.trust)
    doubted = options.trust == "none" and state.has_foreign()
    moved = bool(reading.delta or reading.gone or arrived or doubted) or not laid_out(state, stages_of(manifest))
    session = _session(root, manifest, state.in_memory() if moved else state, options, pipeline)
    if moved:
        with session.state.transaction():
            take_in(session.state, root, store, arrived, options)
            refresh(session.state, reading.delta, reading.rows.values(), reading.gone, session.stages, describe)
        _check(root, session.state, reading.delta)
    raise_errors(empty_disciplines(session.state, manifest))
    return session, reading.delta


@contextmanager
def _recorded(root: Path, options: Options) -> Iterator[State]:
    """Open what is recorded, to read it; what is damaged, or not of this clone, counts as nothing."""
    believed, path = finish(root, options.emit), _state_path(root)
    if not believed:
        options.emit(Note(f"{clone.CANNOT_TELL}: taken as if nothing were built", warning=True))
    try:
        state = State(path, writable=False) if believed else State.empty(path)
    except DamagedStateError as error:
        options.emit(Note(f"{error.message}: taken as if nothing were built", warning=True))
        state = State.empty(path)
    try:
        with translated(path):
            yield state
    finally:
        state.close()


@contextmanager
def writing_session(root: Path, manifest: Manifest, options: Options, who: str) -> Iterator[Session]:
    """Open a session that may build; waits for another writer. Raises `ProblemsError`, and then nothing is recorded.

    A damaged state is set aside: `DamagedStateError` is raised, and the next session begins anew (`afresh`).
    """
    path = _state_path(root)
    with exclusive(root, who, options.emit):
        try:
            with translated(path), _state_to_write(root, options.emit) as state:
                session = _session(root, manifest, state, options, read_pipeline(root, options.device))
                sweep(session.space)
                _take_in_travelled(session)
                known = _record_sources(session)
                raise_errors(empty_disciplines(state, manifest))
                yield replace(session, known=known)
        except DamagedStateError as error:
            set_aside(path)
            options.emit(Note(f"{error.message}: starting afresh from the sources and the store", warning=True))
            raise


@contextmanager
def candidate_session(
    root: Path, manifest: Manifest, options: Options, who: str, active: Callable[[str], bool]
) -> Iterator[tuple[Session, Session]]:
    """Open what is recorded, and a session that may build with some of the patches, on a state and a folder of its own.

    The candidate's traces go to the journal, so whoever builds the same later restores it. Raises `ProblemsError`.
    """
    with (
        exclusive(root, who, options.emit),
        translated(_state_path(root)),
        _state_to_write(root, options.emit) as state,
    ):
        pipeline = read_pipeline(root, options.device)
        recorded = _session(root, manifest, state, replace(options, jobs=1), pipeline)
        sweep(recorded.space)
        _take_in_travelled(recorded)
        session, _ = _brought_up(state, root, manifest, recorded.options, pipeline, active)
        own = state.in_memory() if session.state is state else session.state
        with own.transaction():
            own.forget_all_placed()
        remove_tree(root, CANDIDATE)
        space = Workspace(root, Store(recorded.space.store.root, root / CANDIDATE), recorded.space.scratch)
        sweep(space)
        try:
            yield recorded, replace(session, state=own, space=space)
        except RefutedError:
            with state.transaction():
                state.drop_foreign(DOUBT)
            raise


def afresh(work: Callable[P, T]) -> Callable[P, T]:
    """Do work that writes once more when its state was damaged and has been set aside."""

    @functools.wraps(work)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        except DamagedStateError:
            return work(*args, **kwargs)

    return again


@contextmanager
def _state_to_write(root: Path, emit: Emit) -> Iterator[State]:
    """Open the state; a new one takes over what is known of earlier builds."""
    state = State(_state_path(root), writable=True)
    try:
        _catch_up(state, root, emit)
        yield state
    finally:
        state.close()


def _catch_up(state: State, root: Path, emit: Emit) -> None:
    """Take over traces that the journal alone holds; into a new state, too, the files that the lock knows of."""
    known = state.note(journal.READ)
    path = journal.journal_of(state.path)
    journal.compact(path, state)
    if known == str(journal.end(path)):
        return
    with state.transaction():
        damaged: list[str] = []
        state.adopt(journal.read(path, int(known or 0), damaged.append))
        if damaged:
            emit(Note(f"{PRIVATE}/{path.name}: {len(damaged)} lines are passed over: {damaged[0]}", warning=True))
        state.set_note(journal.READ, str(journal.end(path)))
        for unit, name in lockfile.outputs(lockfile.read(root / LOCK)) if known is None else ():
            if inside(root / BUILD, name).is_file():
                state.announce_placed(PlacedRow(name, unit, "", UNPLACED))


def _take_in_travelled(session: Session) -> None:
    state, root, store, options = session.state, session.root, session.space.store, session.options
    arrived = travelled(state, root, session.pipeline, store, options.trust)
    if arrived or options.trust == "none":
        with state.transaction():
            take_in(state, root, store, arrived, options)


def _record_sources(session: Session) -> dict[str, bytes]:
    """Bring the state up to the sources, or leave it as it was; returns the facts that were read for it."""
    state, root = session.state, session.root
    options = session.options
    named = session.pipeline.files
    reading = read_sources(
        state, root, session.manifest, device_of(options), named, jobs=options.jobs, made_with=options.made_with
    )
    if reading.delta or reading.rows or reading.gone or not laid_out(state, session.stages):
        with state.transaction(), _checking(root, state, reading.delta, options.jobs) as check:
            refresh(state, reading.delta, reading.rows.values(), reading.gone, session.stages, describe)
            state.set_note(RECORDED, "")
            raise_errors(check())
    return {key: fact.value for key, fact in reading.delta.upserts.items()}


def record_written(session: Session, file: str) -> None:
    """Record a file that the command has written itself, no source of any unit, for stages of DVC that depend on it."""
    rows = scan(session.state, with_named({}, session.root, [file])).rows
    with session.state.transaction():
        session.state.apply(Delta(), rows.values(), ())


@contextmanager
def _checking(root: Path, state: State, delta: Delta, jobs: int) -> Iterator[Callable[[], list[Problem]]]:
    """Begin to check a delta that is about to be recorded; what is given returns the errors that it brings in.

    Much knowledge that is new as a whole is checked in a process of its own meanwhile.
    """
    from prodabuild.knowledge.edits import MANY, check_delta, check_first

    if jobs > 1 and len(delta.upserts) >= MANY and not state.has_facts():
        with aside(lambda: check_first(root, delta)) as check:
            yield check
    else:
        yield lambda: check_delta(root, state, delta)


def _check(root: Path, state: State, delta: Delta) -> None:
    """Raise `ProblemsError` with the errors that a recorded delta has brought in."""
    from prodabuild.knowledge.edits import check_delta  # a build of nothing need not read the checks

    raise_errors(check_delta(root, state, delta))


def read_now(root: Path, manifest: Manifest, options: Options, look: Callable[[State, Reading], T]) -> T:
    """Return what a look at the recorded state, and at how the sources differ from it, finds; changes nothing."""
    with _recorded(root, options) as recorded:
        return look(recorded, read_readable(recorded, root, manifest, device_of(options)))


def check_everything(root: Path, manifest: Manifest, options: Options, strict: bool, coverage: bool) -> CheckReport:
    """Return every problem of the knowledge, files that cannot be read included; raises `ProblemsError` for recipes."""
    with _recorded(root, options) as recorded:
        reading = read_readable(recorded, root, manifest, device_of(options))
        report = examine(root, manifest, recorded, reading, strict, coverage)
        if manifest.chain_suite is None or not report.ok:
            return report
        moved = bool(reading.delta or reading.gone) or not laid_out(recorded, stages_of(manifest))
        if moved and sum(row["chains"] for row in report.records.values()) > MOST_CHAINS:
            return report
        from prodabuild.project.untested import untested

        state = recorded.in_memory() if moved else recorded
        session = _session(root, manifest, state, options, read_pipeline(root, options.device))
        if moved:
            with state.transaction():
                refresh(state, reading.delta, reading.rows.values(), reading.gone, session.stages, describe)
        return replace(report, problems=tuple(sorted([*report.problems, *untested(session)], key=place_of)))


def empty_disciplines(state: State, manifest: Manifest) -> list[Problem]:
    """Return the disciplines that no record belongs to."""
    return unfilled((group.partition(":")[2] for group in state.groups()), manifest)


def validate_settings(root: Path, manifest: Manifest) -> None:
    """Raise `ProblemsError` when the manifest names a recipe or a base that is not there, or not sound."""
    text = decode(read_source(root, MANIFEST))
    problems = own_recipes(root, manifest, text).problems
    try:
        examine_named(root, parse_base(manifest.model.base))
    except ProjectError as error:
        problems.append(Problem("M016", error.message, MANIFEST, *locate(text, ("model", "base")), hint=error.hint))
    for name, suite in manifest.tests.items():
        for number, wrong in check_tasks(root, suite.tasks) if isinstance(suite, TaskSuite) else ():
            place = locate(text, ("tests", name, "tasks", number))
            problems.append(Problem("M030", wrong.message, MANIFEST, *place, hint=wrong.hint))
    try:
        if manifest.model.train.start is not None:
            examine_start(inside(root, manifest.model.train.start), manifest.model.train.start)
    except ProjectError as error:
        place = locate(text, ("model", "train", "start"))
        problems.append(Problem("M016", error.message, MANIFEST, *place, hint=error.hint))
    raise_errors(problems)


def _session(root: Path, manifest: Manifest, state: State, options: Options, pipeline: Pipeline) -> Session:
    if not options.own_code:
        raise_errors(code_of(root, manifest, options.to))
    return Session(root, manifest, state, workspace(root, options.cache), stages_of(manifest), options, pipeline)


def workspace(root: Path, cache: Path | None = None) -> Workspace:
    """Return where outputs go: the store in the cache of DVC, in that of the repo without DVC, or in the one given.

    Raises `ProjectError` where a link or another user's state stands in the way (see `examine`).
    """
    clone.examine(root)
    dvc = dvc_folder(root)
    cache = cache or (cache_folder(dvc) if dvc else inside(root, f"{PRIVATE}/cache"))
    return Workspace(root, Store(cache, root / BUILD), root / PRIVATE / "tmp")


def _state_path(root: Path) -> Path:
    return root / STATE


def device_of(options: Options) -> str:
    """Return the class of device to build for."""
    return probe() if options.device == "auto" else options.device
