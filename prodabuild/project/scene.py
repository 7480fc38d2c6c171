"""The repo as it is beside what the last run recorded of it: where questions about provenance are asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.engine.lineage import downstream
from prodabuild.project.outcome import Group, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prodabuild.engine.plan import Step
    from prodabuild.engine.state import State, Trace
    from prodabuild.project.places import Places


@dataclass(frozen=True)
class Scene:
    """The repo as it is (`now`), as the last run recorded it (`past`), and what a compile would do."""

    now: State
    past: State
    steps: dict[str, Step]
    stages: dict[str, int]
    places: Places
    shown: int | None
    why_none: Callable[[str, str], str | None]  # why a chain of a unit's bucket makes no test item
    _traces: dict[str, Trace | None] = field(default_factory=dict)

    def trace(self, unit: str) -> Trace | None:
        """Return the trace that a unit stood on after the last run."""
        if unit not in self._traces:
            row = self.past.unit(unit)
            self._traces[unit] = self.past.trace(unit, row.inputs) if row and row.inputs else None
        return self._traces[unit]

    def row(self, unit: str) -> Row:
        """Return a unit with its place in `build/`, and what a compile would do with it."""
        return Row(unit, self.places.output(self.trace(unit)), action=self.action(unit))

    def action(self, unit: str) -> str:
        """Return what a compile would do with a unit; `gone` when there will be no such unit."""
        return self.steps[unit].action if unit in self.steps else "gone"

    def reasons(self, unit: str) -> tuple[dict[str, Any], ...]:
        """Return why a unit is not clean, located."""
        found = self.steps[unit].reasons if unit in self.steps else ()
        return tuple(self.places.locator.to_json(reason) for reason in found)

    def ends(self, units: Iterable[str], passes: Callable[[str], bool] = lambda _: True) -> list[str]:
        """Return the units that follow from some units, in build order."""
        return sorted(downstream(self.past, units, passes), key=lambda name: (self._stage(name), name))

    def makes_files(self, unit: str) -> bool:
        """Tell whether a unit made a file; one that did not is a check on the way, and no station of a path."""
        found = self.trace(unit)
        return found is not None and bool(found.files)

    def follows(self, units: Iterable[str], passes: Callable[[str], bool] = lambda _: True) -> tuple[Group, ...]:
        """Return what follows from some units, stage by stage."""
        stages: dict[str, list[str]] = {}
        for unit in self.ends(units, passes):
            row = self.past.unit(unit)
            stages.setdefault(row.stage if row else "", []).append(unit)
        return tuple(self.group(stage, found, self.row) for stage, found in stages.items())

    def group(self, what: str, found: list[str], row: Callable[[str], Row]) -> Group:
        """Return the group of some things; only those that are shown are located."""
        return Group(what, len(found), tuple(row(name) for name in found[: self.shown]))

    def _stage(self, unit: str) -> int:
        row = self.past.unit(unit)
        return self.stages.get(row.stage, -1) if row else -1
