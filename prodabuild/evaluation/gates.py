"""Gates: what a suite must reach. `judge` is the one place where a verdict is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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
    """Judge suites by their gates, and figures by their ceilings. `scores`: suite -> split -> acc, drop, drop_from."""
    found: list[GateResult] = []
    for suite, gate in gates.items():
        split = next((name for name in SCORED if name in scores.get(suite, {})), None)
        if gate is None or split is None:
            continue
        score = scores[suite][split]
        if not score["n"]:  # nothing was tested: no limit is met
            found.append(GateResult(f"{suite}.{split}.n", 0, 1, False))
            continue
        if gate.min is not None:
            found.append(GateResult(f"{suite}.{split}.acc", score["acc"], gate.min, score["acc"] >= gate.min))
        if gate.max_drop is not None:
            name, ok = f"{suite}.{split}.drop", score["drop"] <= gate.max_drop
            found.append(GateResult(name, score["drop"], gate.max_drop, ok, score["drop_from"]))
    found += [GateResult(*each, each.value <= each.limit, BASE) for each in ceilings]
    return Verdict(tuple(found))
