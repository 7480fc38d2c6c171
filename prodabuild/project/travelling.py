"""Traces laid in `build/traces/` for DVC to carry: a clone that pulls restores what they tell of, and builds nothing.

Each is a file of the journal's lines, written where a stage of `dvc.yaml` names it among its outputs. What was written
elsewhere is believed as far as the options say: nothing; what a trusted version names, its files of traces and, in
these, the outputs of its lock; or everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import md5
from prodabuild.engine import journal, lockfile
from prodabuild.engine.dvcfile import LOCK, read_lock
from prodabuild.engine.facts import Reason
from prodabuild.engine.files import stat_of
from prodabuild.engine.store import place
from prodabuild.events import Note
from prodabuild.paths import NotRegularError, is_md5, is_regular, read_regular
from prodabuild.project.pipeline import BUILD, ORDER, normal
from prodabuild.project.stages import up_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.engine.state import State, Trace
    from prodabuild.engine.store import Store, Stored
    from prodabuild.events import Emit
    from prodabuild.project.outcome import Options
    from prodabuild.project.pipeline import Pipeline
    from prodabuild.project.session import Session
    from prodabuild.project.stages import Target
    from prodabuild.project.trust import Trust

FOLDER = "traces"
MAX_BYTES = 1 << 28  # of a file of traces that came from elsewhere
UNTRUSTED = Reason("what was built elsewhere is not taken in (--trust none)")


class Arrived(NamedTuple):
    """A file of traces: its path below `build/`, where it lies, and what tells it from another one."""

    path: str
    file: Path
    mark: str


def travelled(state: State, root: Path, pipeline: Pipeline, store: Store, trust: Trust) -> list[Arrived]:
    """Return the files of traces that a state has not looked at as they are, in so much trust.

    They lie in `build/`, or only in the cache: a worktree, or a clone that shares it, has one at once.
    """
    if trust == "none":
        return []
    paths = wanted(pipeline).values()
    found = [Arrived(path, root / BUILD / path, mark) for path in paths if (mark := look(root, path))]
    absent = set(paths) - {arrived.path for arrived in found}
    found += _in_cache(root, pipeline, store, absent) if absent else []
    levels = ("all",) if trust == "all" else ("lock", "all")
    return [each for each in found if state.note(_note(each.path)) not in [f"{level} {each.mark}" for level in levels]]


def take_in(state: State, root: Path, store: Store, arrived: Sequence[Arrived], options: Options) -> None:
    """Add what is believed of the traces that arrived to a state, or forget those of before where nothing is.

    Where it has one of the same inputs, its own stays.
    """
    if options.trust == "none" and state.has_foreign():
        state.drop_foreign(UNTRUSTED)
    if options.trust == "all":
        for each in arrived:
            state.adopt_foreign(_traces(each.file, each.path, "", options.emit))
    elif arrived:
        state.adopt_foreign(_trusted(root, store, arrived, options.emit))
    for each in arrived:
        state.set_note(_note(each.path), f"{options.trust} {each.mark}")


def _trusted(root: Path, store: Store, arrived: Sequence[Arrived], emit: Emit) -> Iterator[Trace]:
    """Return the traces in the files of the trusted versions that end in what the locks of these versions name."""
    from prodabuild.project.trust import (
        SETTING,
        trusted_versions,
    )  # git is asked when something arrived, and not before

    versions = trusted_versions(root)
    for version in versions:
        for path, name in version.traces.items():
            for file in (store.object_path(name), root / path):
                if traces := [*_traces(file, path.removeprefix(f"{BUILD}/"), name, emit)]:
                    yield from (each for each in traces if lockfile.names(version.entries, each.unit, each.files))
                    break
    known = {version.outputs.get(f"{BUILD}/{each.path}") for version in versions for each in arrived}
    if others := [each.path for each in arrived if md5(_bytes(each.file)) not in known]:
        of = f"{versions[0].ref}, which is trusted," if versions else f"a trusted branch (`git config {SETTING} REF`)"
        what = f"{BUILD}/{others[0]}" + (f" and {len(others) - 1} more" if others[1:] else "")
        emit(Note(f"{what} is not that of {of} and not taken in: --trust all restores what it names"))


def _traces(file: Path, path: str, name: str, emit: Emit) -> Iterator[Trace]:
    """Return the traces in a file, if it is the object of a name; lines that are none are passed over, with a note."""
    damaged: list[str] = []
    data = _bytes(file)
    if name in ("", md5(data)):
        yield from journal.parse(data, damaged.append)
    if damaged:
        number = f"{len(damaged)} lines are" if damaged[1:] else "a line is"
        emit(Note(f"{BUILD}/{path}: {number} passed over: {damaged[0]}", warning=True))


def _bytes(file: Path) -> bytes:
    """Return the bytes of a file that may be one of traces, none of another."""
    return read_regular(file, MAX_BYTES) if is_regular(file) and stat_of(file).size <= MAX_BYTES else b""


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
    here = sorted(path for path in paths & names.keys() if is_md5(names[path]))
    found = (Arrived(path, store.object_path(names[path]), names[path]) for path in here)
    return [arrived for arrived in found if arrived.file.is_file()]


def _write(session: Session, kind: Target, path: str) -> Stored:
    state, file = session.state, session.space.build / path
    data = b"".join(journal.line_of(trace) for stage in _stages(session, kind) for trace in state.current_traces(stage))
    if not (file.is_file() and read_regular(file) == data):
        place(session.root, f"{BUILD}/{path}", data, session.space.scratch, over_link=True)
    with state.transaction():
        state.set_note(_note(path), f"all {look(session.root, path)}")
    return session.space.store.put(path, data)


def _stages(session: Session, kind: Target) -> list[str]:
    """Return the stages of a target that those before it do not have."""
    at = ORDER.index(kind)
    before = len(up_to(session.stages, ORDER[at - 1])) if at else 0
    return [stage.name for stage in up_to(session.stages, kind)[before:]]


def _note(path: str) -> str:
    return f"taken in: {path}"
