"""Figures of a spectrum: how many directions carry a matrix, in the several senses of the word."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from prodabuild.insight.changes import Array

ENERGY = 0.9  # the share of energy that `rank_90` directions hold


class Figures(NamedTuple):
    """What a spectrum says of its matrix, whatever its scale. Always stable <= participation <= erank_2 <= erank_1.

    `erank_1` is exp of the entropy of the shares of singular values (Roy and Vetterli), `erank_2` that of the shares
    of their squares; `stable` is energy over the largest square, `nuclear` the sum over the largest value; `top` is
    the share of energy in the first direction.
    """

    erank_1: float
    erank_2: float
    stable: float
    nuclear: float
    participation: float
    rank_90: float
    top: float


def figures_of(values: Array) -> Figures | None:
    """Return the figures of singular values; None where all of them are zero."""
    values = np.sort(np.asarray(values, np.float64))[::-1]
    if not len(values) or values[0] <= 0:
        return None
    values = values / values[0]
    squares = values**2
    energy = float(squares.sum())
    return Figures(
        erank_1=effective_rank(values, 1),
        erank_2=effective_rank(values, 2),
        stable=energy,
        nuclear=float(values.sum()),
        participation=energy**2 / float((squares**2).sum()),
        rank_90=float(rank_at(values, ENERGY)),
        top=1 / energy,
    )


def effective_rank(values: Array, exponent: int) -> float:
    """Return exp of the entropy of the shares that powers of singular values have in their sum; 0 of nothing."""
    powers = np.asarray(values, np.float64) ** exponent
    if not powers.sum() > 0:
        return 0.0
    shares = powers[powers > 0] / powers.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def rank_at(values: Array, energy: float) -> int:
    """Return the smallest number of directions that holds a share of the energy."""
    squares = np.sort(np.asarray(values, np.float64) ** 2)[::-1]
    held = np.cumsum(squares) / squares.sum()
    return int(np.searchsorted(held, energy - 1e-12) + 1)
