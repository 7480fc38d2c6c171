"""Exports: the data that was built, in a format that other trainers read. Shards are read one at a time."""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild import __version__
from prodabuild.digest import seeded
from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.lockfile import unit_entry
from prodabuild.errors import ProjectError, UsageError
from prodabuild.events import StageStarted, UnitDone
from prodabuild.paths import inside, read_regular, read_source
from prodabuild.problems import suggest
from prodabuild.project.outcome import ExportReport
from prodabuild.project.replacing import marked, replaced
from prodabuild.shards.card import text_path
from prodabuild.shards.contents import Contents, Tally
from prodabuild.shards.formats import FORMATS
from prodabuild.shards.licences import with_provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prodabuild.engine.state import State
    from prodabuild.events import Emit
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.outcome import ExportRequest
    from prodabuild.project.session import Session
    from prodabuild.shards.formats import Row
    from prodabuild.shards.licences import SourceOf

FOLDER = "build/export"
_OWN = (".git", ".dvc", ".prodabuild", "build")


class Selection(NamedTuple):
    """The files that are exported, by discipline; what they hold, and the digest of the unit that holds them all."""

    what: str
    digest: str
    files: dict[str, list[Path]]


def target_of(root: Path, manifest: Manifest, request: ExportRequest) -> Path:
    """Return the folder that an export goes to; raises `UsageError` when the request cannot be met."""
    for name in request.disciplines:
        if name not in manifest.disciplines:
            hint = suggest(name, manifest.disciplines, "disciplines")
            raise UsageError(f"there is no discipline {name!r}", hint)
    if request.items and not manifest.chain_suite:
        raise UsageError("proda.yaml declares no suite that is made from chains", "so there are no test items")
    if FORMATS[request.format].columnar:
        import pyarrow  # noqa: F401 - before anything is built
    default = f"{FOLDER}/{request.format}" + (f"-{request.items}" if request.items else "")
    folder = _place(root, request.to or default)
    refused = [path for settings in manifest.disciplines.values() for path in (*settings.knowledge, *settings.sources)]
    for path in (*refused, *_OWN):
        if folder.is_relative_to(root / path) and root / FOLDER not in folder.parents:
            raise UsageError(
                f"{request.to} lies in {path}, which is no place for exports", f"without --to it goes to {default}"
            )
    return folder


def _place(root: Path, text: str | Path) -> Path:
    """Return the folder of an export; raises `UnsafePathError` for one in the repo at or behind a link."""
    plain = Path(os.path.normpath(root / text))
    return inside(root, plain.relative_to(root).as_posix()) if plain.is_relative_to(root) else plain.resolve()


def write_export(session: Session, request: ExportRequest, folder: Path) -> ExportReport:
    """Write what a request asks for, from data that were built; raises `ProjectError` when `folder` is not ours."""
    form, selection = FORMATS[request.format], _select(session, request)
    shown = folder.relative_to(session.root).as_posix() if folder.is_relative_to(session.root) else str(folder)
    with replaced(folder, selection.what) as new:
        contents = _write_rows(session, request, selection, new)
        beside = form.describe(contents) | _licence_texts(session.root, contents)
        for name, data in beside.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(data)
        files = marked(new, _document(request.format, contents))
    load = form.load.replace("FOLDER", shown).replace("SPLIT", next(iter(contents.files)))
    return ExportReport(
        request.format,
        shown,
        contents.by(0),
        contents.by(1),
        contents.by(2),
        tuple({"path": path, **entry} for path, entry in files.items()),
        selection.digest,
        load.replace("NAME", contents.name),
    )


def _select(session: Session, request: ExportRequest) -> Selection:
    """Return what is exported; raises `ProjectError` when there is nothing."""
    what = request.items or "train"
    stage, top = ("items", f"items/{what}/") if request.items else ("shards", "dataset/train/")
    files: dict[str, list[Path]] = {}
    for unit, outputs in session.state.outputs(stage):
        discipline = prefix_of(unit)[0].partition(":")[2]
        if discipline in (request.disciplines or session.manifest.disciplines):
            paths = [session.space.build / stored.path for stored in outputs if stored.path.startswith(top)]
            files.setdefault(discipline, []).extend(paths)
    if not any(files.values()):
        raise ProjectError("there is nothing to export", _EMPTY[bool(request.items)])
    ((_, made),) = session.state.outputs("suites" if request.items else "dataset")
    return Selection(what, unit_entry(made)["sha256"], dict(sorted(files.items())))


def _write_rows(session: Session, request: ExportRequest, selection: Selection, folder: Path) -> Contents:
    """Write the files of every split; raises `ProjectError` when one of the splits has no row."""
    form, source_of = FORMATS[request.format], _sources(session.state)
    tally = Tally(source_of, session.manifest.licences)
    names = list(selection.files)
    groups = [[name] for name in names] if form.by_discipline else [names]
    splits = _splits(selection.what, request.held_out)
    emit = session.options.emit
    emit(StageStarted("export", len(splits) * sum(map(len, selection.files.values()))))
    files: dict[str, list[str]] = {}
    for split, belongs in splits.items():
        files[split] = []
        for group in groups:
            path = form.file.format(split=split, discipline=group[0])
            found = (row for name in group for row in _read(selection.files[name], emit) if belongs(row["id"]))
            rows = tally.passing(split, found)
            if form.columnar:
                rows = (with_provenance(row, source_of) for row in rows)
            first = next(rows, None)
            if first is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                form.write(folder / path, map(form.row, chain([first], rows)))
                files[split].append(path)
        if not files[split]:
            raise ProjectError(f"the split {split!r} would be empty", _EMPTY[bool(request.items)])
    return Contents(
        session.manifest.name, selection.what, selection.digest, __version__, files, tally.counts, tally.owed()
    )


_EMPTY = {
    False: "choose other disciplines, or another share with --split",
    True: "choose other disciplines, or other items with --items",
}


def _splits(what: str, held_out: tuple[str, float] | None) -> dict[str, Callable[[str], bool]]:
    """Return what tells whether a row's id belongs to a split, by split. An id decides alone, and for good."""
    if held_out is None:
        return {what: lambda _: True}
    name, share = held_out

    def aside(identity: str) -> bool:
        return seeded("held out", identity) / 2**64 < share

    return {what: lambda identity: not aside(identity), name: aside}


def _read(paths: list[Path], emit: Emit) -> Iterator[Row]:
    """Return the rows of files, one file in memory at a time; of an item, what a row of training data would be."""
    for path in paths:
        for line in read_regular(path).splitlines():
            row = orjson.loads(line)
            yield row if "messages" in row else _item_row(row)
        emit(UnitDone("export", path.name, "read"))


def _item_row(item: Row) -> Row:
    messages = [
        {"role": "user", "content": item["question"]},
        {"role": "assistant", "content": item["choices"][item["gold"]]},
    ]
    return {name: item[name] for name in ("id", "discipline", "split", "nodes", "choices", "gold")} | {
        "messages": messages
    }


def _sources(state: State) -> SourceOf:
    """Return what finds the source that a record names."""

    @lru_cache(maxsize=1 << 13)
    def source_of(record: str) -> dict[str, Any] | None:
        value = state.value(record)
        found: dict[str, Any] | None = orjson.loads(value).get("source") if value else None
        return found

    return source_of


def _licence_texts(root: Path, contents: Contents) -> dict[str, bytes]:
    files = {owed.licence.file for owed in contents.owed if owed.licence and owed.licence.file}
    return {text_path(file): read_source(root, file) for file in sorted(files)}


def _document(form: str, contents: Contents) -> dict[str, Any]:
    """Return what the marker says of an export beside its files. Nothing in it varies between equal data."""
    sources = [
        {"source": owed.source or None, "licence": owed.licence.name if owed.licence else "unknown", "rows": owed.rows}
        for owed in contents.owed
    ]
    return {
        "schema": 1,
        "written_by": f"prodabuild {contents.version}",
        "name": contents.name,
        "format": form,
        "what": contents.what,
        "data": contents.digest,
        "splits": contents.by(0),
        "disciplines": contents.by(1),
        "recipes": contents.by(2),
        "sources": sources,
    }
