"""`prodabuild verify`: is everything that was built still there, byte by byte?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common, open_project, visible_device
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import VerifyReport


@click.command("verify")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train and test.")
@common
def command(folder: Path, console: Console, device: str) -> int:
    """Read everything that was built and heal what is damaged.

    Objects in the store and their copies in build/ heal each other. Exit 5 when something is lost and must be built
    again, 4 when proda.lock names other contents than were built.

    \b
    Examples:
      prodabuild verify
      prodabuild verify --json
    """
    from prodabuild.project import Options

    report = open_project(folder).verify(Options(device=visible_device(device), emit=console.emit))
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report))
    if not report.whole:
        return ExitCode.OUTSIDE
    return ExitCode.STALE if report.stale else ExitCode.DONE


def _text(report: VerifyReport) -> str:
    lines = [f"{'healed' if name in report.healed else 'lost':8}{name}" for name in report.damaged]
    lines += [f"rebuild {unit}" for unit in report.lost]
    lines += [f"stale   {unit} in proda.lock" for unit in report.stale]
    number = f"{report.objects} object{'s' if report.objects != 1 else ''}"
    if not report.damaged:
        lines.append(f"{number} and their copies in build/ are whole ({report.seconds:.2f} s)")
    else:
        lost = len(report.damaged) - len(report.healed)
        lines.append(f"{number}: {len(report.healed)} healed, {lost} lost ({report.seconds:.2f} s)")
    lines += [f"not built yet: {report.unbuilt}"] if report.unbuilt else []
    lines += [] if report.whole else ["run `prodabuild compile`: it restores what is stored and builds the rest"]
    lines += ["run `prodabuild compile`: it writes proda.lock"] if report.whole and report.stale else []
    return "\n".join(lines)
