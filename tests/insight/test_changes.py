"""Changes of a matrix by their factors and by their entries: T7, and the algebra that never multiplies out."""

from __future__ import annotations

import numpy as np
import pytest

from prodabuild.insight.changes import BLOCK, Dense, LowRank, energy, gram, singular_values
from prodabuild.insight.spectra import figures_of
from prodabuild.insight.tails import fit_tail
from tests.insight.weights import normal

ROWS, COLUMNS, RANK = 512, 384, 16


def low_rank() -> LowRank:
    return LowRank(normal(1, ROWS, RANK), normal(2, RANK, COLUMNS))


def test_the_core_of_factors_has_the_values_of_their_product() -> None:
    change = low_rank()
    whole = singular_values(change.left @ change.right)[:RANK]
    assert change.values() == pytest.approx(whole, rel=1e-13)
    assert change.energy() == pytest.approx((whole**2).sum(), rel=1e-12)


def test_another_gauge_of_the_factors_is_the_same_change() -> None:
    change = low_rank()
    gauge = normal(3, RANK, RANK) + 4 * np.eye(RANK)
    other = LowRank(change.left @ gauge, np.linalg.inv(gauge) @ change.right)
    assert other.values() == pytest.approx(change.values(), rel=1e-12)


def test_a_scale_multiplies_values_and_leaves_ranks_and_exponents() -> None:
    change = LowRank(normal(1, 200, 100), normal(2, 100, 150))
    scaled = LowRank(change.left * 3, change.right)
    assert scaled.values() == pytest.approx(3 * change.values())
    assert figures_of(scaled.values()) == pytest.approx(figures_of(change.values()))
    before, after = fit_tail(change.values() ** 2), fit_tail(scaled.values() ** 2)
    assert before is not None
    assert after is not None
    assert after.points == before.points
    assert after.distance == pytest.approx(before.distance)
    exponents = [fit_tail(each.values() ** 2, enough=0) for each in (change, scaled)]
    assert exponents[0] is not None
    assert exponents[1] is not None
    assert exponents[1].alpha == pytest.approx(exponents[0].alpha)
    assert after.xmin == pytest.approx(9 * before.xmin)


def test_more_factors_than_rows_are_no_more_directions() -> None:
    change = LowRank(normal(1, 5, 9), normal(2, 9, 7))
    assert change.rank == 5
    assert change.values() == pytest.approx(singular_values(change.left @ change.right))


@pytest.mark.parametrize("shape", [(60, 2 * BLOCK + 7), (BLOCK + 3, 50)])
def test_dense_values_come_from_the_shorter_side(shape: tuple[int, int]) -> None:
    change = Dense(normal(4, *shape).astype(np.float32))
    assert change.values() == pytest.approx(singular_values(change.entries.astype(float)), rel=1e-9)
    assert change.energy() == energy(change.entries) == pytest.approx((change.values() ** 2).sum())


def test_both_forms_of_a_change_do_the_same_to_a_matrix() -> None:
    change, weights = low_rank(), normal(5, ROWS, COLUMNS)
    dense, before = Dense(change.left @ change.right), gram(weights)
    whole = (weights + dense.entries) @ (weights + dense.entries).T
    np.testing.assert_allclose(change.added_gram(weights, before), whole, atol=1e-8)
    np.testing.assert_allclose(dense.added_gram(weights, before), whole, atol=1e-8)
    vectors = normal(6, COLUMNS, 3)
    assert change.times(vectors) == pytest.approx(dense.times(vectors))
    assert change.turned.times(weights[:, :3]) == pytest.approx(dense.turned.times(weights[:, :3]))
