"""`prodabuild pull`: what versions are made of, from a remote of DVC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common
from prodabuild.cli.transfers import moving, tell

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console


@click.command("pull")
@moving
@common
def command(folder: Path, console: Console, remote: str | None, everything: bool) -> int:
    """Fetch what was built from a remote of DVC.

    Every object is compared with its name before it is taken in. Files in build/ become those of the version that is
    checked out; the next compile restores, and builds nothing. Exit 5 when something could not be had.

    \b
    Examples:
      prodabuild pull
      prodabuild pull --all-versions
    """
    from prodabuild.versioning.pull import pull

    return tell(console, "pull", pull(folder.resolve(), remote, everything, console.emit))
