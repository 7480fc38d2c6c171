"""`prodabuild doctor`: what is lacking here, and how to mend it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.versioning.condition import Condition

MARKS = {"ok": "ok", "lacks": "LACKS", "absent": "-"}
UNITS = ("bytes", "KB", "MB", "GB", "TB")


@click.command("doctor")
@common
def command(folder: Path, console: Console) -> int:
    """Tell what is lacking here, and how to mend it.

    Packages by what they are for, GPU, git, the merge driver, DVC, sizes; each mend is a command line. Exit 1 when this
    repo needs what is not there; what it can do without is told, and counts as nothing.

    \b
    Examples:
      prodabuild doctor
      prodabuild doctor --json
    """
    from prodabuild.versioning.condition import examine

    found = examine(folder.resolve())
    if console.as_json:
        console.json(found.to_json())
    else:
        console.out(_text(found))
    return ExitCode.DONE if found.sound else ExitCode.PROJECT_WRONG


def _text(found: Condition) -> Iterator[str]:
    wide = max(len(finding.what) for finding in found.findings)
    for finding in found.findings:
        yield f"{MARKS[finding.state]:5}  {finding.what:{wide}}  {finding.told}"
        if finding.mend:
            yield f"{'':5}  {'':{wide}}  $ {finding.mend}"
    sizes = ", ".join(f"{name} {_readable(size)}" for name, size in found.sizes.items())
    yield f"{MARKS['ok']:5}  {'sizes':{wide}}  {sizes}"
    lacking = sum(finding.state == "lacks" for finding in found.findings)
    yield ""
    yield f"{lacking} lacking" if lacking else "nothing that this repo needs is lacking"


def _readable(size: float) -> str:
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit ends the loop")
