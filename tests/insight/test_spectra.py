"""Figures of spectra whose figures are known: T4 to T6 and their order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.insight.spectra import Figures, figures_of, rank_at


def figures(values: list[float]) -> Figures:
    found = figures_of(np.array(values))
    assert found is not None
    return found


def test_a_geometric_spectrum() -> None:
    found = figures([0.5**number for number in range(60)])
    assert found.erank_1 == pytest.approx(4, abs=1e-9)
    assert found.erank_2 == pytest.approx(2.116535, abs=1e-6)
    assert found.stable == pytest.approx(4 / 3)
    assert found.nuclear == pytest.approx(2)
    assert found.participation == pytest.approx(5 / 3)
    assert found.rank_90 == 2
    assert found.top == pytest.approx(0.75)


def test_equal_values_have_every_rank_but_that_of_a_share() -> None:
    found = figures([3.0] * 7)
    assert found == pytest.approx((7, 7, 7, 7, 7, 7, 1 / 7))


def test_a_linear_and_a_harmonic_spectrum() -> None:
    assert figures([float(number) for number in range(1, 101)]).stable == pytest.approx(33.835)
    assert figures([1 / number for number in range(1, 200_001)]).stable == pytest.approx(math.pi**2 / 6, abs=1e-5)


def test_one_value_above_three() -> None:
    found = figures([3, 1, 1, 1])
    assert found.erank_1 == pytest.approx(3.46410, abs=1e-5)
    assert found.erank_2 == pytest.approx(2.30940, abs=1e-5)
    assert found.stable == pytest.approx(4 / 3)
    assert found.participation == pytest.approx(1.71429, abs=1e-5)


def test_nothing_has_no_figures() -> None:
    assert figures_of(np.zeros(4)) is None
    assert figures_of(np.array([])) is None


def test_a_rank_at_a_share_holds_that_share() -> None:
    assert [rank_at(np.ones(10), share) for share in (0.05, 0.1, 0.11, 0.9, 1.0)] == [1, 1, 2, 9, 10]


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40), st.floats(1e-6, 1e6))
def test_the_ranks_keep_their_order_and_know_no_scale(values: list[float], scale: float) -> None:
    found, slack = figures(values), 1 + 1e-9
    assert found.stable <= found.participation * slack
    assert found.participation <= found.erank_2 * slack
    assert found.erank_2 <= found.erank_1 * slack
    assert found.erank_1 <= len(values) * slack
    assert figures([value * scale for value in values])[:5] == pytest.approx(found[:5])
