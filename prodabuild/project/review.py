"""What an import did, for people: changes by file, what was kept, and what they must decide, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from prodabuild.knowledge.files import flow
from prodabuild.knowledge.records import identity_of
from prodabuild.problems import Problem, errors_in
from prodabuild.project.baseline import baseline_file
from prodabuild.project.outcome import SCHEMA
from prodabuild.yamlio import decode, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prodabuild.knowledge.editing import Edit
    from prodabuild.knowledge.records import Level
    from prodabuild.project.baseline import Baseline
    from prodabuild.project.filing import Here, New, Shelf
    from prodabuild.project.merging import Merge, Why
    from prodabuild.yamlio import Path

How = Literal["added", "changed", "removed"]
SAYS: dict[Why, str] = {
    "both changed": "was edited here and changed in the source",
    "both added": "is here already, and not from this import",
    "deleted here": "was deleted here and changed in the source",
    "gone there": "was edited here and is gone from the source",
}
DECIDE = "keep yours with --accept ours, take the source's with --accept theirs"


class Change(NamedTuple):
    """One record that was added, changed or removed: where it stands, what it was and what it is."""

    how: How
    level: Level
    id: str
    file: str
    old: dict[str, Any]
    new: dict[str, Any]


@dataclass(frozen=True)
class ImportReport:
    """The outcome of an import. `created` are the files that were not there before; `same` counts untouched records."""

    name: str
    dry_run: bool
    changes: tuple[Change, ...]
    created: frozenset[str]
    same: int
    edited: tuple[str, ...]
    deleted: tuple[str, ...]
    problems: tuple[Problem, ...]
    predicates: tuple[str, ...]
    first: bool

    @property
    def ok(self) -> bool:
        """Tell whether nothing is left to decide."""
        return not errors_in(self.problems)

    @property
    def files(self) -> dict[str, dict[str, int]]:
        """Return how many records of each level were written or removed, by file."""
        found: dict[str, dict[str, int]] = {}
        for change in self.changes:
            counts = found.setdefault(change.file, {})
            counts[change.level] = counts.get(change.level, 0) + 1
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        counts = {how: sum(change.how == how for change in self.changes) for how in ("added", "changed", "removed")}
        return {
            "schema": SCHEMA,
            "name": self.name,
            "dry_run": self.dry_run,
            "files": self.files,
            **counts,
            "same": self.same,
            "edited": list(self.edited),
            "deleted": list(self.deleted),
            "predicates": list(self.predicates),
            "problems": [problem.to_json() for problem in self.problems],
        }


class Outcome(NamedTuple):
    """A merge, and what it was decided on."""

    merge: Merge
    records: Mapping[str, New]
    shelf: Shelf
    baseline: Baseline
    edits: Mapping[str, Edit]


def review(
    name: str, dry_run: bool, outcome: Outcome, remarks: Sequence[Problem], predicates: Sequence[str]
) -> ImportReport:
    """Put an outcome into words."""
    merge, shelf = outcome.merge, outcome.shelf
    touched = {*merge.added, *merge.changed, *merge.edited, *merge.deleted, *merge.conflicts}
    changes = tuple(_changes(outcome))
    return ImportReport(
        name,
        dry_run,
        changes,
        frozenset(change.file for change in changes) - shelf.data.keys(),
        sum(identity in shelf.records and identity not in touched for identity in outcome.records),
        tuple(merge.edited),
        tuple(merge.deleted),
        (*_conflicts(name, outcome), *_gone(outcome), *remarks),
        tuple(predicates),
        not outcome.baseline.entries,
    )


def _changes(outcome: Outcome) -> Iterator[Change]:
    merge, records, shelf = outcome.merge, outcome.records, outcome.shelf
    added = {identity_of(raw.level, raw.data): file for file, edit in outcome.edits.items() for _, raw in edit.added}
    for identity in merge.added:
        raw = records[identity].raw
        yield Change("added", raw.level, identity, added[identity], {}, raw.data)
    for identity in merge.changed:
        here, raw = shelf.records[identity], records[identity].raw
        yield Change("changed", raw.level, identity, here.file, here.raw.data, raw.data)
    for identity in merge.removed:
        here = shelf.records[identity]
        yield Change("removed", here.raw.level, identity, here.file, here.raw.data, {})


class _Places:
    """Finds records by line; each file is looked through once."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lines: dict[str, dict[Path, int]] = {}

    def line(self, here: Here, *inside: str) -> int:
        """Return the line of a record, or of one of its fields."""
        if here.raw.line:
            return here.raw.line
        if here.file not in self._lines:
            self._lines[here.file] = lines(decode(self._shelf.data[here.file]))
        known = self._lines[here.file]
        return known.get((*here.raw.path, *inside)) or known.get(here.raw.path, 0)


def _conflicts(name: str, outcome: Outcome) -> Iterator[Problem]:
    places = _Places(outcome.shelf)
    entries = {identity: number for number, identity in enumerate(sorted(outcome.baseline.entries), 2)}
    for identity, why in outcome.merge.conflicts.items():
        here, new = outcome.shelf.records.get(identity), outcome.records.get(identity)
        old = here.raw.data if here else {}
        field = _first_difference(old, new.raw.data) if old and new else ""
        says = f"; {field} in the source: {_show(new.raw.data.get(field))}" if new and field else ""
        line = places.line(here, field) if here else entries[identity]
        file = here.file if here else baseline_file(name)
        yield Problem("I020", f"{identity} {SAYS[why]}{says}", file, line, hint=DECIDE)


def _first_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return next((field for field in {**new, **old} if old.get(field) != new.get(field)), "")


def _show(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else flow(value)


def _gone(outcome: Outcome) -> Iterator[Problem]:
    places = _Places(outcome.shelf)
    for identity in outcome.merge.gone:
        here = outcome.shelf.records[identity]
        hint = "--prune removes what was not edited here, and what no other record needs"
        yield Problem(
            "I021", f"{identity} is gone from the source", here.file, places.line(here), hint=hint, severity="warning"
        )
