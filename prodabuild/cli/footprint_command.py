"""`prodabuild footprint`: what training did to the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import calculate_alone, common, open_project, visible_device

if TYPE_CHECKING:
    from prodabuild.cli.console import Console


@click.command("footprint")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option(
    "--base", type=click.Path(path_type=Path), help="The model that the runs began at, where they do not say."
)
@click.option("--compare", metavar="NAME", help="Run an experiment of proda.yaml, and compare its arms.")
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option(
    "--plot",
    metavar="FILE.svg",
    type=click.Path(path_type=Path),
    help="Draw spectra, and figures by layer; of an experiment, what each run gained.",
)
@common
def command(
    folder: Path,
    console: Console,
    runs: tuple[str, ...],
    base: Path | None,
    compare: str | None,
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
    from prodabuild.project import Project

    if console.as_json and as_markdown:
        raise click.UsageError("--json and --md exclude each other")
    if plot and plot.suffix != ".svg":
        raise click.UsageError("--plot draws SVG: name a file that ends in .svg")
    if compare:
        if runs or base:
            raise click.UsageError("--compare names an experiment: it goes with neither RUN nor --base")
        _compare(folder, console, compare, as_markdown, plot)
        return
    calculate_alone()
    report = Project.footprint(folder, runs, base, console.emit, visible_device("auto"))
    console.close()
    if plot:
        from prodabuild.insight.pictures import draw

        _write(folder, plot, draw(report.runs), console)
    if console.as_json:
        console.json(report.to_json())
        return
    from prodabuild.cli.footprint_tables import markdown, text

    console.out((markdown if as_markdown else text)(report, console.verbosity))


def _compare(folder: Path, console: Console, name: str, as_markdown: bool, plot: Path | None) -> None:
    from prodabuild.project import Options

    found = open_project(folder).experiment(Options(device=visible_device("auto"), emit=console.emit), name)
    console.close()
    if plot:
        from prodabuild.insight.regime_picture import draw_regimes

        _write(folder, plot, draw_regimes(found.comparison), console)
    if console.as_json:
        console.json(found.to_json())
        return
    from prodabuild.cli.regime_tables import markdown, text

    console.out((markdown if as_markdown else text)(found))


def _write(folder: Path, plot: Path, drawing: str, console: Console) -> None:
    (folder / plot).write_text(drawing, "utf-8")
    console.note(f"drawn: {plot}")
