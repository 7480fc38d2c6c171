"""`dvc.lock`: DVC's record of a version, written without DVC from what the state holds.

A stage is recorded by the command that it names, or by one that does more. Stages beyond that keep their entry
while their command, dependencies and parameters are those of the entry. All other stages are DVC's own.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical, md5
from prodabuild.engine import journal
from prodabuild.engine.dvcfile import LOCK, PIPELINE, read_lock, write_lock
from prodabuild.engine.dvcignore import ignored, rules_above
from prodabuild.engine.store import place, tree_of
from prodabuild.events import Note
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.model import Manifest
from prodabuild.manifest.strict import read_strict
from prodabuild.paths import read_regular, read_source
from prodabuild.problems import ProblemsError
from prodabuild.project.pipeline import BUILD, ORDER, RECORDED, built, normal
from prodabuild.project.stages import up_to
from prodabuild.project.travelling import look, wanted
from prodabuild.yamlio import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prodabuild.engine.dvcfile import DvcOut, DvcStage, Entry
    from prodabuild.engine.files import FileRow
    from prodabuild.engine.store import Stored
    from prodabuild.project.session import Session
    from prodabuild.project.stages import Target


_TOLD = (PIPELINE, LOCK, MANIFEST, ".dvcignore")


class UnrecordableError(Exception):
    """Why a stage is left to DVC."""


class Content(NamedTuple):
    """What DVC notes of a file, or of a folder of `files` files."""

    md5: str
    size: int
    files: int | None = None

    def entry(self, path: str) -> Entry:
        """Return how a lock states it."""
        count = {} if self.files is None else {"nfiles": self.files}
        return {"path": path, "hash": "md5", "md5": self.md5, "size": self.size} | count


def is_recorded(session: Session, target: Target) -> bool:
    """Tell whether the lock says what was built up to a target already: nothing moved since it was written."""
    told, _, objects = (session.state.note(RECORDED) or "").partition(" ")
    whole = all(session.space.store.object_path(name).is_file() for name in objects.split())
    return bool(told) and whole and told == _told(session, target)


def update_dvc_lock(session: Session, target: Target, traces: Iterable[Stored], passed: bool = True) -> None:
    """Write the entries of what was built up to a target. A test that failed is not recorded, as with DVC."""
    emit, path = session.options.emit, session.root / LOCK
    if not session.pipeline.stages:
        return
    old = read_lock(path)
    made = _made(session, target) | {stored.path: stored for stored in traces}
    recorder = _Recorder(session, session.state.file_rows(), made, _settings(session))
    entries: dict[str, Entry | None] = {}
    for kind, stage in session.pipeline.stages:
        before = old.entry(stage.name)
        try:
            if ORDER.index(kind) > ORDER.index(target):
                entry = before if recorder.holds(stage, before) else None
            else:
                entry = recorder.entry(stage) if passed or kind != "results" else None
        except UnrecordableError as why:
            emit(Note(f"{LOCK}: the stage {stage.name} is left to `dvc commit`: {why}", warning=True))
            entry = before
        recorder.learn(entry)
        entries[stage.name] = entry
    if write_lock(path, old, entries, session.space.scratch):
        emit(Note(f"{LOCK} was updated"))
    stands = target != "results" and recorder.settings is not None  # others may write the files that scores lie in
    with session.state.transaction():
        session.state.set_note(RECORDED, " ".join([_told(session, target), *recorder.kept]) if stands else "")


def _told(session: Session, target: Target) -> str:
    """Return a digest of all that an entry says, but for rows and outputs: the note falls when those of sources move,
    and the journal grows with what is built."""
    pipeline, root = session.pipeline, session.root
    files = [md5(read_regular(path)) for name in _TOLD if (path := root / name).is_file()]
    stages = [stage.name for _, stage in pipeline.stages]
    traces = [look(root, path) for path in wanted(pipeline).values()]
    return md5(canonical([target, files, stages, pipeline.listed, traces, session.state.note(journal.READ)]))


def write_metrics(session: Session, scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the scores into the metrics files that stages of `prodabuild test` keep in git."""
    data = orjson.dumps(scores, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    outs = (out for kind, stage in session.pipeline.stages if kind == "results" for out in stage.outs)
    for path in (normal(out.path) for out in outs if out.metric and not out.cached):
        if path and not ((session.root / path).is_file() and read_source(session.root, path) == data):
            place(session.root, path, data, session.space.scratch)


@dataclass(frozen=True)
class _Recorder:
    """What DVC would find: rows of source files, files made, settings, outputs of stages that are recorded."""

    session: Session
    rows: Mapping[str, FileRow]
    made: Mapping[str, Stored]
    settings: Mapping[str, Any] | None
    recorded: dict[str, Content] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)  # objects that this record has seen to

    def entry(self, stage: DvcStage) -> Entry:
        """Return the entry of a stage whose outputs are clean."""
        outs = [self._out(out).entry(out.path) for out in stage.outs]
        return self._head(stage) | ({"outs": outs} if outs else {})

    def holds(self, stage: DvcStage, entry: Any) -> bool:
        """Tell whether an entry says what a run of its stage would find now."""
        try:
            head = self._head(stage)
        except UnrecordableError:
            return False
        return isinstance(entry, dict) and head == {key: value for key, value in entry.items() if key != "outs"}

    def learn(self, entry: Entry | None) -> None:
        """Take in what an entry says of its outputs: later stages may depend on them."""
        for out in (entry or {}).get("outs", ()):
            self.recorded[posixpath.normpath(out["path"])] = Content(out["md5"], out["size"], out.get("nfiles"))

    def _head(self, stage: DvcStage) -> Entry:
        entry: Entry = {"cmd": stage.cmd}
        if stage.deps:
            entry["deps"] = [self._dependency(path).entry(path) for path in stage.deps]
        if stage.params:
            entry["params"] = {file: self._params(file, keys) for file, keys in stage.params.items()}
        return entry

    def _dependency(self, path: str) -> Content:
        inside = normal(path)
        if inside is None or not built(inside):
            return self._sources(path, inside)
        files = self._files(inside)
        if files:
            return self._built(files, keep=False)
        if inside in self.recorded:
            return self.recorded[inside]
        raise UnrecordableError(f"{path} is not built")

    def _sources(self, path: str, inside: str | None) -> Content:
        names = self.session.pipeline.listed.get(inside or "")
        if names is None or inside is None:
            raise UnrecordableError(f"{path} is no file or folder of this repo that DVC could name")
        files = [posixpath.join(inside, name).rstrip("/") for name in names]
        found = [self.rows.get(f"./{file}") or self.rows.get(file) for file in files]
        rows = [row for row in found if row is not None]
        if len(rows) < len(files):
            raise UnrecordableError(f"a file of {path} has vanished")
        if names == ("",):
            return Content(rows[0].md5, rows[0].size)
        tree = tree_of(zip(names, (row.md5 for row in rows), strict=True))[0]
        return Content(tree, sum(row.size for row in rows), len(rows))

    def _params(self, file: str, keys: tuple[str, ...]) -> dict[str, Any]:
        if normal(file) != MANIFEST:
            raise UnrecordableError(f"it reads parameters from {file}")
        if self.settings is None:
            raise UnrecordableError(f"{MANIFEST} changed while it was built")
        return {key: _setting(self.settings, key) for key in sorted(keys or self.settings)}

    def _out(self, out: DvcOut) -> Content:
        inside = normal(out.path) or ""
        files = self._files(inside) if built(inside) else {}
        if not files:
            return self._other_out(out, inside)
        if ignored(rules_above(self.session.root, inside), (posixpath.join(inside, name) for name in files)):
            raise UnrecordableError(f".dvcignore names files of {out.path}")
        return self._built(files, keep=out.cached)

    def _other_out(self, out: DvcOut, inside: str) -> Content:
        if out.cached or not inside or not (self.session.root / inside).is_file():
            raise UnrecordableError(f"prodabuild does not make {out.path}")
        data = read_source(self.session.root, inside)
        return Content(md5(data), len(data))

    def _files(self, inside: str) -> dict[str, Stored]:
        """Return the built files at or below a path, by their path relative to it."""
        path = inside.removeprefix(BUILD).removeprefix("/")
        if path in self.made:
            return {"": self.made[path]}
        below = f"{path}/" if path else ""
        return {name.removeprefix(below): stored for name, stored in self.made.items() if name.startswith(below)}

    def _built(self, files: Mapping[str, Stored], keep: bool) -> Content:
        store = self.session.space.store
        size = sum(stored.size for stored in files.values())
        if "" in files:
            found = Content(files[""].md5, size)
            if keep:
                store.secure(files[""])
        else:
            name = store.put_folder(files) if keep else tree_of((path, stored.md5) for path, stored in files.items())[0]
            found = Content(name, size, len(files))
        self.kept.extend([found.md5] if keep else ())
        return found


def _made(session: Session, target: Target) -> dict[str, Stored]:
    """Return every file that the units up to a target made, by its path below `build/`."""
    outputs = (files for stage in up_to(session.stages, target) for _, files in session.state.outputs(stage.name))
    return {stored.path: stored for files in outputs for stored in files}


def _settings(session: Session) -> dict[str, Any] | None:
    """Return the manifest as it is written; None when it is no longer the one that was built."""
    try:
        manifest, text = read_strict(Manifest, read_source(session.root, MANIFEST), MANIFEST)
    except (FileNotFoundError, ProblemsError):
        return None
    settings: dict[str, Any] = load(text)
    return settings if manifest == session.manifest else None


def _setting(settings: Mapping[str, Any], key: str) -> Any:
    found: Any = settings
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            raise UnrecordableError(f"{MANIFEST} has no {key}")
        found = found[part]
    return found
