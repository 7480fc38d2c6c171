"""Spectra of what learnt nothing: T8, T10, and what is drawn without a matrix beside what a matrix gives."""

from __future__ import annotations

import numpy as np
import pytest

from prodabuild.insight.changes import Dense, singular_values
from prodabuild.insight.nulls import edges, gaussian_factors, gaussian_matrix, marchenko_pastur, null_of
from prodabuild.insight.spectra import figures_of
from tests.insight.weights import normal


@pytest.mark.parametrize(
    ("rank", "erank_1", "erank_2", "stable"),
    [(8, 0.999, 0.998, 0.907), (16, 0.999, 0.996, 0.857), (64, 0.996, 0.984, 0.729)],
)
def test_gaussian_factors_have_nearly_full_ranks(rank: int, erank_1: float, erank_2: float, stable: float) -> None:
    found = null_of(4096, 4096, rank)
    assert found.mean.erank_1 / rank == pytest.approx(erank_1, abs=1e-3)
    assert found.mean.erank_2 / rank == pytest.approx(erank_2, abs=2e-3)
    assert found.mean.stable / rank == pytest.approx(stable, abs=0.01)
    assert found.low.stable < found.mean.stable < found.high.stable
    assert (found.spectrum**2).sum() == pytest.approx(1, abs=0.01)


def test_drawn_triangles_are_those_of_drawn_matrices() -> None:
    rows, columns, rank = 40, 24, 8
    matrices = [normal(seed, rows, rank) @ normal(seed + 999, rank, columns) for seed in range(400)]
    whole = np.mean([singular_values(matrix)[:rank] for matrix in matrices], axis=0)
    drawn = np.mean([gaussian_factors(rows, columns, rank, seed) for seed in range(400)], axis=0)
    assert drawn == pytest.approx(whole, rel=0.03)
    assert len(gaussian_factors(4, 24, 8, 0)) == 4


def test_drawn_bidiagonals_are_those_of_drawn_matrices() -> None:
    whole = np.mean([singular_values(normal(seed, 12, 30)) for seed in range(400)], axis=0)
    for rows, columns in ((12, 30), (30, 12)):
        drawn = np.mean([gaussian_matrix(rows, columns, seed) for seed in range(400)], axis=0)
        assert drawn == pytest.approx(whole, rel=0.03)


def test_a_matrix_of_chance_has_the_spectrum_of_the_law() -> None:
    squares = Dense(normal(0, 1024, 512)).values() ** 2 / 512
    assert squares[[0, -1]] == pytest.approx([5.818, 0.175], abs=0.06)
    assert Dense(normal(0, 1024, 512)).values() == pytest.approx(marchenko_pastur(1024, 512), rel=0.03)


def test_a_gaussian_matrix_keeps_to_the_edges() -> None:
    squares = gaussian_matrix(1024, 512, 0) ** 2 / 512
    low, high = edges(1 / 2)
    assert 2 * high == pytest.approx(5.828, abs=1e-3)
    assert 2 * low == pytest.approx(0.1716, abs=1e-4)
    assert squares.max() == pytest.approx(5.82, abs=0.12)
    assert squares.min() == pytest.approx(0.173, abs=0.01)


@pytest.mark.parametrize(("rows", "columns"), [(400, 400), (400, 1600)])
def test_quantiles_stand_for_large_matrices(rows: int, columns: int) -> None:
    law, drawn = figures_of(marchenko_pastur(rows, columns)), figures_of(gaussian_matrix(rows, columns, 1))
    assert law is not None
    assert drawn is not None
    assert law[:6] == pytest.approx(drawn[:6], rel=0.03)
    assert null_of(600, 600, None).low == null_of(600, 600, None).high  # a law has no draws
