"""`prodabuild rebuild REF`: does a past version still come out the same?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common, guarded, trust, visible_device
from prodabuild.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.versioning.rebuild import RebuildReport

SHORT = 12


@click.command("rebuild")
@click.argument("ref")
@click.option("--from-scratch", is_flag=True, help="Restore nothing, from no cache and no remote: build all of it.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, help="Processes for building data.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train and test.")
@guarded
@common
def command(
    folder: Path, console: Console, ref: str, from_scratch: bool, jobs: int, device: str, own_code: bool
) -> int:
    """Build a past version again and compare every digest.

    REF is checked out beside the work tree, which stays as it is. What cache or remote have is restored, the rest is
    built. Libraries and kernels that are not those of then are named first. `equivalent`: data and settings are equal,
    models differ as other kernels make them, and scores are within their intervals. Exit 1 when it is `different`.

    \b
    Examples:
      prodabuild rebuild v1
      prodabuild rebuild v1 --from-scratch --json
    """
    from prodabuild.project import Options
    from prodabuild.versioning.rebuild import rebuild

    console.stages = console.verbosity > 0
    options = Options(jobs=jobs, device=visible_device(device), emit=console.emit, own_code=own_code, trust=trust())
    report = rebuild(folder.resolve(), ref, options, from_scratch)
    console.close()
    if console.as_json:
        console.json(report.to_json())
    else:
        console.out(_text(report, everything=console.verbosity > 0))
    return ExitCode.PROJECT_WRONG if report.verdict == "different" else ExitCode.DONE


def _text(report: RebuildReport, everything: bool) -> list[str]:
    kinds = Counter(artifact.name.partition(":")[0] for artifact in report.artifacts)
    equal = Counter(artifact.name.partition(":")[0] for artifact in report.artifacts if artifact.equal)
    width = max(map(len, kinds))
    lines = [f"{kind:{width}}  {equal[kind]} of {kinds[kind]} equal" for kind in kinds]
    shown = [artifact for artifact in report.artifacts if everything or not artifact.equal]
    if shown:
        width = max(len(artifact.name) for artifact in shown)
        lines += ["", f"{'artifact':{width}}  {'locked':{SHORT}}  rebuilt"]
        lines += [f"{name:{width}}  {_short(locked)}  {_short(rebuilt)}" for name, locked, rebuilt in shown]
    same = sum(equal.values())
    verdict = {"different": f"{len(report.artifacts) - same} differ"}.get(report.verdict, report.verdict)
    if not report.identical:
        lines += _scores(report)
    done = f"{report.built} built, {report.restored} restored"
    lines += ["", f"{report.ref} ({report.commit[:SHORT]}): {same} of {len(report.artifacts)} equal, {verdict}"]
    return [*lines, f"{done} ({report.seconds:.1f} s)"]


def _scores(report: RebuildReport) -> list[str]:
    return [
        f"{name}: accuracy {locked:.3f}, rebuilt {rebuilt:.3f}, difference {interval.low:+.3f} to {interval.high:+.3f}"
        for name, locked, rebuilt, interval in report.scores
    ]


def _short(digest: str | None) -> str:
    return f"{digest[:SHORT] if digest else '-':{SHORT}}"
