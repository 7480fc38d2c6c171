"""Tables: rows of text in columns for a terminal, and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.escaping import markdown_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LEFT = 2


class Titled(NamedTuple):
    """A table with its title; the first column names the rows."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def lines(self) -> list[str]:
        """Return the table as the terminal shows it."""
        return [self.title, *columns([self.head, *self.rows], left=1)]

    def markdown(self) -> list[str]:
        """Return the table as Markdown."""
        return [f"**{markdown_text(self.title)}**", "", *markdown_table(self.head, self.rows, left=1)]


def spaced(parts: Iterable[Sequence[str]]) -> list[str]:
    """Return parts of a page as lines, an empty one between two."""
    return [line for part in parts for line in ("", *part)][1:]


def columns(rows: Sequence[Sequence[str]], left: int = LEFT) -> list[str]:
    """Return rows in columns, their cells made visible: the first ones to the left, numbers to the right."""
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths, left)).rstrip() for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int], left: int) -> Iterator[str]:
    for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if position < left else cell.rjust(width)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = LEFT) -> list[str]:
    """Return rows below their heads as Markdown, which renders no cell."""
    cells = [[markdown_text(cell) for cell in row] for row in rows]
    lines = [head, [*["---"] * left, *["---:"] * (len(head) - left)], *cells]
    return ["| " + " | ".join(row) + " |" for row in lines]
