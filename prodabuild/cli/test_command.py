"""`prodabuild test`: the model's unit tests and their gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.drawings import FILE, STDOUT, one_on_stdout
from prodabuild.cli.options import building, common, open_project, trust
from prodabuild.errors import ExitCode, UsageError
from prodabuild.paths import named

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import TestReport


@click.command("test")
@click.option("--failed", is_flag=True, help="Test again what failed last time (dev items); record nothing.")
@click.option("--against", metavar="REF", help="Compare with the version at this git ref, and judge drops against it.")
@click.option("--accept", is_flag=True, help="Record this version in proda.lock as accepted, if it passes.")
@click.option("--junit", type=FILE, metavar="FILE", help="Write every item's verdict as JUnit XML; `-`: to stdout.")
@click.option(
    "--md", type=FILE, metavar="FILE", help="Write the scores as Markdown, for a pull request; `-`: to stdout."
)
@building
@common
def command(
    folder: Path,
    console: Console,
    jobs: int,
    keep_going: bool,
    locked: bool,
    own_code: bool,
    device: str,
    failed: bool,
    against: str | None,
    accept: bool,
    junit: Path | None,
    md: Path | None,
) -> int:
    """Test the model beside its base; exit 3 when a gate fails.

    \b
    Examples:
      prodabuild test
      prodabuild test --against origin/main --md scores.md
    """
    from prodabuild.project import Options, TestRequest

    if failed and (against is not None or accept):
        raise UsageError("--failed tests a part: it goes with neither --against nor --accept", "leave one out")
    if accept and locked:
        raise UsageError("--accept writes proda.lock, --locked forbids it", "leave one out")
    alone = one_on_stdout(junit=junit, md=md)
    options = Options("results", jobs, locked, keep_going, device, console.emit, own_code=own_code, trust=trust())
    report = open_project(folder).test(options, TestRequest(against, accept, failed))
    console.close()
    _write_files(console, folder, report, junit, md)
    if console.as_json:
        console.json(report.to_json())
    elif not alone:
        from prodabuild.cli.scores import table

        console.out(table(report, console.verbosity))
    return ExitCode.DONE if report.verdict.verdict == "pass" else ExitCode.GATE_FAILED


def _write_files(
    console: Console, folder: Path, report: TestReport, junit_file: Path | None, md_file: Path | None
) -> None:
    from prodabuild.cli.junit import junit
    from prodabuild.cli.scores import markdown

    for file, data in (
        (junit_file, junit(report) if junit_file else b""),
        (md_file, markdown(report).encode() if md_file else b""),
    ):
        if file == STDOUT:
            console.data(data)
        elif file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            named(folder.resolve(), file).write_bytes(data)
