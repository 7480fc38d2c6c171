"""The nulls: spectra of matrices that learnt nothing, of the shapes that are looked at."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from prodabuild.digest import seeded
from prodabuild.insight.changes import singular_values
from prodabuild.insight.spectra import Figures, figures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from prodabuild.insight.changes import Array

DRAWS, FEW = 40, 8  # spectra drawn for a null, and for one of many values
MANY = 64
DRAWN = 512  # a dense matrix with more singular values than this has the Marchenko-Pastur spectrum, near enough
GRID = 200_000
TAILS = (5, 95)  # percentiles between which a null's draws lie


class Null(NamedTuple):
    """Figures of a null: their means, and where nine draws in ten lie. `spectrum` has an energy of one."""

    mean: Figures
    low: Figures
    high: Figures
    spectrum: Array


@cache
def null_of(rows: int, columns: int, rank: int | None) -> Null:
    """Return the null of a shape: a product of Gaussian factors of a rank, or without one a dense Gaussian matrix."""
    if rank is None and min(rows, columns) > DRAWN:
        spectra = [marchenko_pastur(rows, columns)]
    else:
        draws = range(DRAWS if (rank or min(rows, columns)) <= MANY else FEW)
        seeds = [seeded("null", rows, columns, rank or 0, number) for number in draws]
        spectra = [
            gaussian_matrix(rows, columns, seed) if rank is None else gaussian_factors(rows, columns, rank, seed)
            for seed in seeds
        ]
    spectra = [values / np.sqrt((values**2).sum()) for values in spectra]
    drawn = np.array([figures_of(values) for values in spectra])
    low, high = np.percentile(drawn, TAILS, axis=0)
    mean, low, high = (Figures(*map(float, each)) for each in (drawn.mean(axis=0), low, high))
    return Null(mean, low, high, np.mean(spectra, axis=0))


def gaussian_factors(rows: int, columns: int, rank: int, seed: int) -> Array:
    """Return the singular values of (rows, rank) @ (rank, columns), both of independent normal entries."""
    draw = np.random.default_rng(seed)
    return singular_values(_triangle(rows, rank, draw) @ _triangle(columns, rank, draw).T)


def _triangle(length: int, rank: int, draw: np.random.Generator) -> Array:
    # the triangle of a Gaussian matrix's QR has chi on its diagonal and normal entries above: no need of the matrix
    found = np.triu(draw.standard_normal((rank, rank)), 1)
    degrees = np.maximum(length - np.arange(rank), 0)
    found[np.diag_indices(rank)] = _chi(degrees, draw)
    return found[:length]


def gaussian_matrix(rows: int, columns: int, seed: int) -> Array:
    """Return the singular values of a matrix of independent normal entries, from its bidiagonal form."""
    draw = np.random.default_rng(seed)
    short, long = sorted((rows, columns))
    form = np.diag(_chi(long - np.arange(short), draw))
    form[np.arange(short - 1), np.arange(1, short)] = _chi(np.arange(short - 1, 0, -1), draw)
    return singular_values(form)


def _chi(degrees: NDArray[np.integer], draw: np.random.Generator) -> Array:
    found: Array = np.sqrt(2 * draw.standard_gamma(degrees / 2))
    return found


def marchenko_pastur(rows: int, columns: int) -> Array:
    """Return the quantiles of the singular values of a large matrix of independent entries of variance one."""
    short, long = sorted((rows, columns))
    low, high = edges(short / long)
    angle = np.linspace(0, np.pi, GRID)  # of a half circle over the support: the density is smooth in it
    squares = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
    density = np.sin(angle) ** 2 / np.maximum(squares, 1e-12)
    held = np.cumsum(density)
    at = np.interp((np.arange(short) + 0.5) / short, held / held[-1], squares)
    return np.sqrt(at[::-1] * long)


def edges(ratio: float) -> tuple[float, float]:
    """Return the edges of the Marchenko-Pastur law for the squares of singular values over the longer side."""
    return (1 - ratio**0.5) ** 2, (1 + ratio**0.5) ** 2
