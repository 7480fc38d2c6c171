"""`prodabuild verify`: is everything that was built still there, byte by byte?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common, guarded, open_project, trust, visible_device
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import VerifyReport


SHOWN = 5  # units that are named where there are many


@click.command("verify")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train and test.")
@click.option(
    "--rebuild", "again", is_flag=True, help="Build data again and compare it; and what is lost, in each version."
)
@guarded
@common
def command(folder: Path, console: Console, device: str, again: bool, own_code: bool) -> int:
    """Read everything that was built and heal what is damaged.

    Every object of the cache is compared with its name, both locks and build/ with the objects. Copies in build/, the
    locks and the default remote heal. With --rebuild every data unit is built again: what its sources do not make was
    put there by somebody. Exit 5 when something is lost, 4 when a lock names other contents than built, or contents
    that are not built here and that the trusted branch does not name.

    \b
    Examples:
      prodabuild verify
      prodabuild verify --json
    """
    from prodabuild.project import Options
    from prodabuild.versioning.verify import verify

    console.stages = console.verbosity > 0
    options = Options(device=visible_device(device), emit=console.emit, own_code=own_code, trust=trust())
    report = verify(open_project(folder), options, again)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report))
    if not report.whole:
        return ExitCode.OUTSIDE
    return ExitCode.STALE if report.doubtful else ExitCode.DONE


def _text(report: VerifyReport) -> list[str]:
    needed = {name: f"  of {version}" for name, version in report.needed if version != "the work tree"}
    lines = [
        f"{'healed' if name in report.healed else 'lost':8}{name}{needed.get(name, '')}" for name in report.damaged
    ]
    lines += [f"rebuild {unit}" for unit in report.lost]
    lines += [f"stale   {unit} in proda.lock" for unit in report.stale]
    lines += [f"stale   {path} in dvc.lock" for path in report.recorded]
    lines += [f"refuted {unit}: its sources make other bytes" for unit in report.refuted]
    lines += [
        f"unknown {unit} in proda.lock: not built here, and not what a trusted version names"
        for unit in report.unproven[:SHOWN]
    ]
    lines += [f"unknown and {len(report.unproven) - SHOWN} more"] if len(report.unproven) > SHOWN else []
    number = f"{report.objects} object{'s' if report.objects != 1 else ''}"
    if not report.damaged:
        lines.append(f"{number} and their copies in build/ are whole ({report.seconds:.2f} s)")
    else:
        lost = len(report.damaged) - len(report.healed)
        lines.append(f"{number}: {len(report.healed)} healed, {lost} lost ({report.seconds:.2f} s)")
    if report.proved:
        right = report.proved - len(report.refuted)
        lines.append(f"{report.proved} data units were built again: {right} came out the same")
    lines += [f"not built yet: {report.unbuilt}"] if report.unbuilt else []
    lines += [] if report.whole else [_mend(report, bool(needed))]
    stale = report.whole and (report.stale or report.recorded)
    lines += [f"run `prodabuild compile`: it writes {'proda.lock' if report.stale else 'dvc.lock'}"] if stale else []
    if report.whole and (report.refuted or report.unproven):
        lines.append(
            "run `prodabuild compile`: it builds them from their sources; `git log proda.lock` names who wrote it"
        )
    return lines


def _mend(report: VerifyReport, others: bool) -> str:
    if others:
        return "run `prodabuild verify --rebuild`: it builds what is lost, in each version that needs it"
    if not report.lost:
        return "no version needs what was lost: it is removed"
    return "run `prodabuild compile`: it restores what is stored and builds the rest"
