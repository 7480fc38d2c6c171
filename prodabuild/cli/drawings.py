"""Drawings that commands write: the option that asks for one, and the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from prodabuild.cli.console import Console


def plotting(says: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds `--plot`; a file that no drawing can be written to is refused before anything is computed."""
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option("--plot", metavar="FILE.svg", type=path, callback=_drawable, help=says)


def _drawable(context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
    if file and file.suffix != ".svg":
        raise click.UsageError("--plot draws SVG: name a file that ends in .svg")
    if file and not ((context.params.get("folder") or Path()) / file).parent.is_dir():
        raise click.UsageError(f"--plot: there is no folder {file.parent}")
    return file


def write_drawing(console: Console, folder: Path, plot: Path | None, draw: Callable[[], bytes]) -> None:
    """Write what is drawn, where it was asked for."""
    if plot is not None:
        (folder / plot).write_bytes(draw())
        console.note(f"drawn: {plot}")
