"""`prodabuild diff`: what two versions differ in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common
from prodabuild.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project.comparison import Comparison
    from prodabuild.project.previewing import Difference

SHOWN = 10  # differences of a kind that are printed unless -v asks for all


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="[B]", required=False)
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown, for a pull request.")
@common
def command(folder: Path, console: Console, before: str, after: str | None, as_markdown: bool) -> None:
    """Tell what differs between two versions.

    A and B are git refs; without B it is the work tree. Records, patches, samples, tokens, coverage, scores, cost: from
    git, the locks and stored objects alone. Nothing is built. What cannot be told for want of an object is said. Test
    items are counted, never shown.

    \b
    Examples:
      prodabuild diff main
      prodabuild diff main HEAD --md
    """
    if as_markdown and console.as_json:
        raise UsageError("--md and --json ask for two formats", "choose one")
    from prodabuild.versioning.difference import compare

    found = compare(folder.resolve(), before, after)
    if console.as_json:
        console.json(found.to_json())
    elif as_markdown:
        from prodabuild.report.pull_request import markdown

        console.document(markdown(found).rstrip("\n"))
    else:
        console.out(_text(found, console.verbosity > 0))


def _text(found: Comparison, everything: bool) -> Iterator[str]:
    from prodabuild.cli.tables import columns
    from prodabuild.report.pull_request import SCORE_HEAD, score_rows, shown, summary_rows

    yield f"{found.before} -> {found.after}"
    if found.same:
        yield "nothing differs"
        return
    yield from ("", *columns([("", "before", "after", "change"), *summary_rows(found)], left=1))
    if found.suspicion:
        yield from ("", f"unexplained: {found.suspicion}")
    if found.scores:
        yield from ("", *columns([SCORE_HEAD, *score_rows(found)]))
    for title, settings in (("settings", found.settings), ("the model was made with", found.made_with)):
        if settings:
            yield from (
                "",
                f"{title}:",
                *(f"  {each.key}: {shown(each.old)} -> {shown(each.new)}" for each in settings),
            )
    for title, differences in (("patches", found.patches), ("records", found.records)):
        if differences:
            yield from _listed(title, differences, everything)
    if found.samples:
        yield from _listed("samples, some of those that differ", found.samples, everything)
    if found.untold or found.notes:
        yield from ("", "not told:")
        yield from (f"  {each.part}: {each.why} (`{each.mend}` may help)" for each in found.untold)
        yield from (f"  {note}" for note in found.notes)


def _listed(title: str, differences: Sequence[Difference], everything: bool) -> Iterator[str]:
    from prodabuild.report.pull_request import difference_lines, how_many

    yield from ("", f"{title}: {how_many(differences)}")
    shown = differences if everything else differences[:SHOWN]
    for each in shown:
        first, *rest = difference_lines(each)
        yield from (first, *(f"    {line}" for line in rest))
    if left := len(differences) - len(shown):
        yield f"... and {left} more (-v shows all)"
