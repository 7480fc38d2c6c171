"""`prodabuild plan`: what would be built, and why?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli.options import common, guarded, open_project, trust, visible_device
from prodabuild.cli.reasons import reason_lines
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project.stages import Target

SHOWN = 12  # steps of one action that are printed unless -v asks for all
ACTIONS = ("build", "restore", "maybe", "remove", "clean")


@click.command("plan")
@click.option("--to", type=click.Choice(["data", "model", "results"]), default="model", help="Plan up to here.")
@click.option("--check", "must_be_clean", is_flag=True, help="Exit 4 when anything is to be done.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train and test.")
@guarded
@common
def command(folder: Path, console: Console, to: Target, must_be_clean: bool, device: str, own_code: bool) -> int:
    """Show what a compile would do and why; change nothing.

    \b
    Examples:
      prodabuild plan
      prodabuild plan --to data --check
    """
    from prodabuild.project import Options

    options = Options(to=to, device=visible_device(device), emit=console.emit, own_code=own_code, trust=trust())
    report = open_project(folder).plan(options)
    if console.as_json:
        console.json(report.to_json())
    else:
        counts = Counter(step["action"] for step in report.steps)
        for action in ("build", "restore", "maybe"):
            _show(console, [step for step in report.steps if step["action"] == action], action)
        _show_removed(console, report.removed)
        counts["remove"] = len(report.removed)
        rest = ", ".join(f"{counts[action]} {action}" for action in ACTIONS if counts[action])
        console.out(rest if report.stale else f"nothing to do: {counts['clean']} units are clean")
    return ExitCode.STALE if must_be_clean and report.stale else ExitCode.DONE


def _show(console: Console, steps: list[dict[str, Any]], action: str) -> None:
    shown = len(steps) if console.verbosity > 0 else SHOWN
    for step in steps[:shown]:
        console.out([f"{action:8}{step['unit']}", *reason_lines(step["reasons"], console.verbosity > 0, " " * 8)])
    if len(steps) > shown:
        console.out(f"{action:8}and {len(steps) - shown} more units (-v shows all)")


def _show_removed(console: Console, paths: Sequence[str]) -> None:
    shown = len(paths) if console.verbosity > 0 else SHOWN
    for path in paths[:shown]:
        console.out([f"remove  build/{path}"])
    if len(paths) > shown:
        console.out(f"remove  and {len(paths) - shown} more files (-v shows all)")
