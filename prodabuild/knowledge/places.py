"""Where records stand: file, line and column of a record and of what is inside it, found when a problem needs it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.knowledge.files import parse
from prodabuild.knowledge.patches import is_patch, paths_in
from prodabuild.knowledge.records import identity_of
from prodabuild.paths import read_source
from prodabuild.problems import Problem, severity_of
from prodabuild.yamlio import decode, nearest, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from prodabuild import yamlio

NOWHERE = (0, 0)


class _Text(NamedTuple):
    """One file: the path of each record in its document, and every place in it; or the line of each record."""

    records: dict[str, yamlio.Path]
    places: yamlio.Places
    lines: dict[str, int]


class Places:
    """Finds records in the files that state them (`files`, by id); each file is read once, when it is needed."""

    def __init__(self, root: Path, files: Callable[[], Mapping[str, str]]) -> None:
        self._root = root
        self._find = files
        self._texts: dict[str, _Text] = {}

    @cached_property
    def _files(self) -> Mapping[str, str]:
        return self._find()

    def locate(self, key: str, *inside: str | int) -> tuple[int, int]:
        """Return line and column of a record, or of what stands inside it; (0, 0) when it is not there any more."""
        text = self._text(self._files[key])
        if key in text.lines:
            return text.lines[key], 1
        return nearest(text.places, (*text.records[key], *inside)) if key in text.records else NOWHERE

    def spot(self, key: str) -> str:
        """Return `file:line` of a record."""
        return f"{self._files[key]}:{self.locate(key, 'id')[0]}"

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Return records in the order of their places, files by name."""
        return sorted(keys, key=lambda key: (self._files[key], self.locate(key, "id"), key))

    def problem(self, code: str, key: str, message: str, *inside: str | int, hint: str | None = None) -> Problem:
        """Return what is wrong with a record, or with what stands at a path inside it."""
        return Problem(code, message, self._files[key], *self.locate(key, *inside), hint, severity_of(code))

    def _text(self, file: str) -> _Text:
        if file not in self._texts:
            try:
                self._texts[file] = _read(read_source(self._root, file), file)
            except FileNotFoundError:
                self._texts[file] = _Text({}, {}, {})
        return self._texts[file]


def _read(data: bytes, file: str) -> _Text:
    if is_patch(file):
        paths = paths_in(data, file)
        return _Text(paths, places(decode(data)) if paths else {}, {})
    raws = parse(data, file)[0]
    if not raws:  # it was sound when its records were read
        return _Text({}, {}, {})
    if file.endswith(".jsonl"):
        return _Text({}, {}, {identity_of(raw.level, raw.data): raw.line for raw in raws})
    records: dict[str, yamlio.Path] = {}
    for raw in raws:
        records.setdefault(identity_of(raw.level, raw.data), raw.path)
    return _Text(records, places(decode(data)), {})
