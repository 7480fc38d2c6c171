"""`prodabuild export`: the data in a format that another trainer reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import building, common, open_project, trust

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import ExportReport

FORMATS = ("messages", "prompt-completion", "sharegpt", "alpaca", "parquet", "hf")
TAKEN = ("train", "dev", "sealed", "test")  # names of splits that mean something else


def _held_out(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, float] | None:
    """Read `validation=0.05`: a split and its share of the samples."""
    if value is None:
        return None
    written = re.fullmatch(r"([a-z][a-z0-9_]*)=(0?\.[0-9]+)", value)
    if not written or float(written[2]) == 0:
        raise click.BadParameter("write a name and a share between 0 and 1, as in validation=0.05", ctx, param)
    if written[1] in TAKEN:
        raise click.BadParameter(f"{written[1]!r} is taken; what is set aside is no test item", ctx, param)
    return written[1], float(written[2])


@click.command("export")
@click.argument("form", metavar="FORMAT", type=click.Choice(FORMATS))
@click.option("--to", metavar="DIR", help="Folder to write, from the data repo on (default: build/export/FORMAT).")
@click.option(
    "--split",
    "held_out",
    metavar="NAME=SHARE",
    callback=_held_out,
    help="Set a share of the samples aside, as validation=0.05.",
)
@click.option("--discipline", "disciplines", metavar="NAME", multiple=True, help="Only this one; may be repeated.")
@click.option("--items", type=click.Choice(["dev", "sealed"]), help="Test items instead of training data.")
@building
@common
def command(
    folder: Path,
    console: Console,
    form: str,
    to: str | None,
    held_out: tuple[str, float] | None,
    disciplines: tuple[str, ...],
    items: str | None,
    jobs: int,
    keep_going: bool,
    locked: bool,
    own_code: bool,
    device: str,
) -> None:
    """Write the data in a format that other trainers read.

    \b
    messages           JSONL: role and content, as the dataset has them
    prompt-completion  JSONL: the text that compile trains on
    sharegpt, alpaca   JSONL, with dataset_info.json for LLaMA-Factory
    parquet            typed columns, with the provenance of every row
    hf                 a Hugging Face dataset: Parquet by discipline, a card

    Builds what is stale first. A folder is replaced when an export wrote all that is in it.

    \b
    Examples:
      prodabuild export messages
      prodabuild export hf --split validation=0.05
    """
    from prodabuild.project import ExportRequest, Options

    if items and held_out:
        raise click.UsageError("--split sets training samples aside: it does not go with --items")
    request = ExportRequest(form, to, disciplines, held_out, items)
    options = Options("data", jobs, locked, keep_going, device, console.emit, own_code=own_code, trust=trust())
    report = open_project(folder).export(request, options)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report))


def _text(report: ExportReport) -> list[str]:
    rows = f"{sum(report.splits.values())} rows"
    if len(report.splits) > 1:
        rows += f" ({', '.join(f'{number} {split}' for split, number in report.splits.items())})"
    files = f"{len(report.files)} file{'s' if len(report.files) != 1 else ''}"
    size = sum(file["size"] for file in report.files) / 1e6
    lines = [f"{rows} in {report.folder}: {files}, {size:.1f} MB ({report.seconds:.1f} s)", report.load]
    lines += ["proda.lock was updated: commit it with your change"] if report.lock_changed else []
    return lines
