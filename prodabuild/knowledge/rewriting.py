"""One item of a YAML list edited line by line: fields that stay keep their lines, and comments stay with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.knowledge.files import fields
from prodabuild.knowledge.records import tidied
from prodabuild.yamlio import TextError, end_of_value, load, places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.yamlio import Path, Places

NESTED = "relations"


class _Splice(NamedTuple):
    """Lines that take the place of those from `start` up to `end`."""

    start: int
    end: int
    lines: list[str]


class _OddError(Exception):
    """The item is laid out so that its parts are not whole lines."""


def rewritten(lines: Sequence[str], wanted: dict[str, Any]) -> list[str] | None:
    """Return the lines of an item when it says what is wanted; None where it must be written anew."""
    ending = "\r" if lines[0].endswith("\r") else ""
    rows = [line.removesuffix(ending) for line in lines]
    try:
        (old,) = load(_text(rows))
        wanted = _tidy(wanted)
        found = list(_Page(rows, places(_text(rows))).mapping((0,), old, wanted, len(rows)))
        for splice in sorted(found, reverse=True):
            rows[splice.start : splice.end] = splice.lines
        (new,) = load(_text(rows))
    except (_OddError, TextError):
        return None
    return [row + ending for row in rows] if _tidy(new) == wanted else None


def _text(rows: Sequence[str]) -> str:
    return "\n".join(rows) + "\n"


class _Page:
    """The lines of an item, and the place of everything in it."""

    def __init__(self, rows: list[str], known: Places) -> None:
        self._rows, self._known = rows, known

    def mapping(self, path: Path, old: dict[str, Any], new: dict[str, Any], end: int) -> Iterator[_Splice]:
        """Return what makes a mapping that ends before line `end` say something else; raises `_OddError`."""
        starts, column = self._keys(path, old)
        ends = [*starts[1:], end]
        spans = {
            key: (start, self._ended(start, after, old[key]))
            for key, start, after in zip(old, starts, ends, strict=True)
        }
        for key, (start, last) in spans.items():
            if key not in new:
                if self._rows[start][:column].strip():  # the dash stands before it
                    raise _OddError
                yield _Splice(start, last, [])
            elif new[key] != (old[key] if key == NESTED else tidied({key: old[key]})[key]):
                inside = key == NESTED and isinstance(old[key], list)
                yield from (
                    self._list((*path, key), old[key], new[key], last)
                    if inside
                    else [self._field(key, old[key], new[key], _Splice(start, last, []), column)]
                )
        yield from self._added(old, new, spans, column)

    def _keys(self, path: Path, old: dict[str, Any]) -> tuple[list[int], int]:
        """Return the line that each key of a mapping stands on, and their column."""
        known = [self._known[(*path, key), True] for key in old]
        starts = [line - 1 for line, _ in known]
        if not known or len({column for _, column in known}) > 1 or len(set(starts)) < len(starts):
            raise _OddError
        return starts, known[0][1] - 1

    def _ended(self, start: int, end: int, value: Any) -> int:
        """Return where a value that stands on these lines ends: comments and empty lines below it are not its own."""
        block = isinstance(value, str) and self._rows[start].rpartition(": ")[2][:1] in ("|", ">")
        while end > start + 1 and (
            not self._rows[end - 1].strip() or (not block and self._rows[end - 1].lstrip().startswith("#"))
        ):
            end -= 1
        return end

    def _field(self, key: str, old: Any, new: Any, span: _Splice, column: int) -> _Splice:
        row = self._rows[span.start]
        lines = fields({key: new}, row[:column], " " * column)
        if span.end == span.start + 1:
            lines[0] += _comment(row[column:], key, old)
        return span._replace(lines=lines)

    def _added(
        self, old: dict[str, Any], new: dict[str, Any], spans: dict[str, tuple[int, int]], column: int
    ) -> Iterator[_Splice]:
        more = {key: value for key, value in new.items() if key not in old}
        nested = more.pop(NESTED, None)
        above = max((last for key, (_, last) in spans.items() if key != NESTED), default=0)
        if more:
            yield _Splice(above, above, fields(more, " " * column, " " * column))
        if nested is not None:
            below = max(last for _, last in spans.values())
            rows = [line for relation in nested for line in _relation(relation, " " * column)]
            yield _Splice(below, below, [f"{' ' * column}{NESTED}:", *rows])

    def _list(self, path: Path, old: list[Any], new: list[Any], end: int) -> Iterator[_Splice]:
        """Return what makes a list of relations another one: each is known by what it states."""
        starts = [self._known[(*path, number), False][0] - 1 for number in range(len(old))]
        if not starts or len(set(starts)) < len(starts) or starts[0] < self._known[path, True][0]:
            raise _OddError
        indent = self._rows[starts[0]].partition("-")[0]
        names, wanted = [_name(tidied(row)) for row in old], {_name(row): row for row in new}
        spans = [
            (start, self._ended(start, after, None)) for start, after in zip(starts, [*starts[1:], end], strict=True)
        ]
        if [name for name in wanted if name in names] != [name for name in names if name in wanted]:
            raise _OddError
        for number, (start, last) in enumerate(spans):
            name = names[number]
            if name not in wanted:
                yield _Splice(self._commented(start), last, [])
            elif wanted[name] != tidied(old[number]):
                yield from self._changed((*path, number), old[number], wanted[name], _Splice(start, last, []), indent)
        at = self._commented(starts[0])
        for name, row in wanted.items():
            if name in names:
                at = spans[names.index(name)][1]
            else:
                yield _Splice(at, at, _relation(row, indent))

    def _changed(
        self, path: Path, old: dict[str, Any], new: dict[str, Any], span: _Splice, indent: str
    ) -> Iterator[_Splice]:
        try:
            found = list(self.mapping(path, old, new, span.end))
        except _OddError:
            comment = _comment(self._rows[span.start].strip().removeprefix("-").strip(), "", old)
            lines = _relation(new, indent)
            found = [span._replace(lines=[lines[0] + comment, *lines[1:]])]
        yield from found

    def _commented(self, start: int) -> int:
        """Return where the comment above a line begins."""
        while self._rows[start - 1].lstrip().startswith("#"):
            start -= 1
        return start


def _tidy(item: dict[str, Any]) -> dict[str, Any]:
    nested = {NESTED: [tidied(relation) for relation in item[NESTED]]} if NESTED in item else {}
    return tidied(item) | nested


def _name(relation: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(relation.get(key, "")) for key in ("id", "predicate", "object"))


def _relation(relation: dict[str, Any], indent: str) -> list[str]:
    return fields(relation, f"{indent}- ", f"{indent}  ")


def _comment(row: str, key: str, value: Any) -> str:
    """Return the comment behind a value that ends on its line."""
    try:
        end = end_of_value(row)
        fits = load(row[:end]) == ({key: value} if key else value)
    except TextError:
        return ""
    return row[end:] if fits and row[end:].lstrip().startswith("#") else ""
