"""`prodabuild compile`: knowledge to shards, dataset, base and adapter; only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import building, common, open_project, trust
from prodabuild.cli.rebuilding import rebuild_on_save
from prodabuild.cli.trials import tell_samples, tell_trial

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import CompileReport, Options
    from prodabuild.project.stages import Target


@click.command("compile")
@click.option(
    "--to",
    type=click.Choice(["data", "model"]),
    default="model",
    help="Stop after the training data, or after the model.",
)
@click.option("-w", "--watch", is_flag=True, help="Build again whenever an input is saved, until Ctrl-C.")
@click.option(
    "--max-steps",
    type=click.IntRange(1),
    help="A trial: train so many steps into .prodabuild/trial. build/model and proda.lock stay as they are.",
)
@click.option(
    "--log", "logs", multiple=True, metavar="PLACE", help="Send training steps to tensorboard:DIR or mlflow:URI, too."
)
@click.option("--show-samples", is_flag=True, help="Print one sample a recipe as training sees it; do not train.")
@building
@common
def command(
    folder: Path,
    console: Console,
    to: Target,
    watch: bool,
    max_steps: int | None,
    logs: tuple[str, ...],
    show_samples: bool,
    jobs: int,
    keep_going: bool,
    locked: bool,
    own_code: bool,
    device: str,
) -> None:
    """Build what changed: shards, test items, dataset, base, adapter.

    With --watch, every file that a build depends on is looked at, proda.yaml and own recipes included.

    \b
    Examples:
      prodabuild compile --to data
      prodabuild compile --locked
    """
    from prodabuild.project import Options
    from prodabuild.training.sinks import logging_to

    with logging_to(logs, console.emit) as emit:
        options = Options(to, jobs, locked, keep_going, device, emit, own_code=own_code, trust=trust())
        _compile(folder, console, options, watch, max_steps, show_samples)


def _compile(
    folder: Path, console: Console, options: Options, watch: bool, max_steps: int | None, show_samples: bool
) -> None:
    looks = [show_samples, max_steps is not None]
    if any(looks) and sum([*looks, watch, options.to == "data"]) > 1:
        raise click.UsageError("--max-steps and --show-samples go with neither each other, nor --watch, nor --to data")
    if show_samples:
        tell_samples(console, open_project(folder).show_samples(options))
        return
    if max_steps is not None:
        tell_trial(console, open_project(folder).trial(max_steps, options))
        return
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


def _text(report: CompileReport) -> list[str]:
    told = ["proda.lock was updated: commit it with your change"] if report.lock_changed else []
    if not report.built and not report.restored:
        return [f"nothing changed: {report.clean} units are clean ({report.seconds:.2f} s)", *told]
    done = [f"{len(report.built)} built"] if report.built else []
    done += [f"{len(report.restored)} restored"] if report.restored else []
    lines = [f"{', '.join(done)}, {report.clean} clean ({report.seconds:.1f} s)"]
    shards = f"{report.shards} shard{'s' if report.shards != 1 else ''}"
    lines.append(f"{report.samples} samples in {shards}, {report.items} test items")
    lines += [f"dataset {report.dataset[:12]}"] if report.dataset else []
    lines += [f"model   {report.model[:12]}  build/model"] if report.model else []
    return [*lines, *told]
