"""How a benchmark answers: tables on the screen, the same as Markdown with `--md`, one JSON object with `--json`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from measure import machine_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".prodabuild" / "benchmarks"


class Table(NamedTuple):
    """A table: its heading, the names of its columns, its rows. Notes stand below it."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    notes: tuple[str, ...] = ()


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks share."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")
    found.add_argument("--md", action="store_true", help="print the tables as Markdown")
    return found


def tell(asked: argparse.Namespace, document: Mapping[str, Any], tables: Sequence[Table]) -> None:
    """Print the result in the form that was asked for."""
    if asked.json:
        print(json.dumps(document))
        return
    where = f"Machine: {machine_line(document['machine'])}."
    render = _markdown if asked.md else _plain
    print("\n\n".join([where, *(render(table) for table in tables)]))


def progress(text: str) -> None:
    """Say on stderr what is being measured."""
    print(text, file=sys.stderr, flush=True)


def seconds(value: float) -> str:
    """Return seconds with as many digits as they are worth."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def megabytes(value: float) -> str:
    """Return megabytes as a whole number; a dash for a process that was over before it was looked at."""
    return f"{value:.0f}" if value else "–"


def verdict(met: bool) -> str:
    """Return how a goal fared."""
    return "met" if met else "MISSED"


def _plain(table: Table) -> str:
    rows = [table.head, *([str(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.head))]
    numbers = [_numeric(table, at) for at in range(len(table.head))]
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join([table.title, *lines, *table.notes])


def _markdown(table: Table) -> str:
    rule = "|".join("---:" if _numeric(table, at) else "---" for at in range(len(table.head)))
    rows = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in table.rows]
    lines = [f"| {' | '.join(table.head)} |", f"|{rule}|", *(f"| {row} |" for row in rows)]
    notes = [f"\n{note}" for note in table.notes]
    return "\n".join([f"**{table.title}**", "", *lines, *notes])


def _numeric(table: Table, at: int) -> bool:
    cells = [str(row[at]) for row in table.rows]
    return any(cell[:1].isdigit() for cell in cells) and all(cell[:1].isdigit() or cell in ("", "–") for cell in cells)
