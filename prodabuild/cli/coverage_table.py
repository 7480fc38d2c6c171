"""Coverage as a table: a line a discipline, what is taught and tested of each level."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from prodabuild.project.coverage import LEVELS, WAYS

if TYPE_CHECKING:
    from prodabuild.project.coverage import Coverage, Row

COLUMN = 9


def table(coverage: Coverage) -> str:
    """Return the table, and what a reader must know of it."""
    names = [*coverage.rows, "all"]
    width = max(len(name) for name in ("discipline", *names))
    above = "".join(f"{level:>{len(WAYS) * COLUMN}}" for level in LEVELS)
    heads = "".join(f"{way:>{COLUMN}}" for way in WAYS * len(LEVELS)) + f"{'connected':>{COLUMN + 2}}"
    lines = [f"{'':{width}}{above}", f"{'discipline':{width}}{heads}"]
    for name, row in (*coverage.rows.items(), ("all", coverage.total)):
        lines.append(f"{name:{width}}{_cells(row)}{percent(row.connected):>{COLUMN + 2}}")
    if coverage.total.taught is None:
        lines.append("\nno samples are built yet: run `prodabuild compile --to data`")
    elif coverage.total.tested is None:
        lines.append("\nno test items are built: proda.yaml declares no suite from chains, or it is not built yet")
    if coverage.repeated:
        verb = "repeats" if coverage.repeated == 1 else "repeat"
        number = f"{coverage.repeated} sample{'s' * (coverage.repeated != 1)}"
        lines.append(f"\n{number} {verb} another one word for word: see `duplicates` of `compile`")
    if coverage.edited and coverage.total.taught is not None:
        lines.append("\nknowledge was edited since this was built: run `prodabuild compile --to data`")
    return "\n".join(lines)


def _cells(row: Row) -> str:
    return "".join(f"{percent(row.share(way, level)):>{COLUMN}}" for level in LEVELS for way in WAYS)


def percent(share: float | None) -> str:
    """Return a share in percent, rounded down: 100% means all."""
    return "-" if share is None else f"{floor(share * 1000) / 10:.1f}%"
