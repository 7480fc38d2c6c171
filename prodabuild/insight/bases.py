"""A change beside the matrix that it was made to: what it moves there, and which directions come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from prodabuild.insight.changes import energy, gram, in_blocks
from prodabuild.insight.spectra import effective_rank
from prodabuild.insight.tails import Tail, fit_tail

if TYPE_CHECKING:
    from prodabuild.insight.changes import Array, Change

LEADING = 10  # directions that are looked at one by one
FOREIGN = 0.5  # a direction whose largest cosine with any of the base's is below this came in by the change
_NOTHING = 1e-7  # of the largest singular value: below it the directions of a Gram matrix are arbitrary


class Effect(NamedTuple):
    """What a change does to its base; `erank_1` and `erank_2` are differences.

    `size` is the ratio of Frobenius norms, `largest` that of largest singular values. `intruders` of the `LEADING`
    left directions after the change are like none before it; `intruder_energy` is their share in the energy of the
    leading ones. `alignment` is the share of the change's energy within the leading left and right directions of the
    base, `overlap` how far the leading left directions are the same before and after. A matrix of lower rank has
    fewer leading directions.
    """

    size: float
    largest: float
    erank_1: float
    erank_2: float
    intruders: float
    intruder_energy: float
    alignment: float
    overlap: float


@dataclass(frozen=True)
class Basis:
    """A matrix with its singular values and its short-side singular vectors, the largest first; `rows` <= columns."""

    weights: Array
    turned: bool
    gram: Array
    values: Array
    vectors: Array

    @classmethod
    def of(cls, weights: Array) -> Basis:
        """Decompose a matrix."""
        turned = weights.shape[0] > weights.shape[1]
        weights = weights.T if turned else weights
        matrix = gram(weights)
        return cls(weights, turned, matrix, *_decomposed(matrix))

    def energy(self) -> float:
        """Return the sum of squares of the entries."""
        return energy(self.weights)

    def tail(self) -> Tail | None:
        """Return the tail of the spectrum."""
        return fit_tail(self.values**2)

    def effect(self, change: Change, values: Array) -> tuple[Effect, Tail | None]:
        """Return what a change of given singular values does, and the tail of the spectrum after it."""
        change = change.turned if self.turned else change
        after, vectors = _decomposed(change.added_gram(self.weights, self.gram))
        leading, kept = min(LEADING, self._rank), min(LEADING, _rank(after))
        cosines = self._cosines(change, after[:kept], vectors[:, :kept])
        foreign = np.abs(cosines).max(axis=0) < FOREIGN
        energies = after[:kept] ** 2
        effect = Effect(
            size=float(np.sqrt((values**2).sum() / (self.values**2).sum())),
            largest=float(values[0] / self.values[0]),
            erank_1=effective_rank(after, 1) - effective_rank(self.values, 1),
            erank_2=effective_rank(after, 2) - effective_rank(self.values, 2),
            intruders=float(foreign.sum()),
            intruder_energy=float(energies[foreign].sum() / energies.sum()) if kept else 0.0,
            alignment=self._alignment(change, leading) / float((values**2).sum()),
            overlap=float((cosines[:leading] ** 2).sum() / leading),
        )
        return effect, fit_tail(after**2)

    def _cosines(self, change: Change, after: Array, vectors: Array) -> Array:
        """Return the products of all left directions before a change with the leading ones after it."""
        if not self.turned:
            return self.vectors[:, : self._rank].T @ vectors
        long = (in_blocks(self.weights.T, vectors) + change.turned.times(vectors)) / after
        short = self.vectors[:, : self._rank]
        return (short.T @ in_blocks(self.weights, long)) / self.values[: self._rank, None]

    def _alignment(self, change: Change, leading: int) -> float:
        short = self.vectors[:, :leading]
        long = in_blocks(self.weights.T, short) / self.values[:leading]
        return float(((short.T @ change.times(long)) ** 2).sum())

    @property
    def _rank(self) -> int:
        return _rank(self.values)


def _rank(values: Array) -> int:
    """Return how many directions are told apart from rounding."""
    return int((values > _NOTHING * values[0]).sum())


def _decomposed(matrix: Array) -> tuple[Array, Array]:
    squares, vectors = np.linalg.eigh(matrix)
    return np.sqrt(np.maximum(squares[::-1], 0)), vectors[:, ::-1]
