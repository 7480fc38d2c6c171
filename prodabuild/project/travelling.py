"""Traces of what is dear to build, laid in `build/traces/` for DVC to carry: a clone that pulls trains nothing again.

They are written where a stage of `dvc.yaml` names them among its outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.digest import change_digest, md5
from prodabuild.engine.portable import export, parse
from prodabuild.engine.store import place
from prodabuild.project.pipeline import BUILD, ORDER, normal

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.portable import Portable
    from prodabuild.engine.state import Trace
    from prodabuild.engine.store import Stored
    from prodabuild.project.pipeline import Pipeline
    from prodabuild.project.session import Session
    from prodabuild.project.stages import Target

FOLDER = "traces"
_STAGES: dict[Target, tuple[str, ...]] = {"model": ("base", "model"), "results": ("results",)}


def read_travelled(build: Path, pipeline: Pipeline) -> dict[str, Portable]:
    """Return the traces that lie in `build/`, by unit."""
    files = (build / path for path in _wanted(pipeline).values())
    return {unit: found for file in files if file.is_file() for unit, found in parse(file.read_bytes()).items()}


def write_traces(session: Session, target: Target) -> list[Stored]:
    """Write the traces of what was built up to a target; returns their files."""
    reach = ORDER[: ORDER.index(target) + 1]
    return [_write(session, kind, path) for kind, path in _wanted(session.pipeline).items() if kind in reach]


def _wanted(pipeline: Pipeline) -> dict[Target, str]:
    """Return the files, below `build/`, that stages name among their outputs."""
    outs = {normal(out.path) for _, stage in pipeline.stages for out in stage.outs}
    return {kind: path for kind in _STAGES if f"{BUILD}/{(path := f'{FOLDER}/{kind}.jsonl')}" in outs}


def _write(session: Session, kind: Target, path: str) -> Stored:
    """Write one file, unless it tells of these very traces already."""
    state, file = session.state, session.space.build / path
    traces = [trace for stage in _STAGES[kind] for trace in state.current_traces(stage)]
    told = change_digest(b"".join(trace.inputs + trace.output for trace in traces)).hex()
    data = file.read_bytes() if file.is_file() else b""
    if state.note(f"traces {kind}") != f"{told} {md5(data)}":
        data = _lines(session, traces)
        place(file, data, session.space.scratch)
        with state.transaction():
            state.set_note(f"traces {kind}", f"{told} {md5(data)}")
    return session.space.store.put(path, data)


def _lines(session: Session, traces: list[Trace]) -> bytes:
    reader = session.reader()
    return b"".join(export(reader, trace) for trace in traces)
