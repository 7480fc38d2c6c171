"""`prodabuild check`: is the knowledge sound?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common
from prodabuild.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project.outcome import CheckReport

FORMATS = ("text", "json", "github", "sarif")
ACTIONS = ("error", "default", "ignore")
WAYS = ("taught", "tested")


@click.command("check")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to print the problems (default: text).")
@click.option("--strict", is_flag=True, help="Warn of records that do not say where they were taken from, too.")
@click.option(
    "-W", "grades", multiple=True, metavar="ACTION[:CODE]", help="`error`: warnings fail; `ignore`: not told."
)
@click.option("--coverage", is_flag=True, help="Say what samples and test items reach, as far as they are built.")
@click.option("--fail-under", "limits", multiple=True, metavar="[tested=]N", help="Exit 3 below N % of the records.")
@common
def command(
    folder: Path,
    console: Console,
    form: str | None,
    strict: bool,
    grades: tuple[str, ...],
    coverage: bool,
    limits: tuple[str, ...],
) -> int:
    """Check the manifest and every record.

    Fields, references, chains, duplicates, cycles, contradictions, definitions, quotes: all problems at once.
    Errors exit with 1, warnings do not. `--fail-under N` asks that samples teach N % of all records,
    `--fail-under tested=N` that items test so many; it exits with 3.

    \b
    Examples:
      prodabuild check --format github -W error:K014
      prodabuild check --coverage --fail-under 99 --fail-under tested=40
    """
    from prodabuild.problems import regrade
    from prodabuild.project import Options, Project

    if console.as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} ask for two formats", "choose one")
    console.as_json = console.as_json or form == "json"
    wanted, asked = _grades(grades), _limits(limits)
    report = Project.check(folder, Options(emit=console.emit), strict, coverage or bool(asked))
    report = replace(report, problems=tuple(regrade(report.problems, wanted)))
    _print(console, report, form)
    missed = list(_missed(report, asked))
    for line in missed:
        console.error(line)
    if not report.ok:
        return ExitCode.PROJECT_WRONG
    return ExitCode.GATE_FAILED if missed else ExitCode.DONE


def _print(console: Console, report: CheckReport, form: str | None) -> None:
    from prodabuild.cli.coverage_table import table
    from prodabuild.cli.problem_formats import to_github, to_sarif
    from prodabuild.problems import render

    if console.as_json:
        console.json(report.to_json())
    elif form == "sarif":
        console.json(to_sarif(report.problems))
    elif form == "github":
        console.commands(to_github(report.problems))
        console.out(_summary(report))
    else:
        if report.problems:
            console.out(render(report.problems) + "\n")
        console.out(_summary(report))
        if report.coverage:
            console.out("\n" + table(report.coverage))


def _summary(report: CheckReport) -> str:
    from prodabuild.problems import summary

    found = summary(report.problems)
    if not report.records:
        return found
    levels = ("concepts", "relations", "chains")
    about = ", ".join(f"{sum(row[level] for row in report.records.values())} {level}" for level in levels)
    return f"{found} in {len(report.records)} discipline{'s' if len(report.records) != 1 else ''}: {about}"


def _grades(texts: tuple[str, ...]) -> dict[str, str]:
    """Return what `-W` asks for, by code; raises `UsageError`."""
    from prodabuild.problems import CODES, suggest

    grades = {}
    for text in texts:
        action, _, code = text.partition(":")
        if action not in ACTIONS:
            raise UsageError(f"-W {text}: there is no action {action!r}", suggest(action, ACTIONS, "actions"))
        if code and code not in CODES:
            raise UsageError(
                f"-W {text}: there is no problem {code!r}", "they are listed in docs/reference/problems.md"
            )
        grades[code] = action
    return grades


def _limits(texts: tuple[str, ...]) -> dict[str, float]:
    """Return what `--fail-under` asks for, in percent; raises `UsageError`."""
    limits = {}
    for text in texts:
        way, _, number = text.rpartition("=")
        try:
            limits[way or "taught"] = float(number)
        except ValueError:
            raise UsageError(f"--fail-under {text}: {number!r} is not a number", "write percent: `95`") from None
        if (way or "taught") not in WAYS or not 0 <= float(number) <= 100:
            raise UsageError(f"--fail-under {text} cannot be met", "write `95` or `taught=95`, and `tested=50`")
    return limits


def _missed(report: CheckReport, limits: dict[str, float]) -> Iterator[str]:
    """Return a line for each share that is below what is asked for."""
    from prodabuild.cli.coverage_table import percent

    for way, limit in limits.items() if report.coverage else ():
        assert report.coverage is not None
        share = report.coverage.total.share(way)
        if share is None:
            yield f"coverage: no record is {way} yet, {limit:g}% is asked: run `prodabuild compile --to data`"
        elif 100 * share < limit:
            yield f"coverage: {percent(share)} of the records are {way}, {limit:g}% is asked"
