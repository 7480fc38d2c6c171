"""What a build would do and why. The plan reads the state and the store; it changes neither.

build    its inputs changed and no recorded trace can fit them, or the store lost what it made
restore  a recorded trace fits: its output is taken from the store
maybe    it hangs on outputs that are not known before they are built: it may be built, restored or left alone
clean    nothing to do
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from prodabuild.engine.facts import OUTPUT, Reason
from prodabuild.engine.view import fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.engine.placing import Damage
    from prodabuild.engine.state import State, Trace, UnitRow
    from prodabuild.engine.store import Store
    from prodabuild.engine.units import Stage
    from prodabuild.engine.view import Reader

Action = Literal["build", "restore", "maybe", "clean"]
SHOWN = 3  # units before this one that are named as reasons; the rest are counted


@dataclass(frozen=True, slots=True)
class Step:
    """What will happen to one unit, and the reasons in the order they were found."""

    unit: str
    action: Action
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Every unit of the stages up to the target, in build order; files in `build/` whose units are no more."""

    steps: tuple[Step, ...]
    removed: tuple[str, ...] = ()

    @property
    def stale(self) -> bool:
        """Tell whether anything is to be done."""
        return bool(self.removed) or any(step.action != "clean" for step in self.steps)


def make_plan(reader: Reader, stages: Sequence[Stage], damages: Sequence[Damage]) -> Plan:
    """Plan the units of these stages. The state behind `reader` is up to the sources."""
    damaged: dict[str, list[Damage]] = {}
    for damage in damages:
        damaged.setdefault(damage.unit, []).append(damage)
    forecast = _Forecast(reader.state)
    steps = []
    for stage in stages:
        for row in reader.state.units(stage.name):
            found = _foresee(reader, row, damaged.get(row.name, []), forecast)
            forecast.note(row, found.output)
            steps.append(Step(row.name, found.action, found.reasons))
    return Plan(tuple(steps), tuple(reader.state.orphans()))


def current_trace(reader: Reader, row: UnitRow) -> Trace | None:
    """Return the newest trace of a unit that fits the present inputs."""
    return next((trace for trace in reader.state.traces(row.name) if fits(reader, trace)), None)


def can_be_had(store: Store, trace: Trace) -> bool:
    """Tell whether what a trace made can be restored: objects of the right size, or whole copies in `build/`."""
    return all(store.has(stored) or store.has_copy(stored) for stored in trace.files)


class _Foreseen(NamedTuple):
    action: Action
    output: bytes | None  # None: not known before it is built
    reasons: tuple[Reason, ...] = ()


@dataclass
class _Forecast:
    """Outputs that will be others than they are: by unit, None where they are not known yet; and who reads them."""

    state: State
    outputs: dict[str, bytes | None] = field(default_factory=dict)
    moved: dict[str, list[str]] = field(default_factory=dict)

    def note(self, row: UnitRow, output: bytes | None) -> None:
        if output is None or output != row.output:
            self.outputs[row.name] = output
            for follower in self.state.followers(OUTPUT + row.name):
                self.moved.setdefault(follower, []).append(row.name)

    def reasons(self, unit: str) -> list[Reason]:
        moved = sorted(self.moved.get(unit, ()), key=lambda name: self.outputs[name] is None)
        found = [
            Reason(f"{name} {'may change' if self.outputs[name] is None else 'will change'}") for name in moved[:SHOWN]
        ]
        return found + ([Reason(f"and {len(moved) - SHOWN} more may change")] if len(moved) > SHOWN else [])


def _foresee(reader: Reader, row: UnitRow, damages: list[Damage], forecast: _Forecast) -> _Foreseen:
    damage = tuple(found.reason for found in damages)
    if row.dirty is None and row.name not in forecast.moved:
        if any(found.lost for found in damages):
            return _Foreseen("build", None, damage)
        return _Foreseen("restore" if damages else "clean", row.output, damage)
    reasons = (*(row.dirty or ()), *damage, *forecast.reasons(row.name))
    trace, is_known = _fitting(reader, row, forecast)
    if not is_known:
        return _Foreseen("maybe", None, reasons)
    if trace is None:
        return _Foreseen("build", None, reasons)
    if trace.inputs == row.inputs and not damages:
        return _Foreseen("clean", row.output)
    if row.inputs is None:
        reasons = (Reason("was built before, of the same inputs"),)
    return _Foreseen("restore", trace.output, reasons)


def _fitting(reader: Reader, row: UnitRow, forecast: _Forecast) -> tuple[Trace | None, bool]:
    """Return the trace that will fit a unit, and whether that is known before the units ahead of it are built."""
    is_known = True
    for trace in reader.state.traces(row.name):
        fit = fits(reader, trace, forecast.outputs)
        if fit is None and row.dirty is None and trace.inputs == row.inputs:
            return None, False  # nothing but outputs can move it: it may even stay clean
        if fit is not False and can_be_had(reader.store, trace):
            if fit:
                return trace, True
            is_known = False
    return None, is_known
