"""Lines on a terminal, folded between words; where nobody looks they keep their length, for other programs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

NARROW = 64  # columns below which help has its explanations under the options, not beside them


def width_of(stream: TextIO) -> int:
    """Return the columns of a terminal, 0 for what is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def folded(line: str, width: int) -> str:
    """Return a line folded between words, below where its last column begins; longer words are left whole."""
    if not 0 < width < len(line):
        return line
    import re
    import textwrap

    starts = [gap.end() for gap in re.finditer("^ +|  +", line) if gap.end() <= width // 2]
    below = " " * (starts[-1] + 2 * (not line[: starts[-1]].strip()) if starts else 4)
    return textwrap.fill(line, width, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)


class Help(click.HelpFormatter):
    """Help as click writes it, on terminals narrower than click allows for, too."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        self._columns = width_of(sys.stdout)
        narrow = self._columns - 2 if 0 < self._columns < NARROW else width
        super().__init__(indent_increment, narrow, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of names and what they mean."""
        super().write_dl(rows, 6 if 0 < self._columns < NARROW else col_max, col_spacing)

    def getvalue(self) -> str:
        """Return the text, its examples folded, too."""
        return "\n".join(folded(line, self._columns) for line in super().getvalue().split("\n"))
