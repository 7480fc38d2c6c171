"""One run on a data repo: the lock held, the state open and brought up to the sources."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

from prodabuild.engine import journal, lockfile
from prodabuild.engine.database import DamagedStateError, set_aside, translated
from prodabuild.engine.guard import writing
from prodabuild.engine.placing import UNPLACED, Workspace, find_damage, sweep
from prodabuild.engine.plan import make_plan
from prodabuild.engine.refresh import laid_out, refresh
from prodabuild.engine.run import Runner
from prodabuild.engine.state import PlacedRow, State
from prodabuild.engine.store import Store
from prodabuild.engine.view import Reader
from prodabuild.errors import ProjectError
from prodabuild.events import Note
from prodabuild.knowledge.check import check_all, check_delta
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.problems import Problem, ProblemsError, raise_errors
from prodabuild.project.inputs import RecordPlaces, opaque_files, read_sources
from prodabuild.project.locking import LOCK
from prodabuild.project.reasons import describe
from prodabuild.project.stages import stages_of, up_to
from prodabuild.shards.declared import own_recipes
from prodabuild.training.base import base_files, parse_base
from prodabuild.training.device import probe
from prodabuild.yamlio import decode, locate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from prodabuild.engine.plan import Plan
    from prodabuild.engine.run import RunResult
    from prodabuild.engine.units import Stage
    from prodabuild.knowledge.check import Finding
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.outcome import Options
    from prodabuild.project.stages import Target

PRIVATE = ".prodabuild"
STATE = f"{PRIVATE}/state.db"
BUILD = "build"
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
    known: Mapping[str, bytes] = field(default_factory=dict)  # facts that were read just now

    def reader(self) -> Reader:
        """Return a reader with an empty cache."""
        files = opaque_files(self.root, self.manifest)
        return Reader(self.state, self.space.store, files, self.options.emit, self.known)

    def plan(self, target: Target) -> Plan:
        """Return what a build of the target would do."""
        return make_plan(self.reader(), up_to(self.stages, target), find_damage(self.state, self.space))

    def run(self, target: Target) -> RunResult:
        """Build the target."""
        runner = Runner(self.reader(), self.space, self.options.emit, self.options.jobs, self.options.keep_going)
        return runner.run(up_to(self.stages, target))


class Retrospect(NamedTuple):
    """A session up to the sources, what the last run recorded, and the problems that keep the session at that."""

    session: Session
    recorded: State
    problems: tuple[Problem, ...]


@contextmanager
def reading(root: Path, manifest: Manifest, options: Options) -> Iterator[Session]:
    """Open a session that changes nothing on disk; raises `ProblemsError`."""
    with _recorded(root, options) as state:
        yield _brought_up(state, root, manifest, options)


@contextmanager
def looking_back(root: Path, manifest: Manifest, options: Options) -> Iterator[Retrospect]:
    """Open a session that changes nothing, and beside it what the last run recorded; never raises `ProblemsError`."""
    with _recorded(root, options) as recorded:
        problems: tuple[Problem, ...] = ()
        try:
            session = _brought_up(recorded, root, manifest, options)
        except ProblemsError as found:
            problems = found.problems
            session = _session(root, manifest, recorded, options)
        yield Retrospect(session, recorded, problems)


def _brought_up(state: State, root: Path, manifest: Manifest, options: Options) -> Session:
    """Return a session on a recorded state, or on a copy that is up to the sources where they have moved."""
    reading = read_sources(state, root, manifest, _device(options))
    moved = bool(reading.delta or reading.gone) or not laid_out(state, stages_of(manifest))
    session = _session(root, manifest, state.in_memory() if moved else state, options)
    if moved:
        with session.state.transaction():
            refresh(session.state, reading.delta, reading.rows.values(), reading.gone, session.stages, describe)
        raise_errors(problems_of(root, check_delta(session.state, reading.delta)))
    raise_errors(empty_disciplines(session.state, manifest))
    return session


@contextmanager
def _recorded(root: Path, options: Options) -> Iterator[State]:
    """Open what is recorded, to read it; what is damaged counts as nothing."""
    path = _state_path(root)
    try:
        state = State(path, writable=False)
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
    with writing(root / PRIVATE / "lock", who, options.emit):
        try:
            with translated(path), _state_to_write(root) as state:
                session = _session(root, manifest, state, options)
                sweep(session.space)
                known = _record_sources(session)
                raise_errors(empty_disciplines(state, manifest))
                yield replace(session, known=known)
        except DamagedStateError as error:
            set_aside(path)
            options.emit(Note(f"{error.message}: starting afresh from the sources and the store", warning=True))
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
def _state_to_write(root: Path) -> Iterator[State]:
    """Open the state; a new one takes over what is known of earlier builds."""
    state = State(_state_path(root), writable=True)
    try:
        _catch_up(state, root)
        yield state
    finally:
        state.close()


def _catch_up(state: State, root: Path) -> None:
    """Take over traces that the journal alone holds; into a new state, too, the files that the lock knows of."""
    known = state.note(journal.READ)
    path = journal.journal_of(state.path)
    journal.compact(path, state)
    if known == str(journal.end(path)):
        return
    with state.transaction():
        state.adopt(journal.read(path, int(known or 0)))
        state.set_note(journal.READ, str(journal.end(path)))
        for unit, name in lockfile.outputs(lockfile.read(root / LOCK)) if known is None else ():
            if (root / BUILD / name).is_file():
                state.announce_placed(PlacedRow(name, unit, "", UNPLACED))


def _record_sources(session: Session) -> dict[str, bytes]:
    """Bring the state up to the sources, or leave it as it was; returns the facts that were read for it."""
    state, root = session.state, session.root
    reading = read_sources(state, root, session.manifest, _device(session.options))
    if reading.delta or reading.rows or reading.gone or not laid_out(state, session.stages):
        with state.transaction():
            refresh(state, reading.delta, reading.rows.values(), reading.gone, session.stages, describe)
            raise_errors(problems_of(root, check_delta(state, reading.delta)))
    return {key: fact.value for key, fact in reading.delta.upserts.items()}


def check_everything(root: Path, manifest: Manifest, options: Options) -> tuple[list[Problem], State]:
    """Return every problem of the knowledge, and a state in memory that holds all of its facts."""
    with _recorded(root, options) as recorded:
        state = recorded.in_memory()
    reading = read_sources(state, root, manifest, _device(options))
    with state.transaction():
        refresh(state, reading.delta, reading.rows.values(), reading.gone, stages_of(manifest), describe)
    return [*problems_of(root, check_all(state)), *empty_disciplines(state, manifest)], state


def problems_of(root: Path, findings: list[Finding]) -> list[Problem]:
    """Return findings about records as problems with a place."""
    places = RecordPlaces(root)
    return [
        Problem(
            found.code,
            found.message,
            found.source,
            *places.locate(found.source, found.key, *found.path),
            found.hint,
            found.severity,
        )
        for found in findings
    ]


def empty_disciplines(state: State, manifest: Manifest) -> list[Problem]:
    """Return the disciplines that no record belongs to."""
    groups = {group.partition(":")[2] for group in state.groups()}
    hint = "add a file with `concepts:` to one of its folders"
    return [
        Problem("K009", f"the discipline {name!r} has no record", settings.knowledge[0], hint=hint)
        for name, settings in manifest.disciplines.items()
        if name not in groups
    ]


def validate_settings(root: Path, manifest: Manifest) -> None:
    """Raise `ProblemsError` when the manifest names a recipe or a base that is not there, or not sound."""
    text = decode((root / MANIFEST).read_bytes())
    problems = own_recipes(root, manifest, text).problems
    try:
        base_files(root, parse_base(manifest.model.base))
    except ProjectError as error:
        problems.append(Problem("M016", error.message, MANIFEST, *locate(text, ("model", "base")), hint=error.hint))
    raise_errors(problems)


def _session(root: Path, manifest: Manifest, state: State, options: Options) -> Session:
    space = Workspace(Store(cache_folder(root), root / BUILD), root / PRIVATE / "tmp")
    return Session(root, manifest, state, space, stages_of(manifest), options)


def cache_folder(root: Path) -> Path:
    """Return the folder of stored objects: DVC's cache where the repo uses DVC, else one of our own."""
    if not (root / ".dvc").is_dir():
        return root / PRIVATE / "cache"
    return root / ".dvc" / "cache"


def _state_path(root: Path) -> Path:
    return root / STATE


def _device(options: Options) -> str:
    return probe() if options.device == "auto" else options.device
