"""`prodabuild debug`: why the model's unit tests fail, and drafts of the patches that would mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common, guarded, open_project, trust, visible_device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.diagnosis.findings import Finding
    from prodabuild.project.debugging import DebugReport

SHOWN = 12


@click.command("debug")
@click.option(
    "--draft",
    is_flag=True,
    help="Write a patch for each cluster of gaps that none treats, or was tried for in vain.",
)
@click.option("--device", default="auto", help="auto, cpu or cuda.")
@guarded
@common
def command(folder: Path, console: Console, draft: bool, device: str, own_code: bool) -> None:
    """Ask the model why its dev items fail; draft patches.

    Every failure gets a cause by probes of what the item needs. Sealed items are never opened. With --draft, patches
    are written for review: they see no item's words.

    \b
    Examples:
      prodabuild debug
      prodabuild debug --draft
    """
    from prodabuild.project import Options

    options = Options("results", device=visible_device(device), emit=console.emit, own_code=own_code, trust=trust())
    report = open_project(folder).debug(options, draft)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report, console.verbosity))


def _text(report: DebugReport, verbosity: int) -> list[str]:
    if not report.failures:
        return [f"no dev item of {report.suite} failed"]
    lines = [f"{'cause':<16}{'items':>6}  {'sure':<6}what"]
    shown = report.findings if verbosity > 0 else report.findings[:SHOWN]
    for finding in shown:
        what = " ".join([*finding.nodes, *_tried(report, finding)]) or finding.discipline
        lines.append(f"{finding.cause:<16}{len(finding.items):>6}  {finding.confidence:<6.2f}{what}")
    if len(shown) < len(report.findings):
        lines.append(f"... and {len(report.findings) - len(shown)} more (-v shows all)")
    rates = report.rates
    lines.append(
        f"{report.failures} failed dev items of {report.suite}, {rates.given:.2f} right with their facts given;"
        f" of passed ones {rates.known:.2f} of the facts recalled, {rates.steady:.2f} steady in any order"
    )
    if report.flaky:
        lines.append(f"{len(report.flaky)} of them passed and failed by turns in the {report.versions} versions before")
    lines.append(f"round {report.round}, diagnosis {report.digest[:12]}  {report.file}")
    lines += [f"drafted {draft}: `prodabuild patch show {draft[8:12]}`" for draft in report.drafts]
    return lines


def _tried(report: DebugReport, finding: Finding) -> Iterator[str]:
    for node in finding.nodes:
        if found := report.tried.get(node):
            yield f"(tried in {found.patch[:4]}: {found.passed} of {found.items})"
