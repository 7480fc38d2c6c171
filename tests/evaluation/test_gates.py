from __future__ import annotations

from typing import Any

import pytest

from prodabuild.cli.scores import table
from prodabuild.evaluation.figures import figures_of
from prodabuild.evaluation.gates import Ceiling, GateResult, Verdict, judge
from prodabuild.manifest.model import Gate
from prodabuild.project import TestReport


def scores(acc: float, base: float, split: str = "sealed") -> dict[str, dict[str, Any]]:
    return {
        split: {"n": 100, "acc": acc, "drop": round(base - acc, 6), "drop_from": "base"},
        "dev": {"n": 100, "acc": 0.0, "drop": 1.0, "drop_from": "base"},
    }


@pytest.mark.parametrize(
    ("gate", "acc", "base", "verdict"),
    [
        (Gate(), 0.0, 1.0, "pass"),
        (Gate(min=0.5), 0.5, 0.0, "pass"),
        (Gate(min=0.5), 0.499999, 0.0, "fail"),
        (Gate(max_drop=0.02), 0.48, 0.5, "pass"),
        (Gate(max_drop=0.02), 0.479, 0.5, "fail"),
        (Gate(min=0.1, max_drop=0.0), 0.9, 0.95, "fail"),
    ],
)
def test_a_gate_passes_at_its_limit_and_fails_beyond(gate: Gate, acc: float, base: float, verdict: str) -> None:
    assert judge({"chains": gate}, {"chains": scores(acc, base)}).verdict == verdict


def test_the_sealed_items_decide_and_dev_only_where_there_are_none() -> None:
    assert judge({"a": Gate(min=0.5)}, {"a": scores(0.6, 0.2)}).gates[0].name == "a.sealed.acc"
    assert judge({"a": Gate(min=0.5)}, {"a": scores(0.6, 0.2, "all")}).gates[0].name == "a.all.acc"
    only_dev = judge({"a": Gate(min=0.5)}, {"a": {"dev": scores(0.6, 0.2)["dev"]}})
    assert (only_dev.gates[0].name, only_dev.verdict) == ("a.dev.acc", "fail")


def test_a_ceiling_is_judged_with_the_gates() -> None:
    found = judge(
        {"a": Gate(min=0.5)}, {"a": scores(0.6, 0.2)}, [Ceiling("rise", 0.05, 0.05), Ceiling("size", 0.6, 0.5)]
    )
    assert found.gates[1:] == (
        GateResult("rise", 0.05, 0.05, True, "base"),
        GateResult("size", 0.6, 0.5, False, "base"),
    )
    assert (found.gates[0].ok, found.verdict) == (True, "fail")


def test_no_gate_is_a_pass() -> None:
    assert judge({"a": None}, {"a": scores(0.0, 1.0)}).verdict == "pass"


@pytest.mark.parametrize("gate", [Gate(), Gate(min=0.0), Gate(max_drop=1.0), Gate(min=0.5, max_drop=0.02)])
def test_no_limit_is_met_where_nothing_was_tested(gate: Gate) -> None:
    empty = {"n": 0, "acc": 0.0, "drop": 0.0, "drop_from": "base"}
    found = judge({"a": gate}, {"a": {"dev": empty, "sealed": empty}})
    assert found == Verdict((GateResult("a.sealed.n", 0, 1, ok=False),))
    assert found.verdict == "fail"
    report = TestReport(found, {"a": {"sealed": figures_of([], {}, None)}})
    assert "FAIL a.sealed.n is 0, at least 1 is asked: the suite has no item" in table(report, 0)
    assert judge({"a": None}, {"a": {"dev": empty}}).verdict == "pass"
