"""`prodabuild patch try` and `patch accept`: what patches change, measured, and the version that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli.failures import Failure
from prodabuild.cli.options import common, guarded, open_project, trust, visible_device
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import Options
    from prodabuild.project.candidate import TryReport

HEAD = ("items", "n", "before", "now", "change", "95 % interval", "better", "worse", "p")


@click.command("try")
@click.argument("patches", nargs=-1)
@click.option("--device", default="auto", help="auto, cpu or cuda.")
@guarded
@common
def try_(folder: Path, console: Console, patches: tuple[str, ...], device: str, own_code: bool) -> int:
    """Build and test the accepted version with patches, beside it; exit 3 when they do more harm than good.

    All patches are tried unless some are named. build/ and proda.lock stay as they are.

    \b
    Examples:
      prodabuild patch try
      prodabuild patch try 3 7
    """
    report = open_project(folder).try_patches(_options(console, device, own_code), patches)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report, patches, console.verbosity))
    return ExitCode.DONE if report.verdict == "pass" else ExitCode.GATE_FAILED


@click.command("accept")
@click.argument("patches", nargs=-1)
@click.option("--device", default="auto", help="auto, cpu or cuda.")
@guarded
@common
def accept(folder: Path, console: Console, patches: tuple[str, ...], device: str, own_code: bool) -> int:
    """Make patches that passed `patch try` the accepted version; what was tried is restored, not trained again.

    \b
    Examples:
      prodabuild patch accept
      prodabuild patch accept 3 7
    """
    report = open_project(folder).accept_patches(_options(console, device, own_code), patches)
    console.close()
    if report is None:
        again = "drop some (`prodabuild patch drop`), and try the others"
        console.note(f"these patches did not pass: {again}")
        return console.answer(Failure("these patches did not pass", again, ExitCode.GATE_FAILED))
    if console.as_json:
        console.json(report.to_json())
    else:
        from prodabuild.cli.scores import table

        console.out(table(report, console.verbosity))
    return ExitCode.DONE


def _options(console: Console, device: str, own_code: bool) -> Options:
    from prodabuild.project import Options

    return Options(to="results", device=visible_device(device), emit=console.emit, own_code=own_code, trust=trust())


def _text(report: TryReport, asked: Sequence[str], verbosity: int) -> Iterator[str]:
    from prodabuild.cli.tables import columns

    before, now = report.samples
    patches = f"{len(report.patches)} patch{'es' * (len(report.patches) != 1)}"
    yield f"round {report.round}: {patches}, {before} -> {now} samples, against {report.against}"
    rows = [_row(name, found) for name, found in {**report.groups, **report.suites}.items()]
    yield from columns([HEAD, *rows], left=1)
    fallen = [(name, found) for name, found in report.disciplines.items() if found["difference"] < 0]
    shown = report.disciplines.items() if verbosity > 0 else sorted(fallen, key=lambda pair: pair[1]["difference"])[:3]
    for name, found in shown:
        yield f"{name}: {found['difference']:+.3f} of {found['n']}, p (Holm) {found['p_holm']:.4f}"
    for gate in report.gates:
        yield f"{'ok  ' if gate.ok else 'FAIL'} {gate.name} is {gate.value:.3f}"
    if report.verdict == "pass":
        yield f"pass: `{' '.join(['prodabuild patch accept', *asked])}`"
    else:
        yield "fail: drop patches that do harm (`prodabuild patch drop`), and try the others"


def _row(name: str, found: dict[str, Any] | None) -> tuple[str, ...]:
    if found is None:
        return (name, "0", *"-------")
    from prodabuild.cli.scores import shown_p

    low, high = found["interval"]
    return (
        name,
        str(found["n"]),
        f"{found['acc']:.3f}",
        f"{found['acc'] + found['difference']:.3f}",
        f"{found['difference']:+.3f}",
        f"{low:+.3f} to {high:+.3f}",
        str(found["better"]),
        str(found["worse"]),
        shown_p(found["p"]),
    )
