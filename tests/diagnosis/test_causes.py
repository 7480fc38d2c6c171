"""Causes follow from what probes gave, by odds that can be worked out by hand."""

from __future__ import annotations

import pytest

from prodabuild.diagnosis.causes import Asked, Evidence, Rates, diagnose, lacking, measure

YES, NO = Asked(True, "right", 4), Asked(False, "wrong", 4)
KNOWN, UNKNOWN = [YES, YES, YES, YES], [NO, YES, NO, NO]
SURE = Rates(known=0.9, given=0.9, steady=0.9)
STEADY = [YES, YES, YES, YES]
TURNING = [YES, NO, YES, NO]


def evidence(**changed: object) -> Evidence:
    found = {
        "item": "i",
        "relations": {"one": KNOWN, "two": KNOWN},
        "concepts": {"a": KNOWN},
        "given": [YES, YES],
        "orders": STEADY,
        "violated": "one",
    }
    return Evidence(**{**found, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], 1 / 2),
        ([YES], 0.25 / (0.25 + 0.9)),
        ([NO], 0.75 / (0.75 + 0.1)),
        ([YES, NO], 0.25 * 0.75 / (0.25 * 0.75 + 0.9 * 0.1)),
        ([Asked(True, "x", 2)], 0.5 / (0.5 + 0.9)),
    ],
)
def test_what_lacks_is_weighed_by_chance(asked: list[Asked], expected: float) -> None:
    assert lacking(asked, 0.9) == pytest.approx(expected)


def test_a_missing_fact_is_named() -> None:
    found = diagnose(evidence(relations={"one": KNOWN, "two": UNKNOWN}), SURE)
    assert (found.cause, found.nodes) == ("concept_gap", ("two",))
    assert found.confidence == pytest.approx(lacking(UNKNOWN, 0.9), abs=1e-4)


def test_missing_facts_come_before_all_else_the_surest_first() -> None:
    relations = {"one": UNKNOWN, "two": [NO, NO, NO, NO]}
    found = diagnose(evidence(relations=relations, given=[NO, NO], orders=TURNING), SURE)
    assert (found.cause, found.nodes) == ("concept_gap", ("two", "one"))


def test_known_facts_that_are_not_joined_are_a_gap_in_reasoning_at_the_link_that_was_violated() -> None:
    found = diagnose(evidence(), SURE)
    assert (found.cause, found.nodes) == ("reasoning_gap", ("one",))
    assert diagnose(evidence(violated="elsewhere"), SURE).nodes == ("two",)


def test_what_fails_with_its_facts_is_suspect_where_facts_help_others() -> None:
    assert diagnose(evidence(given=[NO, NO]), SURE).cause == "suspect_test"
    assert diagnose(evidence(given=[NO, YES]), SURE).cause == "reasoning_gap"
    assert diagnose(evidence(given=[NO, NO]), SURE._replace(given=0.5)).cause == "reasoning_gap"


def test_an_answer_that_turns_with_the_order_is_unstable_where_others_stay() -> None:
    found = diagnose(evidence(orders=TURNING), SURE)
    assert (found.cause, found.nodes) == ("unstable", ())
    assert diagnose(evidence(orders=TURNING), SURE._replace(steady=0.5)).cause == "reasoning_gap"


def test_rates_are_measured_on_passed_items_but_for_the_use_of_given_facts() -> None:
    passed = [evidence(relations={"one": [YES, YES, YES, NO]}), evidence(orders=TURNING, given=[YES, YES])]
    rates = measure(passed, [evidence(given=[NO, YES]), evidence(given=[NO, NO])])
    assert rates == Rates(known=11 / 12, given=0.25, steady=0.5)


def test_no_model_is_taken_for_perfect_or_hopeless() -> None:
    assert measure([evidence()], []).known == 0.98
    assert measure([evidence(relations={"one": [NO, NO]})], []).known == 0.55
