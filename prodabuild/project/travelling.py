"""Traces laid in `build/traces/` for DVC to carry: a clone that pulls restores what they tell of, and builds nothing.

Each is a file of the journal's lines, written where a stage of `dvc.yaml` names it among its outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.engine import journal
from prodabuild.engine.files import stat_of
from prodabuild.engine.store import place
from prodabuild.project.pipeline import BUILD, ORDER, normal
from prodabuild.project.stages import up_to

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.state import State
    from prodabuild.engine.store import Stored
    from prodabuild.project.pipeline import Pipeline
    from prodabuild.project.session import Session
    from prodabuild.project.stages import Target

FOLDER = "traces"


def travelled(state: State, root: Path, pipeline: Pipeline) -> list[str]:
    """Return the files of traces, below `build/`, that a state has not taken in as they lie there."""
    paths = wanted(pipeline).values()
    return [path for path in paths if (now := look(root, path)) and now != state.note(_note(path))]


def take_in(state: State, root: Path, paths: list[str]) -> None:
    """Add the traces of these files to a state. Where it has one of the same inputs, its own stands."""
    for path in paths:
        now = look(root, path)
        traces = journal.read(root / BUILD / path)
        state.adopt(trace for trace in traces if state.trace(trace.unit, trace.inputs) is None)
        state.set_note(_note(path), now)


def write_traces(session: Session, target: Target) -> list[Stored]:
    """Write the traces of what was built up to a target; returns their files."""
    reach = ORDER[: ORDER.index(target) + 1]
    return [_write(session, kind, path) for kind, path in wanted(session.pipeline).items() if kind in reach]


def look(root: Path, path: str) -> str:
    """Return what tells a file below `build/` from another one that lay there; "" when there is none."""
    try:
        return " ".join(map(str, stat_of(root / BUILD / path)))
    except (FileNotFoundError, NotADirectoryError):
        return ""


def wanted(pipeline: Pipeline) -> dict[Target, str]:
    """Return the files, below `build/`, that stages name among their outputs."""
    outs = {normal(out.path) for _, stage in pipeline.stages for out in stage.outs}
    return {kind: path for kind in ORDER if f"{BUILD}/{(path := f'{FOLDER}/{kind}.journal')}" in outs}


def _write(session: Session, kind: Target, path: str) -> Stored:
    state, file = session.state, session.space.build / path
    data = b"".join(journal.line_of(trace) for stage in _stages(session, kind) for trace in state.current_traces(stage))
    if not (file.is_file() and file.read_bytes() == data):
        place(file, data, session.space.scratch)
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
