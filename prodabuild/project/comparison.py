"""What two versions of a data repo differ in, as plain data with the keys of the `--json` document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.project.outcome import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prodabuild.project.previewing import Difference


class Pair(NamedTuple):
    """A figure of two versions; None where it cannot be told."""

    before: float | None
    after: float | None


class Counted(NamedTuple):
    """How many things there are in two versions, and how many came, went and changed; None: cannot be told."""

    before: int | None
    after: int | None
    added: int | None
    removed: int | None
    changed: int | None


class Setting(NamedTuple):
    """A setting of the manifest, by its dotted key."""

    key: str
    old: Any
    new: Any


class ScoreChange(NamedTuple):
    """What two versions got in a split of a suite: `before` and `after` as locks record it, None for not tested.

    `test` is paired (McNemar's, over the `n` items that both were asked), unpaired (from recorded accuracies) or "".
    """

    suite: str
    split: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    test: str = ""
    n: int | None = None
    difference: float | None = None
    interval: Sequence[float] | None = None
    p: float | None = None


class Untold(NamedTuple):
    """A part that cannot be told, why, and what would help."""

    part: str
    why: str
    mend: str


@dataclass(frozen=True)
class Comparison:
    """Two versions, side by side. Of test items there are numbers only.

    `samples` are those that are shown; `items` are by split, `figures` and `cost` by what they count. `unexplained` are
    data units that differ though nothing does that they are made of.
    """

    name: str
    before: str
    after: str
    settings: tuple[Setting, ...]
    records: tuple[Difference, ...]
    patches: tuple[Difference, ...]
    counts: Mapping[str, Counted]
    samples: tuple[Difference, ...]
    items: Mapping[str, Counted]
    coverage: Mapping[str, Pair]
    figures: Mapping[str, Pair]
    scores: tuple[ScoreChange, ...]
    cost: Mapping[str, Pair]
    made_with: tuple[Setting, ...] = ()
    untold: tuple[Untold, ...] = ()
    notes: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()

    @property
    def suspicion(self) -> str:
        """Return what is to be said of data that differs without a reason, "" where there is none."""
        if not self.unexplained:
            return ""
        more = f" and {len(self.unexplained) - 1} more" if self.unexplained[1:] else ""
        what = f"{self.unexplained[0]}{more} changed, and no record, patch, setting or own recipe did"
        why = "another version of prodabuild built it, or somebody put it there"
        return f"{what}: {why} (`prodabuild rebuild REF` shows which)"

    @property
    def same(self) -> bool:
        """Tell whether nothing differs, as far as it can be told."""
        numbers = [*self.counts.values(), *self.items.values()]
        moved = any(any((each.added, each.removed, each.changed)) for each in numbers)
        scored = any(score.before != score.after for score in self.scores)
        return not (
            self.unexplained
            or self.settings
            or self.records
            or self.patches
            or moved
            or scored
            or self.untold
            or self.notes
        )

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "settings": _rows(self.settings),
            "records": _rows(self.records),
            "patches": _rows(self.patches),
            **{name: counted._asdict() for name, counted in self.counts.items()},
            "shown": _rows(self.samples),
            "items": {split: counted._asdict() for split, counted in self.items.items()},
            "coverage": {way: pair._asdict() for way, pair in self.coverage.items()},
            **{name: pair._asdict() for name, pair in self.figures.items()},
            "scores": _rows(self.scores),
            "cost": {name: pair._asdict() for name, pair in self.cost.items()},
            "made_with": _rows(self.made_with),
            "unexplained": list(self.unexplained),
            "untold": _rows(self.untold),
            "notes": list(self.notes),
        }


def _rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [row._asdict() for row in rows]
