"""Traces laid in `build/traces/` for DVC to carry: a clone that pulls restores what they tell of, and builds nothing.

Each is a file of the journal's lines, written where a stage of `dvc.yaml` names it among its outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine import journal
from prodabuild.engine.dvcfile import LOCK, read_lock
from prodabuild.engine.files import stat_of
from prodabuild.engine.store import place
from prodabuild.paths import NotRegularError, read_regular
from prodabuild.project.pipeline import BUILD, ORDER, normal
from prodabuild.project.stages import up_to

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.state import State
    from prodabuild.engine.store import Store, Stored
    from prodabuild.project.pipeline import Pipeline
    from prodabuild.project.session import Session
    from prodabuild.project.stages import Target

FOLDER = "traces"


class Arrived(NamedTuple):
    """A file of traces: its path below `build/`, where it lies, and what tells it from another one."""

    path: str
    file: Path
    mark: str


def travelled(state: State, root: Path, pipeline: Pipeline, store: Store) -> list[Arrived]:
    """Return the files of traces that a state has not taken in as they are.

    They lie in `build/`, or only in the cache: a worktree, or a clone that shares it, has one at once.
    """
    paths = wanted(pipeline).values()
    found = [Arrived(path, root / BUILD / path, mark) for path in paths if (mark := look(root, path))]
    absent = set(paths) - {arrived.path for arrived in found}
    found += _in_cache(root, pipeline, store, absent) if absent else []
    return [arrived for arrived in found if arrived.mark != state.note(_note(arrived.path))]


def take_in(state: State, files: list[Arrived]) -> None:
    """Add the traces of these files to a state. Where it has one of the same inputs, its own stands."""
    for arrived in files:
        traces = journal.read(arrived.file)
        state.adopt(trace for trace in traces if state.trace(trace.unit, trace.inputs) is None)
        state.set_note(_note(arrived.path), arrived.mark)


def write_traces(session: Session, target: Target) -> list[Stored]:
    """Write the traces of what was built up to a target; returns their files."""
    reach = ORDER[: ORDER.index(target) + 1]
    return [_write(session, kind, path) for kind, path in wanted(session.pipeline).items() if kind in reach]


def look(root: Path, path: str) -> str:
    """Return what tells a file below `build/` from another one that lay there; "" when there is none."""
    try:
        return " ".join(map(str, stat_of(root / BUILD / path)))
    except (FileNotFoundError, NotADirectoryError, NotRegularError):
        return ""


def wanted(pipeline: Pipeline) -> dict[Target, str]:
    """Return the files, below `build/`, that stages name among their outputs."""
    outs = {normal(out.path) for _, stage in pipeline.stages for out in stage.outs}
    return {kind: path for kind in ORDER if f"{BUILD}/{(path := f'{FOLDER}/{kind}.journal')}" in outs}


def _in_cache(root: Path, pipeline: Pipeline, store: Store, paths: set[str]) -> list[Arrived]:
    """Return those of these files whose objects, as `dvc.lock` names them, are there."""
    lock = read_lock(root / LOCK)
    outs = [out for _, stage in pipeline.stages for out in (lock.entry(stage.name) or {}).get("outs", ())]
    names = {(normal(out["path"]) or "").removeprefix(f"{BUILD}/"): out["md5"] for out in outs}
    found = (Arrived(path, store.object_path(names[path]), names[path]) for path in sorted(paths & names.keys()))
    return [arrived for arrived in found if arrived.file.is_file()]


def _write(session: Session, kind: Target, path: str) -> Stored:
    state, file = session.state, session.space.build / path
    data = b"".join(journal.line_of(trace) for stage in _stages(session, kind) for trace in state.current_traces(stage))
    if not (file.is_file() and read_regular(file) == data):
        place(session.root, f"{BUILD}/{path}", data, session.space.scratch, over_link=True)
    with state.transaction():
        state.set_note(_note(path), look(session.root, path))
    return session.space.store.put(path, data)


def _stages(session: Session, kind: Target) -> list[str]:
    """Return the stages of a target that those before it do not have."""
    at = ORDER.index(kind)
    before = len(up_to(session.stages, ORDER[at - 1])) if at else 0
    return [stage.name for stage in up_to(session.stages, kind)[before:]]


def _note(path: str) -> str:
    return f"taken in: {path}"
