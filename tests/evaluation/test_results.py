from __future__ import annotations

import pytest

from prodabuild.evaluation.results import ItemResult, by_split, from_json, score, to_json


def result(number: int, correct: bool, split: str = "dev") -> ItemResult:
    return ItemResult(f"i{number}", "d", split, "zoo", correct, 0, (-1.5, -2.25))


def test_the_score_is_that_of_a_sample_of_bernoulli_trials() -> None:
    found = score(result(number, number < 3) for number in range(4))
    assert (found.n, found.acc) == (4, 0.75)
    assert found.stderr == pytest.approx((0.75 * 0.25 / 3) ** 0.5, abs=1e-6)


def test_no_item_and_one_item_have_no_spread() -> None:
    assert score([]).n == 0
    assert score([result(0, True)]).stderr == 0.0


def test_rows_survive_their_file_and_fall_into_splits() -> None:
    rows = [result(0, True, "sealed"), result(1, False), result(2, True)]
    assert [from_json(to_json(row)) for row in rows] == rows
    assert {split: len(found) for split, found in by_split(rows).items()} == {"dev": 2, "sealed": 1}
