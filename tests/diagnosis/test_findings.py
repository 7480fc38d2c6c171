"""One missing fact that breaks many items is one finding."""

from __future__ import annotations

from prodabuild.diagnosis.causes import Diagnosis
from prodabuild.diagnosis.findings import Finding, gather

DISCIPLINES = {"a": "zoo", "b": "zoo", "c": "tools", "d": "zoo"}


def test_items_are_gathered_by_what_they_lack() -> None:
    found = gather(
        [
            Diagnosis("b", "concept_gap", ("r",), 0.8),
            Diagnosis("a", "concept_gap", ("r", "s"), 1.0),
            Diagnosis("c", "reasoning_gap", ("r",), 0.5),
            Diagnosis("d", "unstable", (), 0.25),
        ],
        DISCIPLINES,
    )
    assert found == [
        Finding("concept_gap", ("r",), "zoo", ("a", "b"), 0.9),
        Finding("concept_gap", ("s",), "zoo", ("a",), 1.0),
        Finding("reasoning_gap", ("r",), "tools", ("c",), 0.5),
        Finding("unstable", (), "zoo", ("d",), 0.25),
    ]
