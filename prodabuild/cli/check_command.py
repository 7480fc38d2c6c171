"""`prodabuild check`: is the knowledge sound?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console


@click.command("check")
@common
def command(folder: Path, console: Console) -> int:
    """Check the manifest and every record.

    Fields, references, joints of chains, concepts that nothing reaches: all problems at once.

    \b
    Examples:
      prodabuild check
      prodabuild check --json
    """
    from prodabuild.problems import render, summary
    from prodabuild.project import Options, Project

    report = Project.check(folder, Options(emit=console.emit))
    if console.as_json:
        console.json(report.to_json())
    else:
        if report.problems:
            console.out(render(report.problems) + "\n")
        if not report.coverage:
            console.out(summary(report.problems))
            return ExitCode.PROJECT_WRONG
        totals = {
            level: sum(counts[level] for counts in report.coverage.values())
            for level in ("concepts", "relations", "chains")
        }
        about = ", ".join(f"{number} {level}" for level, number in totals.items())
        disciplines = f"{len(report.coverage)} discipline{'s' if len(report.coverage) != 1 else ''}"
        console.out(f"{summary(report.problems)} in {disciplines}: {about}")
    return ExitCode.DONE if report.ok else ExitCode.PROJECT_WRONG
