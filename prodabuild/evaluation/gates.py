"""Gates: what a suite must reach. `judge` is the one place where a verdict is made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.evaluation.results import BASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prodabuild.manifest.model import Gate

SCORED = ("sealed", "all", "dev")  # the first of these splits that a suite has is the one its gate looks at


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate: the value it looked at and the limit it had to reach; of a drop, from which version."""

    name: str
    value: float
    limit: float
    ok: bool
    against: str = ""


class Ceiling(NamedTuple):
    """A figure of the model beside its base that may not be larger than a limit."""

    name: str
    value: float
    limit: float


@dataclass(frozen=True)
class Verdict:
    """Pass or fail over all gates; no gate is a pass."""

    gates: tuple[GateResult, ...]

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """Return `pass` when every gate is met."""
        return "pass" if all(gate.ok for gate in self.gates) else "fail"


def judge(
    gates: Mapping[str, Gate | None],
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]],
    ceilings: Iterable[Ceiling] = (),
) -> Verdict:
    """Judge suites by their gates, and figures by their ceilings. `scores`: suite -> split -> acc, drop, drop_from.

    Raises `ProjectError` for a figure that is no finite number: it neither passes nor fails.
    """
    found: list[GateResult] = []
    for suite, gate in gates.items():
        split = next((name for name in SCORED if name in scores.get(suite, {})), None)
        if gate is None or split is None:
            continue
        score, name = scores[suite][split], f"{suite}.{split}"
        if not score["n"]:  # nothing was tested: no limit is met
            found.append(GateResult(f"{name}.n", 0, 1, False))
            continue
        if gate.min is not None:
            acc = _number(f"{name}.acc", score["acc"])
            found.append(GateResult(f"{name}.acc", acc, gate.min, acc >= gate.min))
        if gate.max_drop is not None:
            drop = _number(f"{name}.drop", score["drop"])
            found.append(GateResult(f"{name}.drop", drop, gate.max_drop, drop <= gate.max_drop, score["drop_from"]))
    found += [GateResult(*each, _number(each.name, each.value) <= each.limit, BASE) for each in ceilings]
    return Verdict(tuple(found))


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ProjectError(f"{name} is no finite number ({value})", "test the model again")
    return value
