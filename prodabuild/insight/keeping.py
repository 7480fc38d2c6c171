"""The footprint of the built model as a unit keeps it: a file that it is read back from."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from prodabuild.digest import canonical
from prodabuild.engine.code import read_code
from prodabuild.evaluation.loading import open_candidate
from prodabuild.events import Progress
from prodabuild.insight.bases import Effect
from prodabuild.insight.footprint import Beside, Footprint, Row, make_footprint
from prodabuild.insight.nulls import Null
from prodabuild.insight.spectra import Figures
from prodabuild.insight.summary import measures_of
from prodabuild.insight.tails import Tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

DIGITS = 6  # significant ones of every figure in the file


def build_footprint(unit: str, view: View) -> Output:
    """Return the one file of the footprint of the model beside its base."""
    read_code(view, __name__)
    candidate = open_candidate(view, adapted=True)

    def tell(done: int, total: int) -> None:
        view.emit(Progress(unit, done, total, "modules"))

    found = make_footprint("model", candidate.adapter_folder, candidate.base_folder, tell)
    return {f"insight/{unit}.json": canonical(to_document(found)) + b"\n"}


def to_document(footprint: Footprint) -> dict[str, Any]:
    """Return what the file of a footprint holds: figures of the whole model, and every module with its spectra."""
    return {
        "kind": footprint.kind,
        "figures": _plain(measures_of(footprint.rows, footprint)),
        "modules": [{each.name: _plain(getattr(row, each.name)) for each in fields(row)} for row in footprint.rows],
        "left_out": {reason: list(names) for reason, names in footprint.left_out.items()},
    }


def from_document(document: Mapping[str, Any], name: str, base: str) -> Footprint:
    """Return the footprint in a file, under the names that a run and its base go by here."""
    rows = tuple(_row(module) for module in document["modules"])
    return Footprint(name, document["kind"], base, rows, document["left_out"])


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(float(each)) for each in value]
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return float(f"{value:.{DIGITS}g}") + 0.0 if isinstance(value, float) else value


def _row(found: Mapping[str, Any]) -> Row:
    null, beside = found["null"], found["beside"]
    mean, low, high = (Figures(**null[each]) for each in ("mean", "low", "high"))
    parts = {
        "figures": Figures(**found["figures"]) if found["figures"] else None,
        "null": Null(mean, low, high, np.array(null["spectrum"])),
        "tail": _tail(found["tail"]),
        "null_tail": _tail(found["null_tail"]),
        "spectrum": np.array(found["spectrum"]),
        "beside": beside and _beside(beside),
    }
    return Row(**{**found, **parts})


def _beside(found: Mapping[str, Any]) -> Beside:
    tails = (_tail(found[each]) for each in ("tail_before", "tail_after"))
    return Beside(Effect(**found["effect"]), Effect(**found["null"]), *tails)


def _tail(found: Mapping[str, Any] | None) -> Tail | None:
    return Tail(**found) if found else None
