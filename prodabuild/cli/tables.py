"""Tables as a terminal shows them, and as Markdown: names to the left, figures to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rows = Sequence[Sequence[str]]


def aligned(header: Sequence[str], rows: Rows, names: int = 1) -> str:
    """Return a table whose first columns, as many as are names, are flush left."""
    table = [header, *rows]
    wide = [max(len(row[column]) for row in table) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < names else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in table
    )


def markdown(header: Sequence[str], rows: Rows, names: int = 1) -> str:
    """Return the same table in Markdown."""
    marks = ["---" if column < names else "---:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, marks, *rows])
