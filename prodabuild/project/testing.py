"""What a test found: results of this version beside its base and another version, and the verdict over them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.engine import lockfile
from prodabuild.engine.view import View
from prodabuild.errors import ProjectError, UsageError
from prodabuild.evaluation.figures import Reference, correct_for_number, figures_of, with_drop
from prodabuild.evaluation.gates import judge
from prodabuild.evaluation.results import BASE, by_split, from_json
from prodabuild.evaluation.run import score_chains
from prodabuild.events import Note
from prodabuild.knowledge.splits import SPLITS
from prodabuild.project.locking import LOCK
from prodabuild.project.outcome import TestedItem, TestReport
from prodabuild.project.versions import accepted, at_ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prodabuild.evaluation.figures import Figures
    from prodabuild.evaluation.gates import Ceiling
    from prodabuild.evaluation.results import ItemResult
    from prodabuild.project.outcome import TestRequest
    from prodabuild.project.session import Session

SEALED = "sealed"
SCORES = ("n", "acc", "stderr", "base_acc")  # what locks and metrics files hold of a split


def other_version(session: Session, request: TestRequest) -> dict[str, Reference]:
    """Return the version to compare with, by suite: the one asked for, or the one that was accepted."""
    store = session.space.store
    if request.against:
        return at_ref(session.root, request.against, store)
    return accepted(lockfile.read(session.root / LOCK), store)


def report_of(session: Session, others: Mapping[str, Reference]) -> TestReport:
    """Return the figures of all suites, the verdict, and each item."""
    suites: dict[str, dict[str, Figures]] = {}
    disciplines: dict[str, dict[str, Figures]] = {}
    items: list[TestedItem] = []
    for name in session.manifest.tests:
        rows = read_rows(session, f"results:{name}")
        base, other = {row.id: row for row in read_rows(session, f"results:{name}@{BASE}")}, others.get(name)
        splits = by_split(rows) or _untested(session, name)
        suites[name] = {
            split: with_drop(figures_of(found, base, other), split, other) for split, found in splits.items()
        }
        if found := _by_discipline(rows, base, other):
            disciplines[name] = found
        items += [TestedItem(name, row) for split in splits for row in splits[split]]
    gates = {name: suite.gate for name, suite in session.manifest.tests.items()}
    verdict = judge(gates, suites, ceilings(session))
    against = next((other.name for other in others.values()), None)
    return TestReport(verdict, suites, disciplines, against=against, items=tuple(items))


def _untested(session: Session, name: str) -> dict[str, list[ItemResult]]:
    """Return the splits of a suite from chains that has no item; none of a suite that was not tested."""
    chains = session.manifest.chain_suite
    if chains is None or chains[0] != name or session.state.made(f"results:{name}") is None:
        return {}
    session.options.emit(Note(f"the suite {name!r} has no item: nothing was tested", warning=True))
    return {split: [] for split in SPLITS if split != SEALED or chains[1].sealed}


def ceilings(session: Session) -> Iterator[Ceiling]:
    """Return what the gates of the manifest's `insight` look at, of units that were built."""
    insight = session.manifest.insight
    if insight.probe or insight.footprint:
        from prodabuild.project import footprinting, probing  # they read numpy

        yield from probing.ceilings(session)
        yield from footprinting.ceilings(session)


def _by_discipline(
    rows: Sequence[ItemResult], base: Mapping[str, ItemResult], other: Reference | None
) -> dict[str, Figures]:
    """Return the figures of each discipline, and below them those of its splits."""
    names = sorted({row.discipline for row in rows if row.discipline})
    found: dict[str, Figures] = {}
    for name in names:
        own = [row for row in rows if row.discipline == name]
        splits = {split: figures_of(part, base, other) for split, part in by_split(own).items()}
        found[name] = figures_of(own, base, other) | {"splits": splits}
    correct_for_number(list(found.values()))
    for split in {row.split for row in rows}:
        correct_for_number([figures["splits"][split] for figures in found.values() if split in figures["splits"]])
    return found


def recorded_scores(report: TestReport) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what locks and metrics files hold: it depends on the version alone, not on what it is compared with."""
    return {
        suite: {split: {key: figures[key] for key in SCORES} for split, figures in splits.items()}
        for suite, splits in report.suites.items()
    }


def read_rows(session: Session, unit: str) -> list[ItemResult]:
    """Return the rows that a unit of results made when it was last built, none when it never was."""
    document = session.read_output(unit)
    return [from_json(row) for row in document["items"]] if document else []


class Failures(NamedTuple):
    """The items of the suite made from chains that failed when everything was tested last, sealed ones apart."""

    suite: str
    rows: dict[str, ItemResult]


def last_failures(session: Session) -> Failures:
    """Return what failed last; nothing of what is sealed, so that nothing is tuned on it. Raises `UsageError`."""
    chains = session.manifest.chain_suite
    before = read_rows(session, f"results:{chains[0]}") if chains else []
    if chains is None or not before:
        raise UsageError("no item of a suite made from chains was tested before", "run `prodabuild test` first")
    failed = {row.id: row for row in before if not row.correct and row.split != SEALED}
    if not failed:
        raise UsageError("no item failed in the last test, sealed ones apart", "run `prodabuild test`")
    return Failures(chains[0], failed)


def retest(session: Session, failures: Failures) -> TestReport:
    """Test again what failed; nothing is recorded. The caller has built the model."""
    unit = f"results:{failures.suite}"
    view = View(unit, session.reader(), session.space.scratch)
    rows = score_chains(unit, view, only=failures.rows.keys())
    if not rows:
        raise ProjectError("none of the items that failed is still there", "run `prodabuild test`")
    base = {row.id: row for row in read_rows(session, f"{unit}@{BASE}")}
    last = Reference("the last test", failures.rows, {})
    figures = {split: figures_of(found, base, last) for split, found in by_split(rows).items()}
    items = tuple(TestedItem(failures.suite, row) for row in rows)
    return TestReport(judge({}, {}), {failures.suite: figures}, part=True, against=last.name, items=items)


def with_texts(session: Session, report: TestReport) -> TestReport:
    """Add question and options to the items that failed; never those of sealed items."""
    texts: dict[str, dict[str, Any]] = {}
    chains = session.manifest.chain_suite
    made = session.state.made(f"suite:{chains[0]}") if chains else None
    for stored in made.files if made else ():
        if stored.path.endswith(".jsonl") and not stored.path.endswith(f"{SEALED}.jsonl"):
            lines = session.space.store.open(stored).read_bytes().splitlines()
            texts |= {item["id"]: item for item in map(orjson.loads, lines)}
    items = tuple(
        replace(item, text=texts.get(item.row.id)) if not item.row.correct and item.row.split != SEALED else item
        for item in report.items
    )
    return replace(report, items=items)
