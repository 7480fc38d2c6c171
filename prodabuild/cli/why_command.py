"""`prodabuild why`: where does this come from, and what does it end in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common, open_project, trust, trusting, visible_device
from prodabuild.cli.reasons import reason_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project.outcome import Group, Row, WhyReport

ACTIONS = {"build": "to be built", "restore": "to be restored", "maybe": "may change", "gone": "gone"}
HEADINGS = {"read_by": "read by", "samples": "mentioned in", "items": "asked in"}


@click.command("why")
@click.argument("thing")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train and test.")
@trusting
@common
def command(folder: Path, console: Console, thing: str, device: str) -> None:
    """Tell where a THING comes from and what it ends in.

    A THING is a unit (`shard:chemistry/011`, `model`), the id of a record, of a training sample
    (`chemistry/acid#define.term`) or of a test item, or a path in build/, with or without a line
    (`build/dataset/train/chemistry/011.jsonl:7`). Nothing is changed.

    \b
    Examples:
      prodabuild why dataset
      prodabuild why build/dataset --json
    """
    from prodabuild.project import Options

    options = Options(to="results", device=visible_device(device), emit=console.emit, trust=trust())
    report = open_project(folder).why(thing, options, everything=console.verbosity > 0)
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_lines(report, everything=console.verbosity > 0))


def _lines(report: WhyReport, everything: bool) -> Iterator[str]:
    state = ACTIONS.get(report.action, report.action) if report.kind == "unit" else ""
    yield "  ".join(filter(None, [report.thing, report.kind, state]))
    yield from (f"note: {note}" for note in report.notes)
    yield ""
    yield from _table(report.path)
    yield from _reasons(report, everything)
    if report.messages:
        yield ""
        yield from (f"  {message['role']}: {message['content']}" for message in report.messages)
    if report.made_from:
        yield ""
        yield "made from"
        for group in report.made_from:
            yield f"  {group.what} ({group.count})"
            yield from _table(group.rows, "    ")
            yield from _rest(group, "    ")
    for name, heading in HEADINGS.items():
        for group in getattr(report, name):
            yield ""
            yield f"{heading} {group.count} {group.what.removesuffix('s') if group.count == 1 else group.what}"
            rows = [row._replace(where="") for row in group.rows] if name == "read_by" else group.rows
            yield from _table(rows)
            yield from _rest(group)
    follows = [row for group in report.follows for row in _brief(group)]
    if not set(follows) <= set(report.path):
        yield ""
        yield "ends in"
        yield from _table(follows)


def _reasons(report: WhyReport, everything: bool) -> Iterator[str]:
    if report.reasons:
        yield ""
        yield f"{ACTIONS[report.action]}, since"
        yield from reason_lines(report.reasons, everything, "  ")


def _brief(group: Group) -> Sequence[Row]:
    """Return a group's rows, or one that counts them where they are too many to show."""
    if group.count == len(group.rows):
        return group.rows
    return [group.rows[0]._replace(what=f"{group.count} {group.what}", where="", action="")]


def _rest(group: Group, indent: str = "  ") -> Iterator[str]:
    if group.count > len(group.rows):
        yield f"{indent}and {group.count - len(group.rows)} more"


def _table(rows: Sequence[Row], indent: str = "  ") -> Iterator[str]:
    """Print rows in columns: what it is, where it lies, a word on it, what a compile would do with it."""
    cells = [(row.what, row.where, row.note, ACTIONS.get(row.action, "")) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for cell in cells:
        yield indent + "  ".join(f"{text:{width}}" for text, width in zip(cell, widths, strict=True) if width).rstrip()
