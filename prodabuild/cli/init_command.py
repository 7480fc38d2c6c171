"""`prodabuild init`: a new data repo."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common, program

if TYPE_CHECKING:
    from prodabuild.cli.console import Console


@click.command("init")
@click.argument("directory", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--template",
    type=click.Choice(["minimal", "wordnet", "csv"]),
    default="minimal",
    help="Foods by hand (default), animals selected from WordNet, instruments from a table.",
)
@common
def command(folder: Path, console: Console, directory: Path, template: str) -> None:
    """Begin a data repo that builds at once.

    Knowledge, proda.yaml with its schema, git, DVC, workflows, a README. Where one of its files is there already,
    nothing is written (exit 1).

    \b
    Examples:
      prodabuild init kitchen
      prodabuild init zoo --template wordnet
    """
    from prodabuild.versioning.starting import start

    found = start((folder / directory).resolve(), template, program())
    if console.as_json:
        console.json({"schema": 1, "name": found.name, "template": template, "files": list(found.files)})
        return
    here = "" if found.new_git else ", in the git repository that is there"
    console.out(f"{found.name}: {len(found.files)} files from the template {template}{here}")
    steps = ["prodabuild compile --to data", 'git add --all && git commit --message "A first version"']
    where = [] if (folder / directory).resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder / directory))}"]
    console.out(["next:", *(f"  {step}" for step in [*where, *steps])])
