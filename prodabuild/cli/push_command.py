"""`prodabuild push`: what versions are made of, to a remote of DVC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common
from prodabuild.cli.transfers import moving, tell

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console


@click.command("push")
@moving
@common
def command(folder: Path, console: Console, remote: str | None, everything: bool) -> int:
    """Send what was built to a remote of DVC, and read it back.

    What proda.lock and dvc.lock name is sent where the remote lacks it: data, base, model, results, traces, and what
    other stages of dvc.yaml and .dvc files keep in the cache. Exit 5 when something could not be sent.

    \b
    Examples:
      prodabuild push
      prodabuild push --all-versions --remote backup
    """
    from prodabuild.versioning.push import push

    return tell(console, "push", push(folder.resolve(), remote, everything, console.emit))
