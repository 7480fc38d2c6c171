"""Which file each imported record stands in: where it is now, beside its neighbour, or where a first import puts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.knowledge.editing import START, Edit, apply, encode
from prodabuild.knowledge.files import SUFFIXES, parse
from prodabuild.knowledge.records import ID, Raw, identity_of, nodes_of
from prodabuild.manifest.paths import PREDICATES, files_below
from prodabuild.paths import read_source
from prodabuild.problems import raise_errors
from prodabuild.project.baseline import content_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prodabuild.knowledge.records import Level
    from prodabuild.problems import Problem
    from prodabuild.project.merging import Merge

BULK = 2000  # records of a JSONL file: a file that changed is read whole
Groups = dict[str, list[Raw]]  # a file's path without its suffix -> the records that belong together


class New(NamedTuple):
    """A record as the source has it: its content, its digest, the file that a first import puts it in."""

    raw: Raw
    digest: str
    file: str


class Here(NamedTuple):
    """A record as it is in the repo. In a file that is what a first import would write, it has no place."""

    file: str
    digest: str
    raw: Raw


@dataclass
class Shelf:
    """The files below the folder of an import, the records of it that stand in them, and those beside them."""

    records: dict[str, Here] = field(default_factory=dict)
    others: dict[str, Raw] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)


def file_records(groups: Groups, form: str) -> tuple[dict[str, New], dict[str, bytes]]:
    """Return every record by id, concepts first and chains last, and the files of a first import."""
    found: dict[Level, dict[str, New]] = {"concept": {}, "relation": {}, "chain": {}}
    files: dict[str, bytes] = {}
    for stem, raws in groups.items():
        for file, part in _parts(stem, raws, form):
            files[file] = encode(part, file)
            for raw in part:
                identity = identity_of(raw.level, raw.data)
                if not ID.fullmatch(identity):
                    raise ProjectError(f"{identity!r} cannot be an id", "the source names a record so")
                found[raw.level][identity] = New(raw, content_digest(raw.level, raw.data), file)
    return {**found["concept"], **found["relation"], **found["chain"]}, files


def _parts(stem: str, raws: list[Raw], form: str) -> Iterator[tuple[str, list[Raw]]]:
    """Return the files that records go into: one of YAML, or of JSONL as many as keep an edit's cost small."""
    if form == "yaml" or len(raws) <= BULK:
        yield from [(f"{stem}.{form}", raws)] if raws else []
        return
    for number, at in enumerate(range(0, len(raws), BULK)):
        yield f"{stem}-{number:03}.{form}", raws[at : at + BULK]


def read_shelf(root: Path, into: str, records: Mapping[str, New], files: Mapping[str, bytes], ids: set[str]) -> Shelf:
    """Read the files below a folder that can hold one of the ids; raises `ProblemsError` where one is not sound."""
    shelf = Shelf()
    untouched = set()
    folders = {identity.partition("/")[0].encode() + b"/" for identity in ids}
    problems: list[Problem] = []
    for file in files_below(root, into, SUFFIXES):
        shelf.data[file] = data = read_source(root, file)
        if files.get(file) == data:
            untouched.add(file)
        elif file != PREDICATES and (file in files or any(folder in data for folder in folders)):
            raws, wrong = parse(data, file)
            problems += wrong
            for raw in raws:
                identity = identity_of(raw.level, raw.data)
                if identity in ids:
                    here = Here(file, content_digest(raw.level, raw.data), raw)
                    shelf.records.setdefault(identity, here)
                else:
                    shelf.others[identity] = raw
    raise_errors(problems)
    for identity, new in records.items():
        if new.file in untouched:
            shelf.records[identity] = Here(new.file, new.digest, new.raw)
    return shelf


def needs_of(raw: Raw) -> list[str]:
    """Return the ids that a record refers to."""
    if raw.level == "relation":
        return [raw.data["subject"], raw.data["object"]]
    if raw.level in ("emphasis", "sample"):
        return nodes_of(raw.data)
    needed: list[str] = raw.data.get("steps", [])
    return needed


def holding(shelf: Shelf) -> dict[str, list[str]]:
    """Return what each record refers to."""
    own = {identity: here.raw for identity, here in shelf.records.items()}
    return {identity: needs_of(raw) for identity, raw in {**shelf.others, **own}.items()}


def revise(groups: Groups, records: Mapping[str, New], shelf: Shelf, merge: Merge) -> dict[str, Edit]:
    """Return the edit that each file needs."""
    edits: dict[str, Edit] = {}
    for identity in merge.changed:
        edits.setdefault(shelf.records[identity].file, Edit()).replaced[identity] = records[identity].raw
    for identity in merge.removed:
        edits.setdefault(shelf.records[identity].file, Edit()).removed.add(identity)
    where = {identity: here.file for identity, here in shelf.records.items()}
    desk = _Desk(where, set(merge.added), frozenset(shelf.data), edits)
    for raws in groups.values() if merge.added else ():
        desk.place(raws, records)
    return edits


@dataclass
class _Desk:
    """New records on their way to a file: one that is `standing` already, or the one of a first import.

    `where` grows with each; `anchors` are what new records follow.
    """

    where: dict[str, str]
    waiting: set[str]
    standing: frozenset[str]
    edits: dict[str, Edit]
    anchors: dict[str, str | None] = field(default_factory=dict)

    def place(self, raws: list[Raw], records: Mapping[str, New]) -> None:
        """Place the new ones among records that belong together."""
        last: dict[Level, tuple[str, str]] = {}
        for raw in raws:
            identity = identity_of(raw.level, raw.data)
            if identity in self.waiting:
                file, after = self._choose(raw, raws, last.get(raw.level), records[identity].file)
                self.edits.setdefault(file, Edit()).added.append((after, raw))
                self.where[identity], self.anchors[identity] = file, after
            if identity in self.where:
                last[raw.level] = (identity, raw.data.get("subject", ""))

    def _choose(self, raw: Raw, raws: list[Raw], last: tuple[str, str] | None, first: str) -> tuple[str, str | None]:
        """Return a file, and the record in it to follow: the neighbour before, else the start, else the end."""
        subject = raw.data.get("subject", "")
        above = self.where.get(subject, "") if raw.level == "relation" else ""
        if above.endswith((".yaml", ".yml")):
            beside = last is not None and last[1] == subject and self.where[last[0]] == above
            return above, self._after(last[0]) if last and beside else START
        if last and self.where[last[0]] in self.standing:
            return self.where[last[0]], self._after(last[0])
        if last is None:
            ids = (identity_of(each.level, each.data) for each in raws if each.level == raw.level)
            file = next((self.where[identity] for identity in ids if identity in self.where), None)
            if file is not None:
                return file, START
        return first, None

    def _after(self, identity: str) -> str | None:
        return self.anchors.get(identity, identity)


def edited(shelf: Shelf, edits: Mapping[str, Edit]) -> dict[str, bytes]:
    """Return the new bytes of each file that an edit changes; empty bytes mean that no record is left in it."""
    found = {}
    for file, edit in edits.items():
        data = shelf.data.get(file, b"")
        found[file] = apply(data, file, edit) if data.strip() else encode([raw for _, raw in edit.added], file)
    return found
