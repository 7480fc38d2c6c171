"""What `push` and `pull` share: their options, and how they tell what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from prodabuild.cli.console import Console
    from prodabuild.versioning.transfer import TransferReport

SHOWN = 5


def moving(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that speak to a remote."""
    for option in (
        click.option(
            "--all-versions", "everything", is_flag=True, help="Every git ref with a lock, not this one alone."
        ),
        click.option("--remote", metavar="NAME", help="A remote of .dvc/config (default: its default one)."),
    ):
        function = option(function)
    return function


def tell(console: Console, verb: str, report: TransferReport) -> int:
    """Print what was moved and what is lacking; returns the exit code."""
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(verb, report))
    return ExitCode.DONE if report.whole else ExitCode.OUTSIDE


def _text(verb: str, report: TransferReport) -> list[str]:
    place = f"{report.remote} ({report.url})"
    objects = counted(report.objects, "object")
    versions = f" of {counted(len(report.versions), 'version')}" if len(report.versions) > 1 else ""
    where = "there" if verb == "push" else "here"
    if report.moved:
        way = "to" if verb == "push" else "from"
        lines = [f"{verb}ed {counted(report.moved, 'object')} ({in_bytes(report.bytes)}) {way} {place}"]
        checked = "read back whole; " if verb == "push" else "each is what its name says; "
        lines.append(f"{checked}{objects}{versions} {'are' if report.objects != 1 else 'is'} {where}")
    else:
        lines = [f"nothing to {verb}: {objects}{versions} {'are' if report.objects != 1 else 'is'} {where}, {place}"]
    lines += [f"damaged at the remote: {what}" for what in report.damaged[:SHOWN]]
    lines += [f"missing  {what}" for what in report.missing[:SHOWN]]
    if not report.whole:
        total = len(report.missing) + len(report.damaged)
        lines.append(f"{counted(total, 'object')} could not be {verb}ed: {_mend(verb, report)}")
    elif report.placed:
        lines.append(f"{counted(report.placed, 'file')} laid in build/{report.outlook}")
    return lines


def _mend(verb: str, report: TransferReport) -> str:
    if len(report.versions) > 1:
        return "`prodabuild rebuild REF` makes those of a version again"
    return "`prodabuild compile` makes them" + ("" if verb == "push" else "; or push them where they were built")


def counted(number: int, what: str) -> str:
    """Return a number of things: `1 object`, `22 objects`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def in_bytes(number: int) -> str:
    """Return a size as people read it."""
    size = float(number)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
