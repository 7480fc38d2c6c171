"""What the chains of a data repo make no test items of, and why: as warnings, so that tests never stop a training."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import orjson

from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.view import View
from prodabuild.knowledge.splits import SPLITS
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.paths import read_source
from prodabuild.problems import Problem, severity_of
from prodabuild.suites.items import build_items, reasons_for_none
from prodabuild.suites.pairing import REASONS
from prodabuild.yamlio import decode, locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prodabuild.project.session import Session

HINT = "`prodabuild why CHAIN` says why a chain makes no item"


class Made(NamedTuple):
    """The items of a discipline by split, the splits that are not balanced, why the other chains make none."""

    items: Counter[str]
    unbalanced: set[str]
    none: Counter[str]


def untested(session: Session) -> list[Problem]:
    """Return what a suite from chains leaves untested: made anew, in memory, where it is not built."""
    suite = session.manifest.chain_suite
    if suite is None:
        return []
    name, settings = suite
    made = {discipline: Made(Counter(), set(), Counter()) for discipline in session.manifest.disciplines}
    dirty = {row.name for row in session.state.dirty("items")}
    for unit in session.state.unit_names("items"):
        _count(session, unit, made[prefix_of(unit)[0].partition(":")[2]], unit in dirty)
    text = decode(read_source(session.root, MANIFEST))
    return [
        Problem(code, message, MANIFEST, *locate(text, path, key=True), hint, severity_of(code))
        for code, message, path, hint in _problems(name, settings.sealed, made)
    ]


def why_none(session: Session, unit: str, chain: str) -> str | None:
    """Return why a chain of a unit's bucket makes no item, as the end of a sentence; None for one that makes one."""
    return REASONS.get(reasons_for_none(View(unit, session.reader(), session.space.scratch)).get(chain, ""))


def _count(session: Session, unit: str, made: Made, dirty: bool) -> None:
    """Count the items of one unit: those that it made when it was last built, or would make now."""
    stored = None if dirty else session.state.made(unit)
    if stored is None:
        view = View(unit, session.reader(), session.space.scratch)
        files = {path: data for path, data in build_items(unit, view).items() if isinstance(data, bytes)}
        summary = view.summary
    else:
        files = {each.path: session.space.store.peek(each) or b"" for each in stored.files}
        summary = orjson.loads(stored.summary)
    for path, data in files.items():
        made.items[path.split("/")[1]] += data.count(b"\n")
    made.unbalanced.update((summary or {}).get("unbalanced", ()))
    if not all(files.values()):
        reasons = reasons_for_none(View(unit, session.reader(), session.space.scratch))
        made.none.update(reasons.values())


def _problems(
    suite: str, sealed: float, made: Mapping[str, Made]
) -> Iterator[tuple[str, str, tuple[str, ...], str | None]]:
    """Return code, message, path in the manifest and hint of each problem."""
    if not any(found.items.total() for found in made.values()):
        causes = sum((found.none for found in made.values()), Counter[str]())
        yield "T001", f"the suite {suite!r} has no item{_because(causes)}", ("tests", suite), _hint(causes)
        return
    for name, found in made.items():
        if not found.items.total():
            message = f"the discipline {name!r} makes no test item{_because(found.none)}"
            yield "T002", message, ("disciplines", name), _hint(found.none)
        if found.unbalanced:
            which = " and ".join(split for split in SPLITS if split in found.unbalanced)
            message = f"too few chains to balance the {which} items of {name!r}: what comes often may tell an answer"
            yield "T004", message, ("disciplines", name), "add chains that end at other concepts"
    without = [name for name, found in made.items() if found.items.total() and not found.items["sealed"]]
    if sealed and without:
        every = not any(found.items["sealed"] for found in made.values())
        where = "" if every else f" of {', '.join(map(repr, without))}"
        message = f"a share of {sealed:g} is sealed, and no item{where} is"
        if every:
            message += ": gates look at dev items"
        causes = sum((made[name].none for name in without), Counter[str]())
        yield "T003", message, ("tests", suite, "sealed"), _hint(causes)


def _because(causes: Counter[str]) -> str:
    """Return the reasons for which chains make no item, the most frequent one first."""
    if not causes:
        return ": it has no chain"
    rows = sorted(causes.items(), key=lambda row: (-row[1], row[0]))
    return ": " + "; ".join(f"of {count} chain{'s' * (count != 1)} {REASONS[cause]}" for cause, count in rows)


def _hint(causes: Counter[str]) -> str:
    return HINT if causes else "add `chains:` to its knowledge"
