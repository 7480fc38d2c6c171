"""`prodabuild import`: records from a structured vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common

if TYPE_CHECKING:
    from prodabuild.cli.console import Console


@click.group("import")
def command() -> None:
    """Write knowledge from a structured vocabulary.

    \b
    Examples:
      prodabuild import wordnet --help
      prodabuild import --help
    """


@command.command("wordnet")
@click.argument("path", type=click.Path(file_okay=False, path_type=Path))
@click.option("--select", required=True, help="A selection file, or `all` for every noun.")
@click.option("--into", default="knowledge", help="Folder that gets one folder a discipline.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "jsonl"]),
    default="yaml",
    help="YAML to read and edit, JSONL for bulk.",
)
@click.option("--chains", type=click.IntRange(0), default=180, help="Chains a discipline, at most.")
@common
def wordnet(folder: Path, console: Console, path: Path, select: str, into: str, form: str, chains: int) -> None:
    """Write concepts, relations and chains from the WordNet 3.0 nouns in PATH.

    \b
    Examples:
      prodabuild import wordnet /usr/share/wordnet --select sources/wordnet.yaml
      prodabuild import wordnet /usr/share/wordnet --select all --format jsonl --into full
    """
    from prodabuild.project.importing import import_wordnet

    written = import_wordnet(folder.resolve(), path, select, into, form, chains)
    if console.as_json:
        console.json({"schema": 1, "files": written})
        return
    for file, counts in written.items():
        console.out(f"{file}: " + ", ".join(f"{number} {level}s" for level, number in counts.items() if number))
