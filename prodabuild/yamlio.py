"""YAML and JSONL as prodabuild reads them: YAML 1.2 core types, plain data only, positions on demand.

Refused with a place: duplicate keys, anchors, tags, several documents, deep nesting, endless numbers, text that is not
UTF-8. A byte order mark is passed over.
Loading is fast and keeps no positions; `locate` finds the place of one path when a problem needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
import yaml

Path: TypeAlias = tuple[str | int, ...]
Places: TypeAlias = Mapping[tuple[Path, bool], tuple[int, int]]

MAX_DEPTH = 40
MAX_DIGITS = 100  # of a number: Python refuses to print those of a few thousand
BOM = b"\xef\xbb\xbf"
_NUMBER_START = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | float | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf"),
}  # fmt: skip
_BASE = {"0o": 8, "0x": 16}
_TOKEN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")\s*(:)?|([{}])')  # of JSON: a text (a key before `:`), a brace
_APART = re.compile(rb'"[ \t\r]+:')
_MERGE = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")


class TextError(ValueError):
    """The text cannot be read; `line` and `column` count from 1."""

    def __init__(self, code: str, message: str, line: int, column: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column, self.hint = code, message, line, column, hint


def decode(data: bytes) -> str:
    """Return bytes as text; raise `TextError` Y001 at the first byte that is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise TextError(
            "Y001", f"byte 0x{data[error.start]:02x} is not UTF-8", line, column, "save the file as UTF-8"
        ) from None


def load(text: str) -> Any:
    """Return the one document of a YAML text as dicts, lists and scalars; raise `TextError`."""
    return _read(text)[0]


def locate(text: str, path: Path, key: bool = False) -> tuple[int, int]:
    """Return line and column of the value (or, with `key`, of the key) at a path; its nearest parent if absent."""
    return nearest(places(text), path, key)


@lru_cache(maxsize=1)  # many problems of one file are located one after the other
def places(text: str) -> Places:
    """Return line and column of every value and every key of a YAML text, by (path, is it a key)."""
    return _read(text, with_places=True)[1]


def nearest(known: Places, path: Path, key: bool = False) -> tuple[int, int]:
    """Return the place of the value (or key) at a path, or of its nearest parent that has one."""
    for length in range(len(path), -1, -1):
        place = known.get((path[:length], key and length == len(path)))
        if place:
            return place
    return (1, 1)


def lines(text: str) -> dict[Path, int]:
    """Return the line of every value in a YAML text, by its path."""
    return {path: place[0] for (path, key), place in places(text).items() if not key}


def end_of_value(line: str) -> int:
    """Return the column (from 0) where the last value on a line of YAML ends: spaces and a comment may follow."""
    end, flows = 0, [False]
    for event in _events(line):
        if isinstance(event, yaml.CollectionStartEvent):
            flows.append(bool(event.flow_style))
        ends = flows.pop() if isinstance(event, yaml.CollectionEndEvent) else isinstance(event, yaml.ScalarEvent)
        end = event.end_mark.column if ends and event.end_mark else end
    return end


def load_jsonl(data: bytes) -> list[tuple[int, Any]]:
    """Return (line number, value) of each line that is not blank.

    Raises `TextError`: Y007 at the first line that is not JSON, Y004 at the first object that has a key twice.
    """
    data = data.removeprefix(BOM)
    loads = orjson.loads
    rows = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line and not line.isspace():
            try:
                rows.append((number, loads(line)))
            except orjson.JSONDecodeError as error:
                decode(data)
                raise _no_json(error, line, number) from None
    _refuse_twice(data, rows)
    return rows


def _no_json(error: orjson.JSONDecodeError, line: bytes, number: int) -> TextError:
    if line.startswith(_MERGE):
        return TextError("Y007", "not JSON: a mark of a merge", number, 1, "resolve the conflict that git left here")
    return TextError("Y007", f"not JSON: {error.msg}", number, error.colno, "one JSON object a line")


def _refuse_twice(data: bytes, rows: list[tuple[int, Any]]) -> None:
    """Raise `TextError` Y004 where an object has a key twice.

    `":` ends every key, unless there is space between the two, and may stand in a text. Where a file has no more of
    them than its objects have keys, no key stands twice, and no line need be looked at.
    """
    spaced = b" :" in data or (b"\t" in data and b"\t:" in data) or (b"\r" in data and b"\r:" in data)
    apart = spaced and _APART.search(data) is not None
    if not apart and data.count(b'":') == sum(len(value) for _, value in rows if type(value) is dict):
        return
    lines = data.split(b"\n")
    for number, value in rows:
        line = lines[number - 1]
        if (apart or line.count(b'":') != _keys(value)) and (twice := _twice(line)):
            raise TextError("Y004", f"duplicate key {twice[0]!r}", number, twice[1], "each key once an object")


def _keys(value: Any) -> int:
    """Return how many keys a value has, with those of the objects inside it."""
    found, todo = 0, [value]
    while todo:
        here = todo.pop()
        if type(here) is dict:
            found += len(here)
            todo += here.values()
        elif type(here) is list:
            todo += here
    return found


def _twice(line: bytes) -> tuple[str, int] | None:
    """Return the first key of a line of JSON that stands twice in its object, and its column."""
    open_objects: list[set[str]] = []
    for token in _TOKEN.finditer(line):
        if token[3] == b"{":
            open_objects.append(set())
        elif token[3] == b"}":
            open_objects.pop()
        elif token[2]:
            key: str = orjson.loads(token[1])
            if key in open_objects[-1]:
                return key, len(line[: token.start()].decode()) + 1
            open_objects[-1].add(key)
    return None


def scalar(text: str) -> Any:
    """Return the value of a plain (unquoted) scalar by the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INT.fullmatch(text):
        return int(text[2:], _BASE[text[:2]]) if text[:2] in _BASE else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _read(text: str, with_places: bool = False) -> tuple[Any, Places]:
    builder = _Builder(with_places)
    for event in _events(text):
        builder.take(event)
    return builder.root, builder.places


def _events(text: str) -> Iterator[yaml.Event]:
    """Return what libyaml's parser finds in a text, one after the other; raises `TextError` Y002."""
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            assert event is not None
            yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = " ".join(part for part in (error.context, error.problem) if part)
        raise TextError("Y002", f"not YAML: {message}", line, column) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise TextError("Y002", f"not YAML: {error.reason}", line, 1) from None
    finally:
        loader.dispose()


class _Builder:
    """Turns parser events into plain data without recursion, so that no nesting can exhaust the stack."""

    def __init__(self, with_places: bool) -> None:
        self.root: Any = None
        self.places: dict[tuple[Path, bool], tuple[int, int]] = {}
        self._with_places = with_places
        self._stack: list[Any] = []  # open dicts and lists
        self._steps: list[Any] = []  # per open container: the key or index of its current child
        self._awaits_key = False  # the innermost container is a mapping between two entries
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._open(event, {} if kind is yaml.MappingStartEvent else [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._stack.pop()
            self._steps.pop()
            self._awaits_key = bool(self._stack) and type(self._stack[-1]) is dict
        elif kind is yaml.AliasEvent:
            raise _refuse(event, "Y003", "aliases are not read", "write the value out")
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise _refuse(
                    event, "Y006", "a second YAML document starts here", "one document a file: remove the `---`"
                )

    def _scalar(self, event: Any) -> None:
        _plain_data_only(event)
        value = event.value
        if event.implicit[0]:
            if len(value) > MAX_DIGITS and _INT.fullmatch(value):
                message = f"a number of {len(value)} digits"
                raise _refuse(event, "Y005", message, f"at most {MAX_DIGITS}; quote it, if it is meant as text")
            value = scalar(value)
        if not self._awaits_key:
            self._value(event, value)
            self._awaits_key = bool(self._stack) and type(self._stack[-1]) is dict
            return
        if not isinstance(value, str):
            raise _refuse(event, "Y005", f"the key {event.value!r} is not text", "quote it")
        if value in self._stack[-1]:
            raise _refuse(event, "Y004", f"duplicate key {value!r}", "each key once a mapping")
        self._steps[-1] = value
        self._awaits_key = False
        self._remember(event, key=True)

    def _open(self, event: Any, container: Any) -> None:
        _plain_data_only(event)
        if len(self._stack) >= MAX_DEPTH:
            raise _refuse(event, "Y005", f"more than {MAX_DEPTH} levels of nesting", "nest less")
        if self._awaits_key:
            raise _refuse(event, "Y005", "a list or mapping cannot be a key", "keys are text")
        self._value(event, container)
        self._stack.append(container)
        self._steps.append(-1)
        self._awaits_key = type(container) is dict

    def _value(self, event: Any, value: Any) -> None:
        if not self._stack:
            self.root = value
        elif type(self._stack[-1]) is dict:
            self._stack[-1][self._steps[-1]] = value
        else:
            self._stack[-1].append(value)
            self._steps[-1] += 1
        self._remember(event, key=False)

    def _remember(self, event: Any, key: bool) -> None:
        if self._with_places:
            self.places[tuple(self._steps), key] = (event.start_mark.line + 1, event.start_mark.column + 1)


def _plain_data_only(event: Any) -> None:
    if event.anchor is not None:
        raise _refuse(event, "Y003", "anchors are not read", "write the value out")
    if event.tag is not None and event.tag != "!":
        raise _refuse(event, "Y005", f"the tag {event.tag} is not read", "write plain data")


def _refuse(event: Any, code: str, message: str, hint: str) -> TextError:
    mark = event.start_mark
    return TextError(code, message, mark.line + 1, mark.column + 1, hint)
