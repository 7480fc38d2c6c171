"""`prodabuild compile`: knowledge to shards, dataset, base and adapter; only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import building, common, open_project
from prodabuild.cli.rebuilding import rebuild_on_save

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import CompileReport
    from prodabuild.project.stages import Target


@click.command("compile")
@click.option(
    "--to",
    type=click.Choice(["data", "model"]),
    default="model",
    help="Stop after the training data, or after the model.",
)
@click.option("-w", "--watch", is_flag=True, help="Build again whenever an input is saved, until Ctrl-C.")
@building
@common
def command(
    folder: Path, console: Console, to: Target, watch: bool, jobs: int, keep_going: bool, locked: bool, device: str
) -> None:
    """Build what changed: shards, test items, dataset, base, adapter.

    With --watch, every file that a build depends on is looked at, proda.yaml and own recipes included.

    \b
    Examples:
      prodabuild compile --to data
      prodabuild compile --locked
    """
    from prodabuild.project import Options

    options = Options(to, jobs, locked, keep_going, device, console.emit)
    if watch:
        if console.as_json:
            raise click.UsageError("--json prints one document, --watch has no end")
        rebuild_on_save(folder, console, lambda: open_project(folder).compile(options))
    report = open_project(folder).compile(options)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report))


def _text(report: CompileReport) -> str:
    if not report.built and not report.restored:
        return f"nothing changed: {report.clean} units are clean ({report.seconds:.2f} s)"
    done = [f"{len(report.built)} built"] if report.built else []
    done += [f"{len(report.restored)} restored"] if report.restored else []
    lines = [f"{', '.join(done)}, {report.clean} clean ({report.seconds:.1f} s)"]
    shards = f"{report.shards} shard{'s' if report.shards != 1 else ''}"
    lines.append(f"{report.samples} samples in {shards}, {report.items} test items")
    lines += [f"dataset {report.dataset[:12]}"] if report.dataset else []
    lines += [f"model   {report.model[:12]}  build/model"] if report.model else []
    lines += ["proda.lock was updated: commit it with your change"] if report.lock_changed else []
    return "\n".join(lines)
