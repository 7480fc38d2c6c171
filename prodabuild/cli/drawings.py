"""Files that commands write where an option says: `-` is stdout, and stands for what the command prints else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli.options import folder_of, wants_json
from prodabuild.errors import UsageError
from prodabuild.paths import named

if TYPE_CHECKING:
    from collections.abc import Callable

    from prodabuild.cli.console import Console


FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
STDOUT = Path("-")


def plotting(says: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds `--plot`; a file that no drawing can be written to is refused before anything is computed."""
    return click.option("--plot", metavar="FILE.svg", type=FILE, callback=_drawable, help=says)


def _drawable(context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
    if file in (None, STDOUT):
        return file
    if file.suffix != ".svg":
        raise click.UsageError("--plot draws SVG: name a file that ends in .svg, or `-` for stdout")
    if not (folder_of(context) / file).parent.is_dir():
        raise click.UsageError(f"--plot: there is no folder {file.parent}")
    return file


def one_on_stdout(**files: Path | bool | None) -> bool:
    """Tell whether one of some options takes stdout, `-` or true; raises `UsageError` where two do, or `--json` too."""
    asked = [f"--{name}" for name, file in files.items() if file in (STDOUT, True)]
    asked += ["--json"] if asked and wants_json() else []
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} both print to stdout", "name a file for one of them")
    return bool(asked)


def write_drawing(console: Console, folder: Path, plot: Path | None, draw: Callable[[], bytes]) -> None:
    """Write what is drawn, where it was asked for."""
    if plot == STDOUT:
        console.data(draw())
    elif plot is not None:
        named(folder.resolve(), folder / plot).write_bytes(draw())
        console.note(f"drawn: {plot}")
