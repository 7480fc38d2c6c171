"""`prodabuild footprint`: what training did to the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli.drawings import STDOUT, one_on_stdout, plotting, write_drawing
from prodabuild.cli.options import calculate_alone, common, guarded, open_project, trust, visible_device

if TYPE_CHECKING:
    from prodabuild.cli.console import Console


@click.command("footprint")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option(
    "--base", type=click.Path(path_type=Path), help="The model that the runs began at, where they do not say."
)
@click.option("--compare", metavar="NAME", help="Run an experiment of proda.yaml, and compare its arms.")
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown.")
@guarded
@plotting("Draw spectra, and figures by layer; of an experiment, what each run gained. `-`: to stdout.")
@common
def command(
    folder: Path,
    console: Console,
    runs: tuple[str, ...],
    base: Path | None,
    compare: str | None,
    own_code: bool,
    as_markdown: bool,
    plot: Path | None,
) -> None:
    """Show what training did to the weights.

    Every figure stands beside what chance would give. A RUN is a folder with an adapter (LoRA, rsLoRA, DoRA) or a
    whole model, or a version that git and proda.lock know; without one it is the model just built. Several runs are
    shown as mean and standard deviation.

    \b
    Examples:
      prodabuild footprint seed1 seed2 seed3 --plot footprint.svg
      prodabuild footprint --compare regimes --plot regimes.svg
    """
    if console.as_json and as_markdown:
        raise click.UsageError("--json and --md exclude each other")
    alone = one_on_stdout(plot=plot, md=as_markdown and plot == STDOUT)
    if compare and (runs or base):
        raise click.UsageError("--compare names an experiment: it goes with neither RUN nor --base")
    if compare:
        report, tables = _compared(folder, console, compare, own_code)
    else:
        report, tables = _looked_at(folder, console, runs, base)
    console.close()
    write_drawing(console, folder, plot, lambda: tables.drawing(report))
    if console.as_json:
        console.json(report.to_json())
    if console.as_json or alone:
        return
    if as_markdown:
        console.document(tables.markdown(report, console.verbosity))
    else:
        console.out(tables.text(report, console.verbosity))


def _compared(folder: Path, console: Console, name: str, own_code: bool) -> tuple[Any, Any]:
    """Return the arms of an experiment, and the module that shows them."""
    from prodabuild.cli import regime_tables
    from prodabuild.project import Options

    options = Options(device=visible_device("auto"), emit=console.emit, own_code=own_code, trust=trust())
    return open_project(folder).experiment(options, name), regime_tables


def _looked_at(folder: Path, console: Console, runs: tuple[str, ...], base: Path | None) -> tuple[Any, Any]:
    """Return the footprints of runs, and the module that shows them."""
    calculate_alone()
    from prodabuild.cli import footprint_tables
    from prodabuild.project import Project

    return Project.footprint(folder, runs, base, console.emit, visible_device("auto")), footprint_tables
