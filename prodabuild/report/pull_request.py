"""Two versions side by side as Markdown, for a pull request.

Whatever was written by people or made of it stands in code, where nothing is rendered: a comment is made of words that
the author of a pull request has chosen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prodabuild.escaping import markdown_block, markdown_code, markdown_text, one_line
from prodabuild.knowledge.files import flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prodabuild.project.comparison import Comparison, Counted, Pair, ScoreChange
    from prodabuild.project.previewing import Difference

MARKER = "<!-- prodabuild diff: {name} -->"
MARKS = {"added": "+", "removed": "-", "changed": "~"}
LISTED = 20  # records and patches that are shown; the others are counted
LONGEST = 600  # characters of one value
LIMIT = 60_000  # bytes of a comment: GitHub takes 65 536 characters
UNKNOWN = "?"
SHARES = {"taught": "records taught", "tested": "records tested"}
COSTS = {
    "training_steps": "training steps",
    "training_tokens": "tokens trained on",
    "adapter_bytes": "bytes of the adapter",
    "data_bytes": "bytes of the data",
}


def marker(name: str) -> str:
    """Return the comment by which a bot finds its own words again; no name can end it early."""
    return MARKER.format(name=re.sub(r"[^\w.-]|--+", "_", name, flags=re.ASCII))


def markdown(found: Comparison) -> str:
    """Return what a pull request shows. Test items are counted, never shown."""
    head = [
        marker(found.name),
        f"## {markdown_code(found.name)}: {markdown_code(found.before)} → {markdown_code(found.after)}",
        "",
    ]
    body = ["Nothing differs.", ""] if found.same else [*_parts(found)]
    text = "\n".join([*head, *body]).rstrip("\n") + "\n"
    if len(text.encode()) <= LIMIT:
        return text
    cut = text.encode()[:LIMIT].decode(errors="ignore").rpartition("\n")[0]
    fences = re.findall("^`{3,}", cut, re.MULTILINE)
    end = f"{fences[-1]}\n" if len(fences) % 2 else ""
    return f"{cut}\n{end}\nThe rest is left out: `prodabuild diff` shows it.\n"


def summary_rows(found: Comparison) -> Iterator[tuple[str, str, str, str]]:
    """Return what is counted: name, before, after, change."""
    for name, counted in found.counts.items():
        yield (name, *_counted(counted))
    for split, counted in found.items.items():
        yield (f"test items, {split}", *_counted(counted))
    for name, pair in found.figures.items():
        yield from _figure(name, pair)
    for way, pair in found.coverage.items():
        yield from _figure(SHARES[way], pair, share=True)
    for name, pair in found.cost.items():
        yield from _figure(COSTS[name], pair)


def score_rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    """Return what each split got."""
    for score in found.scores:
        yield (score.suite, score.split, _acc(score.before), _acc(score.after), *_tested(score))


SCORE_HEAD = ("suite", "split", "before", "after", "change", "95 % interval", "p", "test")


def _parts(found: Comparison) -> Iterator[str]:
    yield from _table(("", "before", "after", "change"), list(summary_rows(found)))
    if found.suspicion:
        yield from ("### Unexplained", "", markdown_code(found.suspicion), "")
    if found.scores:
        yield from ("### Scores", "", *_table(SCORE_HEAD, list(score_rows(found)), left=2), *_scores_note(found), "")
    if found.settings:
        rows = [f"{each.key}: {shown(each.old)} → {shown(each.new)}" for each in found.settings]
        yield from _section("Settings", f"{len(rows)} changed", rows)
    if found.patches:
        yield from _section("Patches", how_many(found.patches), _lines(found.patches))
    if found.records:
        yield from _section("Records", how_many(found.records), _lines(found.records))
    if found.samples:
        yield from _section("Samples", f"{len(found.samples)} of those that differ", _lines(found.samples))
    if found.made_with:
        rows = [f"{each.key}: {shown(each.old)} → {shown(each.new)}" for each in found.made_with]
        yield from _section("The model was made with", f"{len(rows)} changed", rows)
    if found.untold or found.notes:
        yield from ("### Not told", "")
        yield from (
            f"- {each.part}: {markdown_code(each.why)}; {markdown_code(each.mend)} may help" for each in found.untold
        )
        yield from (f"- {markdown_code(note)}" for note in found.notes)


def how_many(differences: Sequence[Difference]) -> str:
    """Return `2 added, 1 changed`."""
    numbers = {how: sum(each.how == how for each in differences) for how in MARKS}
    return ", ".join(f"{number} {how}" for how, number in numbers.items() if number)


def difference_lines(found: Difference) -> Iterator[str]:
    """Return a difference as lines: what it is, then each field, old over new."""
    words = (MARKS[found.how], found.what if found.where else "", found.id, found.where)
    yield " ".join(one_line(word) for word in words if word)
    for field in dict.fromkeys((*found.old, *found.new)):
        if field in ("id", "nodes") and found.how != "changed":
            continue
        for mark, values in (("-", found.old), ("+", found.new)):
            if field in values:
                yield f"{mark} {field}: {shown(values[field])}"


def _lines(differences: Sequence[Difference]) -> list[str]:
    lines = [line for each in differences[:LISTED] for line in difference_lines(each)]
    left = len(differences) - LISTED
    return [*lines, f"... and {left} more"] if left > 0 else lines


def _section(title: str, told: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (f"### {title}", "", told, "", *markdown_block(list(lines), "diff"), "")


def shown(value: Any) -> str:
    """Return a value in one line, cut where it is very long."""
    text = "none" if value is None else one_line(value if isinstance(value, str) else flow(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters)"


def _counted(found: Counted) -> tuple[str, str, str]:
    parts = ((found.added, "added"), (found.removed, "removed"), (found.changed, "changed"))
    if found.added is None:
        return _number(found.before), _number(found.after), UNKNOWN
    return (
        _number(found.before),
        _number(found.after),
        ", ".join(f"{number} {how}" for number, how in parts if number) or "none",
    )


def _figure(name: str, pair: Pair, share: bool = False) -> Iterator[tuple[str, str, str, str]]:
    if pair == (None, None):
        return
    if pair.before is None or pair.after is None:
        yield name, _number(pair.before, share), _number(pair.after, share), UNKNOWN
        return
    change = pair.after - pair.before
    moved = f"{100 * change:+.1f} points" if share else f"{change:+,.0f}".replace(",", " ")
    yield name, _number(pair.before, share), _number(pair.after, share), moved if change else "none"


def _number(value: float | None, share: bool = False) -> str:
    if value is None:
        return UNKNOWN
    return f"{100 * value:.1f} %" if share else f"{value:,.0f}".replace(",", " ")


def _acc(score: Any) -> str:
    return "not tested" if score is None else f"{score['acc']:.3f} (n {score['n']})"


def _tested(score: ScoreChange) -> tuple[str, str, str, str]:
    if score.difference is None or score.interval is None or score.p is None:
        return "-", "-", "-", "-"
    p = "<0.0001" if score.p < 0.0001 else f"{score.p:.4f}"
    low, high = score.interval
    how = f"paired, n {score.n}" if score.test == "paired" else score.test
    return f"{score.difference:+.3f}", f"{low:+.3f} to {high:+.3f}", p, how


def _scores_note(found: Comparison) -> list[str]:
    notes = {
        "paired": "Paired: McNemar's exact test over the items that both versions were asked.",
        "unpaired": "Unpaired: from the recorded accuracies alone, since results are not at hand; it sees less.",
    }
    return ["", " ".join(notes[test] for test in notes if any(score.test == test for score in found.scores))]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    cells = [[markdown_text(cell) for cell in row] for row in rows]
    lines = [list(head), ["---"] * left + ["---:"] * (len(head) - left), *cells]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
