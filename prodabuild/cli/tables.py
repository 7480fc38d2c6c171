"""Tables: rows of text in columns for a terminal, and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        return [f"**{self.title}**", "", *markdown_table(self.head, self.rows, left=1)]


def columns(rows: Sequence[Sequence[str]], left: int = LEFT) -> list[str]:
    """Return rows in columns: the first ones to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths, left)).rstrip() for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int], left: int) -> Iterator[str]:
    for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if position < left else cell.rjust(width)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = LEFT) -> list[str]:
    """Return rows below their heads as Markdown."""
    lines = [head, [*["---"] * left, *["---:"] * (len(head) - left)], *rows]
    return ["| " + " | ".join(row) + " |" for row in lines]
