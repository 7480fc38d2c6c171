"""One run on a data repo: the lock held, the state open and brought up to the sources."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodabuild.engine.guard import writing
from prodabuild.engine.placing import Workspace, find_damage
from prodabuild.engine.plan import make_plan
from prodabuild.engine.refresh import refresh
from prodabuild.engine.run import Runner
from prodabuild.engine.state import State
from prodabuild.engine.store import Store
from prodabuild.engine.view import Reader
from prodabuild.errors import ProjectError
from prodabuild.knowledge.edits import check_delta
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.problems import Problem, raise_errors, suggest
from prodabuild.project.checking import examine, unfilled
from prodabuild.project.inputs import opaque_files, read_sources
from prodabuild.project.reasons import describe
from prodabuild.project.stages import stages_of, up_to
from prodabuild.shards.recipes import RECIPES
from prodabuild.training.base import base_files, parse_base
from prodabuild.training.device import probe
from prodabuild.yamlio import decode, locate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.engine.plan import Plan
    from prodabuild.engine.run import RunResult
    from prodabuild.engine.units import Stage
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.outcome import CheckReport, Options
    from prodabuild.project.stages import Target

PRIVATE = ".prodabuild"


@dataclass(frozen=True)
class Session:
    """An open state, up to the sources, and everything needed to plan or run on it."""

    root: Path
    manifest: Manifest
    state: State
    space: Workspace
    stages: tuple[Stage, ...]
    options: Options

    def reader(self) -> Reader:
        """Return a reader with an empty cache."""
        return Reader(self.state, self.space.store, opaque_files(self.root, self.manifest), self.options.emit)

    def plan(self, target: Target) -> Plan:
        """Return what a build of the target would do."""
        return make_plan(self.reader(), up_to(self.stages, target), find_damage(self.state, self.space))

    def run(self, target: Target) -> RunResult:
        """Build the target."""
        runner = Runner(self.reader(), self.space, self.options.emit, self.options.jobs, self.options.keep_going)
        return runner.run(up_to(self.stages, target))


@contextmanager
def reading(root: Path, manifest: Manifest, options: Options) -> Iterator[Session]:
    """Open a session that changes nothing on disk; raises `ProblemsError`."""
    state = State(_state_path(root), writable=False)
    try:
        reading = read_sources(state, root, manifest, _device(options))
        moved = bool(reading.delta or reading.gone)
        session = _session(root, manifest, state.in_memory() if moved else state, options)
        if moved:
            with session.state.transaction():
                refresh(session.state, reading.delta, reading.rows.values(), reading.gone, session.stages, describe)
            raise_errors(check_delta(root, session.state, reading.delta))
        raise_errors(empty_disciplines(session.state, manifest))
        yield session
    finally:
        state.close()


@contextmanager
def writing_session(root: Path, manifest: Manifest, options: Options, who: str) -> Iterator[Session]:
    """Open a session that may build; waits for another writer. Raises `ProblemsError`, and then nothing is recorded."""
    with writing(root / PRIVATE / "lock", who, options.emit):
        state = State(_state_path(root), writable=True)
        try:
            session = _session(root, manifest, state, options)
            session.space.store.sweep()
            _record_sources(session)
            raise_errors(empty_disciplines(state, manifest))
            yield session
        finally:
            state.close()


def _record_sources(session: Session) -> None:
    """Bring the state up to the sources, or leave it as it was; what was read is forgotten before anything is built."""
    state, root = session.state, session.root
    reading = read_sources(state, root, session.manifest, _device(session.options))
    if reading.delta or reading.rows or reading.gone or not state.count_units():
        with state.transaction():
            refresh(state, reading.delta, reading.rows.values(), reading.gone, session.stages, describe)
            raise_errors(check_delta(root, state, reading.delta))


def check_everything(root: Path, manifest: Manifest, options: Options, strict: bool, coverage: bool) -> CheckReport:
    """Return every problem of the knowledge; raises `ProblemsError` with those of files that cannot be read."""
    recorded = State(_state_path(root), writable=False)
    try:
        reading = read_sources(recorded, root, manifest, _device(options))
        return examine(root, manifest, recorded, reading.delta, strict, coverage)
    finally:
        recorded.close()


def empty_disciplines(state: State, manifest: Manifest) -> list[Problem]:
    """Return the disciplines that no record belongs to."""
    return unfilled((group.partition(":")[2] for group in state.groups()), manifest)


def validate_settings(root: Path, manifest: Manifest) -> None:
    """Raise `ProblemsError` when the manifest names a recipe or a base that does not exist."""
    text = decode((root / MANIFEST).read_bytes())
    problems = [
        Problem(
            "M015", f"there is no recipe {name!r}", MANIFEST, *locate(text, ("compile", "recipes", number)), hint=hint
        )
        for number, name in enumerate(manifest.compile.recipes)
        if name not in RECIPES and (hint := suggest(name, RECIPES, "recipes"))
    ]
    try:
        base_files(root, parse_base(manifest.model.base))
    except ProjectError as error:
        problems.append(Problem("M016", error.message, MANIFEST, *locate(text, ("model", "base")), hint=error.hint))
    raise_errors(problems)


def _session(root: Path, manifest: Manifest, state: State, options: Options) -> Session:
    space = Workspace(Store(cache_folder(root), root / "build"), root / PRIVATE / "tmp")
    return Session(root, manifest, state, space, stages_of(manifest), options)


def cache_folder(root: Path) -> Path:
    """Return the folder of stored objects: DVC's cache where the repo uses DVC, else one of our own."""
    if not (root / ".dvc").is_dir():
        return root / PRIVATE / "cache"
    return root / ".dvc" / "cache"


def _state_path(root: Path) -> Path:
    return root / PRIVATE / "state.db"


def _device(options: Options) -> str:
    return probe() if options.device == "auto" else options.device
