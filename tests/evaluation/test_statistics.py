"""Statistics against scipy's, against enumeration, and against figures from the literature."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from prodabuild.evaluation.statistics import calibrated, compare, difference_interval, holm, mcnemar, unpaired, wilson

COUNTS = [(0, 1), (1, 1), (0, 20), (20, 20), (3, 11), (589, 1020), (1, 100_000), (50_001, 100_000)]


@pytest.mark.parametrize(("correct", "n"), COUNTS)
def test_wilson_is_scipys(correct: int, n: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(correct, n).proportion_ci(method="wilson")
    assert wilson(correct, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (1, 0), (0, 5), (7, 7), (8, 7), (40, 12), (312, 401), (2000, 1)])
def test_mcnemar_is_scipys_exact_test_of_a_fair_coin(better: int, worse: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(better, better + worse, 0.5).pvalue if better + worse else 1.0
    assert mcnemar(better, worse) == pytest.approx(expected, rel=1e-9)


def test_the_interval_of_the_difference_is_that_of_every_possible_draw() -> None:
    """All 5^5 ways to draw five items anew, for every way in which five items can differ."""
    for better, worse in [(b, w) for b in range(6) for w in range(6 - b)]:
        changes = [1] * better + [-1] * worse + [0] * (5 - better - worse)
        sums = sorted(sum(draw) for draw in itertools.product(changes, repeat=5))
        mass = Counter(sums)
        low = next(s for s in sorted(mass) if sum(mass[t] for t in mass if t <= s) >= 0.025 * len(sums))
        high = next(s for s in sorted(mass, reverse=True) if sum(mass[t] for t in mass if t >= s) >= 0.025 * len(sums))
        assert difference_interval(better, worse, 5) == (low / 5, high / 5), (better, worse)


@pytest.mark.parametrize(("better", "worse", "n"), [(40, 12, 200), (312, 401, 1371), (0, 9, 300), (700, 600, 1300)])
def test_the_interval_of_the_difference_is_that_of_scipys_bootstrap(better: int, worse: int, n: int) -> None:
    import numpy
    from scipy.stats import bootstrap

    changes = numpy.array([1] * better + [-1] * worse + [0] * (n - better - worse))
    found = bootstrap((changes,), numpy.mean, n_resamples=9999, method="percentile", rng=numpy.random.default_rng(0), batch=500)  # fmt: skip
    expected = found.confidence_interval
    assert difference_interval(better, worse, n) == pytest.approx((expected.low, expected.high), abs=2.5 / n)


def test_the_interval_stands_for_many_items_and_for_none() -> None:
    low, high = difference_interval(3_000, 2_900, 50_000)
    assert (low + high) / 2 == pytest.approx(0.002, abs=2e-5)
    assert high - low == pytest.approx(2 * 1.96 * (0.118 - 0.002**2) ** 0.5 / 50_000**0.5, rel=0.01)
    assert difference_interval(0, 0, 7) == (0.0, 0.0)
    assert difference_interval(7, 0, 7) == (1.0, 1.0)
    assert difference_interval(0, 0, 0) == (-1.0, 1.0)


def test_a_comparison_counts_items_on_which_the_models_differ() -> None:
    now = [True, True, True, False, False, True, True]
    before = [True, False, False, True, False, False, True]
    found = compare(now, before)
    assert (found.n, found.better, found.worse) == (7, 3, 1)
    assert found.difference == pytest.approx(2 / 7)
    assert found.p == mcnemar(3, 1) == pytest.approx(0.625)
    assert compare([], []).p == 1.0


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )  # Holm's procedure as R's p.adjust
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_rejects_as_the_definition_does() -> None:
    draw = random.Random(0)
    for _ in range(200):
        values = [draw.random() ** 3 for _ in range(draw.randint(1, 8))]
        rejected, left = set(), sorted(range(len(values)), key=values.__getitem__)
        while left and values[left[0]] <= 0.05 / len(left):
            rejected.add(left.pop(0))
        assert {n for n, value in enumerate(holm(values)) if value <= 0.05} == rejected


def test_chance_is_nought_and_perfection_is_one() -> None:
    assert calibrated(0.25, 0.25) == 0.0
    assert calibrated(1.0, 0.25) == 1.0
    assert calibrated(0.0, 0.5) == -1.0
    assert calibrated(0.5, 0.0) == 0.5


@pytest.mark.parametrize(
    ("now", "n_now", "before", "n_before"), [(60, 100, 40, 100), (9, 10, 4, 10), (589, 928, 183, 318)]
)
def test_unpaired_is_scipys_chi_square_of_two_shares(now: int, n_now: int, before: int, n_before: int) -> None:
    from scipy.stats import chi2_contingency

    table = [[now, n_now - now], [before, n_before - before]]
    difference, interval, p = unpaired(now / n_now, before / n_before, n_now, n_before)
    assert p == pytest.approx(chi2_contingency(table, correction=False).pvalue, abs=1e-12)
    assert difference == now / n_now - before / n_before
    assert interval.low < difference < interval.high


def test_unpaired_of_nothing_or_of_the_same_says_nothing() -> None:
    assert unpaired(0.5, 0.5, 0, 10) == (0.0, (-1.0, 1.0), 1.0)
    assert unpaired(1.0, 1.0, 5, 5) == (0.0, (0.0, 0.0), 1.0)
