"""Power laws whose exponent is known: T1 to T3."""

from __future__ import annotations

import numpy as np
import pytest

from prodabuild.insight.changes import Array
from prodabuild.insight.tails import fit_tail, hill, likeliest


def quantiles(alpha: float, number: int = 2000) -> Array:
    found: Array = (1 - (np.arange(number) + 0.5) / number) ** (-1 / (alpha - 1))
    return found


def sampled(number: int, seed: int) -> Array:
    found: Array = (1 - np.random.default_rng(seed).random(number)) ** -0.5
    return found


@pytest.mark.parametrize(
    ("alpha", "known", "searched", "by_hill"),
    [(2.0, 2.0002, 2.0004, 1.9998), (3.0, 3.0003, 3.0008, 2.9997), (4.0, 4.0005, 4.0013, 3.9995)],
)
def test_quantiles_of_a_law_give_its_exponent(alpha: float, known: float, searched: float, by_hill: float) -> None:
    values = quantiles(alpha)
    found, points = likeliest(values, 1.0)
    assert found == pytest.approx(known, abs=5e-5)
    assert points == 2000
    assert hill(values, 1000) == pytest.approx(by_hill, abs=5e-5)
    tail = fit_tail(values)
    assert tail is not None
    assert tail.alpha == pytest.approx(searched, abs=5e-5)
    assert tail.fitter == "ks"


def test_samples_scatter_as_theory_says() -> None:
    exponents = [likeliest(sampled(512, seed), 1.0)[0] for seed in range(300)]
    assert np.mean(exponents) == pytest.approx(2.999, abs=5e-4)
    assert np.std(exponents) == pytest.approx(0.086, abs=5e-4)


@pytest.mark.engine
def test_a_search_for_xmin_scatters_more() -> None:
    tails = [fit_tail(sampled(512, seed), enough=0) for seed in range(300)]
    exponents = [tail.alpha for tail in tails if tail and tail.alpha]
    assert len(exponents) == 300
    assert np.mean(exponents) == pytest.approx(3.01, abs=5e-3)
    assert np.std(exponents) == pytest.approx(0.118, abs=5e-4)


@pytest.mark.parametrize(
    ("number", "mean", "deviation"), [(4, 3.67, 1.73), (8, 3.28, 0.92), (16, 3.14, 0.58), (32, 3.06, 0.38)]
)
def test_few_points_are_noise(number: int, mean: float, deviation: float) -> None:
    exponents = [likeliest(sampled(number, seed), 1.0)[0] for seed in range(2000)]
    bias = 2 * number / (number - 1)  # of E[alpha] - 1
    assert np.mean(exponents) == pytest.approx(mean, abs=0.02)
    assert np.mean(exponents) == pytest.approx(1 + bias, abs=4 * deviation / 2000**0.5)
    assert np.std(exponents) == pytest.approx(deviation, abs=0.02)


def test_a_tail_of_few_points_is_not_told() -> None:
    short, long = fit_tail(quantiles(3.0, 40)), fit_tail(quantiles(3.0, 400))
    assert short is not None
    assert short.points <= 40
    assert (short.alpha, short.error) == (None, None)
    assert long is not None
    assert long.points >= 50
    assert long.alpha is not None
    assert fit_tail(quantiles(3.0, 9)) is None
    assert fit_tail(np.ones(80)) is None


@pytest.mark.parametrize("value", [1.0, 3.0, 0.1])
def test_equal_values_have_no_tail_though_rounding_parts_them(value: float) -> None:
    spread = 1 + 1e-14 * np.random.default_rng(1).standard_normal(200)
    assert fit_tail(np.full(200, value)) is None
    assert fit_tail(value * spread) is None


def test_what_rounding_left_of_zeros_is_no_part_of_a_tail() -> None:
    values = quantiles(3.0, 400)
    noise = 1e-16 * np.abs(np.random.default_rng(2).standard_normal(2000))
    assert fit_tail(np.concatenate([values, noise])) == fit_tail(values)
    assert fit_tail(np.concatenate([values, np.zeros(50)])) == fit_tail(values)
    assert fit_tail(np.zeros(80)) is None
    assert fit_tail(np.array([])) is None
