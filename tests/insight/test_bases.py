"""Changes beside their base: T9 and T11."""

from __future__ import annotations

import math

import numpy as np
import pytest

from prodabuild.insight.bases import Basis, Effect
from prodabuild.insight.changes import Array, Dense, LowRank
from prodabuild.insight.spectra import effective_rank
from prodabuild.insight.tails import fit_tail
from tests.insight.weights import normal

SIZE = 800


def unit(seed: int, length: int = SIZE) -> Array:
    vector = normal(seed, length)
    found: Array = vector / np.linalg.norm(vector)
    return found


@pytest.fixture(scope="module")
def gaussian() -> Basis:
    return Basis.of(normal(0, SIZE, SIZE) / math.sqrt(SIZE))


def along(theta: float, left: Array, right: Array) -> LowRank:
    return LowRank(theta * left[:, None], right[None, :])


def effect(basis: Basis, change: LowRank | Dense) -> Effect:
    return basis.effect(change, change.values())[0]


@pytest.mark.parametrize(("theta", "intruders"), [(0.5, 0), (0.9, 0), (1.1, 0), (1.5, 1), (2.0, 1), (3.0, 1), (5.0, 1)])
def test_a_direction_comes_in_where_it_is_strong_enough(gaussian: Basis, theta: float, intruders: int) -> None:
    found = effect(gaussian, along(theta, unit(1), unit(2)))
    assert found.intruders == intruders
    assert (found.intruder_energy > 0.09) == bool(intruders)
    assert found.largest == pytest.approx(theta / gaussian.values[0])


def test_the_largest_value_is_the_one_foretold(gaussian: Basis) -> None:
    change = along(2.0, unit(1), unit(2))
    squares, vectors = np.linalg.eigh(change.added_gram(gaussian.weights, gaussian.gram))
    assert math.sqrt(squares[-1]) == pytest.approx(2.5, abs=0.03)
    assert (vectors[:, -1] @ unit(1)) ** 2 == pytest.approx(0.75, abs=0.03)


def test_what_follows_the_base_brings_nothing_in(gaussian: Basis) -> None:
    left = gaussian.vectors[:, 0]
    right = gaussian.weights.T @ left / gaussian.values[0]
    found = effect(gaussian, along(5.0, left, right))
    assert (found.intruders, found.intruder_energy) == (0, 0)
    assert found.alignment == pytest.approx(1)
    noise = Dense(0.01 * normal(3, SIZE, SIZE) / math.sqrt(SIZE))
    assert effect(gaussian, noise).intruders == 0


def test_no_change_has_no_effect(gaussian: Basis) -> None:
    found = effect(gaussian, along(1e-12, unit(1), unit(2)))
    assert found.intruders == 0
    assert found.overlap == pytest.approx(1)
    assert found.erank_1 == pytest.approx(0, abs=1e-6)


def test_random_directions_are_like_none_of_the_base(gaussian: Basis) -> None:
    cosines = [np.abs(gaussian.vectors.T @ unit(seed)).max() for seed in range(200)]
    assert np.mean(cosines) == pytest.approx(0.119, abs=0.003)
    assert max(cosines) < 0.5


@pytest.mark.parametrize("shape", [(40, 70), (70, 40)])
def test_left_directions_are_those_of_rows_whichever_side_is_shorter(shape: tuple[int, int]) -> None:
    weights, change = normal(7, *shape), LowRank(3 * normal(8, shape[0], 2), normal(9, 2, shape[1]))
    before, after = (
        np.linalg.svd(each, full_matrices=False) for each in (weights, weights + change.left @ change.right)
    )
    found = effect(Basis.of(weights), change)
    cosines = np.abs(before.U.T @ after.U[:, :10])
    foreign = cosines.max(axis=0) < 0.5
    assert found.intruders == foreign.sum() > 0
    assert found.intruder_energy == pytest.approx((after.S[:10][foreign] ** 2).sum() / (after.S[:10] ** 2).sum())
    assert found.overlap == pytest.approx((cosines[:10] ** 2).sum() / 10)
    product = change.left @ change.right
    inside = before.U[:, :10].T @ product @ before.Vh[:10].T
    assert found.alignment == pytest.approx((inside**2).sum() / (product**2).sum())
    assert found.erank_1 == pytest.approx(effective_rank(after.S, 1) - effective_rank(before.S, 1))
    assert found.size == pytest.approx(np.linalg.norm(product) / np.linalg.norm(weights))


@pytest.mark.engine
def test_the_matrix_hardly_sees_a_small_change() -> None:
    size, rank = 1024, 16
    squares = (1 - np.random.default_rng(5).random(size)) ** (-1 / 2.5)
    basis = Basis.of(np.diag(np.sqrt(squares)))
    before = fit_tail(squares)
    assert before is not None
    assert before.alpha == pytest.approx(3.535, abs=1e-3)
    assert effective_rank(np.sqrt(squares), 1) == pytest.approx(994.2, abs=0.05)
    ranks, exponents = [], []
    for share in (0.003, 0.01, 0.03, 0.1):
        factors = LowRank(normal(1, size, rank), normal(2, rank, size))
        factor = share * math.sqrt(squares.sum() / factors.energy())
        change = LowRank(factors.left * factor, factors.right)
        found, tail = basis.effect(change, change.values())
        assert found.size == pytest.approx(share)
        assert tail is not None
        assert tail.alpha is not None
        ranks.append(994.2 + found.erank_1)
        exponents.append(tail.alpha)
    assert ranks == pytest.approx([994.2, 994.1, 993.9, 991.7], abs=0.1)
    assert exponents == pytest.approx([3.528, 3.45, 3.494, 3.31], abs=0.025)  # down, up and down again


@pytest.mark.parametrize("shape", [(40, 70), (70, 40)])
def test_a_base_of_low_rank_has_no_directions_beyond_its_rank(shape: tuple[int, int]) -> None:
    rows, columns = shape
    weights = normal(3, rows, 4) @ normal(4, 4, columns)
    before = np.linalg.svd(weights, full_matrices=False)
    same = effect(Basis.of(weights), LowRank(0.1 * weights[:, :4] @ np.linalg.pinv(weights[:, :4]), weights))
    assert (same.intruders, same.intruder_energy) == (0, 0)
    assert same.overlap == pytest.approx(1)
    assert same.alignment == pytest.approx(1)
    change = LowRank(100 * normal(5, rows, 2), normal(6, 2, columns))
    found = effect(Basis.of(weights), change)
    after = np.linalg.svd(weights + change.left @ change.right, full_matrices=False)
    foreign = np.abs(before.U[:, :4].T @ after.U[:, :6]).max(axis=0) < 0.5
    assert found.intruders == foreign.sum() > 0
    assert found.overlap == pytest.approx(((before.U[:, :4].T @ after.U[:, :6]) ** 2).sum() / 4)


@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
def test_a_change_that_leaves_nothing_has_figures(shape: tuple[int, int]) -> None:
    weights = normal(3, *shape)
    found = effect(Basis.of(weights), Dense(-weights))
    assert found.size == pytest.approx(1.0, abs=1e-12)
    assert (found.intruders, found.intruder_energy, found.overlap) == (0, 0, 0)
    assert found.erank_1 == pytest.approx(-effective_rank(np.linalg.svd(weights, compute_uv=False), 1))
