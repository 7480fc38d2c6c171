"""`prodabuild gc`: free what no version needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common
from prodabuild.cli.transfers import counted, in_bytes

if TYPE_CHECKING:
    from prodabuild.cli.console import Console
    from prodabuild.versioning.gc import GcReport


@click.command("gc")
@click.option("-f", "--force", is_flag=True, help="Do it: without this nothing is removed.")
@click.option(
    "-p",
    "--project",
    "others",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another data repo that shares the cache: what it needs stays.",
)
@click.option("--all-commits", is_flag=True, help="Keep what any commit in history needs, too.")
@common
def command(folder: Path, console: Console, force: bool, others: tuple[Path, ...], all_commits: bool) -> None:
    """Tell what no version needs; with --force, remove it.

    What the locks of all branches, tags, remotes, stashes and worktrees name stays, and so does what is built now.
    What goes costs a rebuild when its version is wanted again.

    \b
    Examples:
      prodabuild gc
      prodabuild gc --force --all-commits
    """
    from prodabuild.versioning.gc import collect

    report = collect(folder.resolve(), console.emit, not force, [other.resolve() for other in others], all_commits)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report, console.verbosity > 0))


def _text(report: GcReport, everything: bool) -> list[str]:
    lines = [f"keeps   {name}" for name in report.roots] if everything else []
    kept = f"{counted(report.kept, 'object')} ({in_bytes(report.kept_bytes)})"
    lines.append(f"{'would stay' if report.dry else 'stay':11}{kept}, for {counted(len(report.roots), 'ref')}")
    freed = f"{counted(report.freed, 'object')} ({in_bytes(report.freed_bytes)})"
    lines.append(f"{'would go' if report.dry else 'gone':11}{freed}")
    lines += [f"           {counted(report.temporary, 'file')} left half written"] if report.temporary else []
    lines += ["nothing was removed: `prodabuild gc --force` does it"] if report.dry and report.freed else []
    return lines
