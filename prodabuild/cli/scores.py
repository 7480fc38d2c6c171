"""The scores of a test, as a table for a terminal and as Markdown for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.cli.tables import columns, markdown_table
from prodabuild.escaping import markdown_code, markdown_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.evaluation.gates import GateResult
    from prodabuild.project import TestReport

HEAD = ("suite", "split", "n", "base", "acc", "stderr", "95 % interval", "calibrated", "change", "p")
AGAINST_HEAD = ("suite", "split", "same items", "before", "now", "change", "95 % interval", "better", "worse", "p")
DISCIPLINE_HEAD = ("suite", "discipline", "n", "base", "acc", "calibrated", "change", "p (Holm)")
NOTE = (
    "`change` and `p` (McNemar, exact) are against the base, item by item; "
    "`calibrated` is 0 for guessing and 1 for all right."
)


def table(report: TestReport, verbosity: int) -> list[str]:
    """Return what the terminal shows."""
    lines = columns([HEAD, *_splits(report)])
    if against := list(_against(report)):
        lines += ["", f"against {report.against}:", *columns([AGAINST_HEAD, *against])]
    if verbosity > 0 and report.disciplines:
        lines += ["", *columns([DISCIPLINE_HEAD, *_disciplines(report)])]
    if len(lines) > 1 and (against or verbosity > 0):
        lines.append("")
    lines += [f"{'ok  ' if gate.ok else 'FAIL'} {_gate(gate)}" for gate in report.verdict.gates]
    return [*lines, _last_line(report)]


def markdown(report: TestReport) -> str:
    """Return what a pull request shows. Of items it tells how many, never which."""
    passed = report.verdict.verdict == "pass"
    lines = [f"## Tests: {'a part' if report.part else 'passed' if passed else 'failed'}", ""]
    lines += [f"- {'✅' if gate.ok else '❌'} {markdown_text(_gate(gate))}" for gate in report.verdict.gates]
    lines += ["" if report.verdict.gates else "No gate is declared.\n", *markdown_table(HEAD, list(_splits(report)))]
    if against := list(_against(report)):
        lines += [
            "",
            f"Against {markdown_code(str(report.against))}, on the items that both have:",
            "",
            *markdown_table(AGAINST_HEAD, against),
        ]
    if report.disciplines:
        rows = markdown_table(DISCIPLINE_HEAD, list(_disciplines(report)))
        lines += ["", "<details><summary>By discipline</summary>", "", *rows, "", "</details>"]
    return "\n".join([*lines, "", NOTE, ""])


def _splits(report: TestReport) -> Iterator[tuple[str, ...]]:
    for suite, splits in report.suites.items():
        for split, found in splits.items():
            change = found["base"]
            shown = [f"{found[key]:.3f}" for key in ("base_acc", "acc", "stderr")]
            yield (
                suite,
                split,
                str(found["n"]),
                *shown,
                _interval(found),
                f"{found['calibrated']:.3f}",
                *_change(change),
            )


def _against(report: TestReport) -> Iterator[tuple[str, ...]]:
    for suite, splits in report.suites.items():
        for split, found in splits.items():
            if change := found.get("against"):
                now = change["acc"] + change["difference"]
                difference, p = _change(change)
                counts = str(change["better"]), str(change["worse"])
                acc = f"{change['acc']:.3f}", f"{now:.3f}"
                yield suite, split, str(change["n"]), *acc, difference, _interval(change), *counts, p


def _disciplines(report: TestReport) -> Iterator[tuple[str, ...]]:
    for suite, rows in report.disciplines.items():
        for name, found in rows.items():
            shown = [f"{found[key]:.3f}" for key in ("base_acc", "acc", "calibrated")]
            yield suite, name, str(found["n"]), *shown, *_change(found["base"], "p_holm")


def _change(change: dict[str, Any] | None, p: str = "p") -> tuple[str, str]:
    return ("-", "-") if change is None else (f"{change['difference']:+.3f}", shown_p(change[p]))


def _interval(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    return f"{low:.3f} to {high:.3f}"


def shown_p(value: float) -> str:
    """Return a p-value as tables show it."""
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _gate(gate: GateResult) -> str:
    if gate.against:
        return f"{gate.name} against {gate.against} is {gate.value:.3f}, at most {gate.limit:g} is asked"
    if gate.name.endswith(".n"):
        return f"{gate.name} is {gate.value:g}, at least {gate.limit:g} is asked: the suite has no item"
    return f"{gate.name} is {gate.value:.3f}, at least {gate.limit:g} is asked"


def _last_line(report: TestReport) -> str:
    if report.part:
        right = sum(item.row.correct for item in report.items)
        left = "sealed items and suites of tasks were left out, no gate was judged, nothing was recorded"
        return f"a part: {right} of the {len(report.items)} items that failed in the last test are right now; {left}"
    unchanged = "" if report.ran else " (nothing changed: these are the recorded results)"
    accepted = "; recorded in proda.lock as the accepted version" if report.accepted else ""
    return report.verdict.verdict + unchanged + accepted
