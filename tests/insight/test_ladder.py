"""The file of a ladder: what is read back is what was found, to the decimals that it is kept with."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from prodabuild.digest import canonical
from prodabuild.insight.context import Context, Span
from prodabuild.insight.ladder import Rung, from_document, to_document
from prodabuild.insight.reading import Excess
from prodabuild.insight.rungs import PROBE, PROBE_BASE


def rung(shift: float) -> dict[str, Rung]:
    rows = np.array([0.123456, -0.000004, 1.5]) + shift
    spans = (Span(1, 1, 1.0, 1.0, 0.98765432, 1.0, 0.25), Span(2, 2, 0.5, 0.5, 0.5, 0.4, 0.1))
    context = Context(Excess(float(rows.mean()), 0.1234567, 3), 0.333333, spans, rows)
    return {"lag:lag=1": Rung(context, ("a", "b"))}


def test_figures_keep_four_decimals_and_counts_stay() -> None:
    document = to_document(PROBE, rung(0.0))
    assert document["model"] == "adapter"
    assert to_document(PROBE_BASE, rung(0.0))["model"] == "base"
    (kept,) = document["rungs"]
    assert kept["rows"] == [0.1235, 0.0, 1.5]
    assert b"-0.0" not in canonical(document)
    assert kept["excess"] == {"mean": 0.5412, "error": 0.1235, "rows": 3}
    assert kept["spans"][0] == {"first": 1, "last": 1, "model": 1.0, "counts": 1.0, "pairs": 0.9877, "source": 1.0, "leaked": 0.25}  # fmt: skip


def test_what_arithmetic_leaves_in_the_sixth_decimal_changes_no_byte() -> None:
    assert canonical(to_document(PROBE, rung(0.0))) == canonical(to_document(PROBE, rung(2e-6)))
    assert canonical(to_document(PROBE, rung(0.0))) != canonical(to_document(PROBE, rung(2e-4)))


def test_it_is_read_back_whole() -> None:
    document = orjson.loads(canonical(to_document(PROBE, rung(0.0))))
    found = from_document(document)["lag:lag=1"]
    assert found.words == ("a", "b")
    assert found.context.rows.tolist() == pytest.approx([0.123456, 0.0, 1.5], abs=1e-4)
    assert to_document(PROBE, {"lag:lag=1": found}) == document
