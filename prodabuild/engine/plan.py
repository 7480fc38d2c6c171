"""What a build would do and why. The plan reads the state and the store; it changes neither.

build    its inputs changed and no recorded trace matches them
restore  a recorded trace matches: its output is taken from the store
maybe    an input may change when the units before it are built
clean    nothing to do
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prodabuild.engine.facts import OUTPUT, Reason
from prodabuild.engine.portable import recognise
from prodabuild.engine.view import still_current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.engine.placing import Damage
    from prodabuild.engine.state import Trace, UnitRow
    from prodabuild.engine.units import Stage
    from prodabuild.engine.view import Reader

Action = Literal["build", "restore", "maybe", "clean"]


@dataclass(frozen=True, slots=True)
class Step:
    """What will happen to one unit, and the reasons in the order they were found."""

    unit: str
    action: Action
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Every unit of the stages up to the target, in build order."""

    steps: tuple[Step, ...]

    @property
    def stale(self) -> bool:
        """Tell whether anything is to be done."""
        return any(step.action != "clean" for step in self.steps)


def make_plan(reader: Reader, stages: Sequence[Stage], damages: Sequence[Damage]) -> Plan:
    """Plan the units of these stages. The state behind `reader` is up to the sources."""
    state = reader.state
    damaged: dict[str, list[Damage]] = {}
    for damage in damages:
        damaged.setdefault(damage.unit, []).append(damage)
    found: dict[str, Step] = {}
    maybe: dict[str, list[Reason]] = {}
    for stage in stages:
        for row in state.units(stage.name):
            step = _step(reader, row, damaged.get(row.name, []), maybe.get(row.name, []))
            found[row.name] = step
            if step.action in ("build", "maybe") or (
                step.action == "restore" and row.dirty is not None and _moves(reader, row)
            ):
                for other in state.followers(OUTPUT + row.name):
                    maybe.setdefault(other, []).append(Reason(f"{row.name} may change"))
    return Plan(tuple(found.values()))


def matching_trace(reader: Reader, row: UnitRow) -> Trace | None:
    """Return the trace of a unit that fits the present inputs, if its objects are there."""
    trace = current_trace(reader, row)
    return trace if trace and all(reader.store.has(stored) for stored in trace.files) else None


def current_trace(reader: Reader, row: UnitRow) -> Trace | None:
    """Return the newest trace of a unit that fits the present inputs, or else the one that travelled here."""
    for trace in reader.state.traces(row.name):
        if still_current(reader, trace):
            return trace
    travelled = reader.travelled.get(row.name)
    return recognise(reader, travelled) if travelled else None


def _step(reader: Reader, row: UnitRow, damages: list[Damage], maybe: list[Reason]) -> Step:
    if row.dirty is not None:
        if maybe:
            return Step(row.name, "build", row.dirty)
        return Step(row.name, "restore" if matching_trace(reader, row) else "build", row.dirty)
    if damages:
        lost = any(damage.lost for damage in damages)
        return Step(row.name, "build" if lost else "restore", tuple(damage.reason for damage in damages))
    if maybe:
        return Step(
            row.name,
            "maybe",
            (*maybe[:3], *([Reason(f"and {len(maybe) - 3} more may change")] if len(maybe) > 3 else [])),
        )
    return Step(row.name, "clean")


def _moves(reader: Reader, row: UnitRow) -> bool:
    trace = matching_trace(reader, row)
    return trace is None or trace.output != row.output
