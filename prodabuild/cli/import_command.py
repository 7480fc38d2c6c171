"""`prodabuild import`: records from structured sources, merged with what is here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli.options import common, shared
from prodabuild.errors import ExitCode
from prodabuild.problems import render, summary
from prodabuild.sources.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prodabuild.cli.console import Console
    from prodabuild.project.review import Change, ImportReport
    from prodabuild.sources.kinds import Kind

    Option = Callable[[Callable[..., Any]], Callable[..., Any]]

SHOWN = 10  # changes that a dry run shows in full
MARKS = {"added": "+", "changed": "~", "removed": "-"}
SETTINGS: dict[str, Option] = {
    "select": click.option("--select", required=True, help="A selection file, or `all` for every noun."),
    "discipline": click.option("--discipline", help="The discipline of the concepts (default: the import's name)."),
    "language": click.option("--language", default="en", help="Take labels in this language, else those in none."),
    "broader": click.option("--broader", default="is_a", help="The predicate that skos:broader stands for."),
    "mapping": click.option("--mapping", help="A mapping file (default: columns are called as fields are)."),
}
SHARED: tuple[Option, ...] = (
    click.option("--name", help="Names the import, for the next time (default: what the first file is called)."),
    click.option("--into", default="knowledge", help="Folder that gets one folder a discipline."),
    click.option(
        "--format",
        "form",
        type=click.Choice(["yaml", "jsonl"]),
        default="yaml",
        help="New files: YAML to read and edit, JSONL for bulk.",
    ),
    click.option("--chains", type=click.IntRange(0), default=180, help="Derived chains a discipline, at most."),
    click.option("--accept", type=click.Choice(["ours", "theirs"]), help="Settle conflicts: keep ours, take theirs."),
    click.option("--prune", is_flag=True, help="Remove what is gone from the source and was not edited here."),
    click.option("--dry-run", is_flag=True, help="Show what would change; write nothing."),
)


@click.group("import")
@shared
def command() -> None:
    """Write knowledge from a structured vocabulary.

    Importing again merges: ids stay, local edits survive, and what changed on both sides is listed (exit 1).

    \b
    Examples:
      prodabuild import wordnet --help
      prodabuild import --help
    """


def _command(name: str, kind: Kind) -> click.Command:
    """Return the command of one importer: its own settings, then the options that all of them share."""

    @click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
    @common
    def run(folder: Path, console: Console, **given: Any) -> int:
        return _run(folder, console, name, {setting: given.pop(setting) for setting in kind.settings}, given)

    function: Callable[..., Any] = run
    for option in reversed((*(SETTINGS[setting] for setting in kind.settings), *SHARED)):
        function = option(function)
    examples = "\n".join(f"  prodabuild import {name} {example}" for example in kind.examples)
    return click.command(name, help=f"{kind.about}\n\n\b\nExamples:\n{examples}")(function)


for _name, _kind in KINDS.items():
    command.add_command(_command(_name, _kind))


def _run(folder: Path, console: Console, kind: str, settings: dict[str, Any], given: dict[str, Any]) -> int:
    from prodabuild.project.importing import ImportOptions, run_import

    paths = given.pop("paths")
    options = ImportOptions(**given, settings=settings, emit=console.emit)
    report = run_import(folder.resolve(), kind, paths, options)
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_lines(report, console.verbosity))
    if report.problems:
        console.error(f"{render(report.problems)}\n\n{summary(report.problems)}")
    return ExitCode.DONE if report.ok else ExitCode.PROJECT_WRONG


def _lines(report: ImportReport, verbosity: int) -> Iterator[str]:
    """Return the report: what changed in which file, what was kept, and in a dry run the first changes in full."""
    for file, counts in report.files.items():
        yield f"{file}: " + (_written(counts) if file in report.created else _changed(report, file))
    for name in report.predicates:
        yield f"knowledge/predicates.yaml: {name} declared"
    if report.edited or report.deleted:
        yield f"kept as they are here: {len(report.edited)} edited, {len(report.deleted)} deleted"
    if report.dry_run:
        shown = report.changes if verbosity > 0 else report.changes[:SHOWN]
        for change in shown:
            yield from _change(change)
        left = len(report.changes) - len(shown)
        yield from [f"... and {left} more (-v shows all)"] if left else []
        yield "a dry run: nothing was written"
    elif report.first:
        yield f"sources/{report.name}.import.jsonl: what this import wrote; commit it with the rest"
    elif not report.changes:
        yield f"nothing changed: {report.same} records are as in the source"


def _written(counts: dict[str, int]) -> str:
    return ", ".join(_count(number, level) for level, number in counts.items())


def _changed(report: ImportReport, file: str) -> str:
    counts: dict[tuple[str, str], int] = {}
    for change in report.changes:
        if change.file == file:
            counts[change.level, change.how] = counts.get((change.level, change.how), 0) + 1
    return ", ".join(f"{_count(number, level)} {how}" for (level, how), number in counts.items())


def _count(number: int, level: str) -> str:
    return f"{number} {level}{'s' if number != 1 else ''}"


def _change(change: Change) -> Iterator[str]:
    yield f"{MARKS[change.how]} {change.level} {change.id}"
    for field in dict.fromkeys((*change.old, *change.new)) if change.how == "changed" else ():
        old, new = change.old.get(field), change.new.get(field)
        if old != new:
            yield from (f"    {mark} {field}: {value}" for mark, value in (("-", old), ("+", new)) if value is not None)
