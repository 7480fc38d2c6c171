"""`prodabuild test`: the model's unit tests and their gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import building, common, open_project
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import TestReport


@click.command("test")
@building
@common
def command(folder: Path, console: Console, jobs: int, keep_going: bool, locked: bool, device: str) -> int:
    """Test the model beside its base; exit 3 when a gate fails.

    \b
    Examples:
      prodabuild test
      prodabuild test --json
    """
    from prodabuild.project import Options

    options = Options("results", jobs, locked, keep_going, device, console.emit)
    report = open_project(folder).test(options)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report, console.verbosity))
    return ExitCode.DONE if report.verdict.verdict == "pass" else ExitCode.GATE_FAILED


def _text(report: TestReport, verbosity: int) -> str:
    lines = [f"{'suite':<12}{'split':<9}{'n':>6}{'before':>9}{'after':>9}{'stderr':>9}"]
    for suite, splits in report.suites.items():
        for split, found in splits.items():
            lines.append(
                f"{suite:<12}{split:<9}{found['n']:>6}{found['base_acc']:>9.3f}{found['acc']:>9.3f}{found['stderr']:>9.3f}"
            )
    if verbosity > 0:
        for suite, rows in report.disciplines.items():
            lines += [
                f"  {suite} {name:<24}{row['n']:>6}{row['base_acc']:>9.3f}{row['acc']:>9.3f}{row['stderr']:>9.3f}"
                for name, row in rows.items()
            ]
    for gate in report.verdict.gates:
        relation = "at most" if gate.name.endswith(".drop") else "at least"
        lines.append(
            f"{'ok  ' if gate.ok else 'FAIL'} {gate.name} is {gate.value:.3f}, {relation} {gate.limit:g} is asked"
        )
    unchanged = "" if report.ran else " (nothing changed: these are the recorded results)"
    lines.append(report.verdict.verdict + unchanged)
    return "\n".join(lines)
