"""A change of a weight matrix: dense, or the product of two thin factors, which is never multiplied out."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating]
BLOCK = 1024  # rows that are looked at in double precision at a time


class LowRank(NamedTuple):
    """`left @ right`: what LoRA adds to a matrix, its scale in `left`."""

    left: Array
    right: Array

    @property
    def extent(self) -> tuple[int, int]:
        """Return the number of rows and columns."""
        return self.left.shape[0], self.right.shape[1]

    @property
    def rank(self) -> int | None:
        """Return the most directions that the change can have by its form; None for a dense one."""
        (rows, rank), columns = self.left.shape, self.right.shape[1]
        return min(int(rows), int(rank), int(columns))

    @property
    def turned(self) -> LowRank:
        """Return the transpose."""
        return LowRank(self.right.T, self.left.T)

    def values(self) -> Array:
        """Return the singular values: those of the product of the factors' triangles."""
        return singular_values(_triangle(self.left) @ _triangle(self.right.T).T)

    def times(self, vectors: Array) -> Array:
        """Return the product with vectors."""
        return self.left @ (self.right @ vectors)

    def energy(self) -> float:
        """Return the sum of squares of the entries."""
        lefts, rights = (each.astype(np.float64) for each in (self.left, self.right))
        return float(((lefts.T @ lefts) * (rights @ rights.T)).sum())

    def added_gram(self, weights: Array, before: Array) -> Array:
        """Return the Gram matrix of the rows of `weights` plus the change; `before` is that of `weights`."""
        left, right = self.left.astype(np.float64), self.right.astype(np.float64)
        cross = in_blocks(weights, right.T) @ left.T
        found: Array = before + cross + cross.T + left @ (right @ right.T) @ left.T
        return found


class Dense(NamedTuple):
    """A change whose every entry is its own: of full weights, of DoRA, of a module that is saved whole."""

    entries: Array

    @property
    def extent(self) -> tuple[int, int]:
        """Return the number of rows and columns."""
        return self.entries.shape[0], self.entries.shape[1]

    @property
    def rank(self) -> int | None:
        """Return None: its form sets no bound."""
        return None

    @property
    def turned(self) -> Dense:
        """Return the transpose."""
        return Dense(self.entries.T)

    def values(self) -> Array:
        """Return the singular values, by the Gram matrix of the shorter side."""
        rows, columns = self.extent
        matrix = gram(self.entries if rows <= columns else self.entries.T)
        found: Array = np.sqrt(np.maximum(np.linalg.eigvalsh(matrix)[::-1], 0))
        return found

    def times(self, vectors: Array) -> Array:
        """Return the product with vectors."""
        return in_blocks(self.entries, vectors)

    def energy(self) -> float:
        """Return the sum of squares of the entries."""
        return energy(self.entries)

    def added_gram(self, weights: Array, before: Array) -> Array:
        """Return the Gram matrix of the rows of `weights` plus the change."""
        return gram(weights, self.entries)


Change: TypeAlias = LowRank | Dense


def singular_values(matrix: Array) -> Array:
    """Return the singular values of a small matrix, the largest first."""
    found: Array = np.linalg.svd(matrix, compute_uv=False)
    return found


def _triangle(matrix: Array) -> Array:
    found: Array = np.linalg.qr(matrix.astype(np.float64), mode="r")  # type: ignore[assignment]  # not in numpy's stubs
    return found


def gram(rows: Array, others: Array | None = None) -> Array:
    """Return the products of all pairs of rows (of a sum of two matrices), in double precision, column by column."""
    found = np.zeros((rows.shape[0], rows.shape[0]))
    for start in range(0, rows.shape[1], BLOCK):
        part = rows[:, start : start + BLOCK].astype(np.float64)
        if others is not None:
            part += others[:, start : start + BLOCK]
        found += part @ part.T
    return found


def in_blocks(weights: Array, vectors: Array) -> Array:
    """Return a product in double precision without a copy of `weights` in it."""
    parts = [weights[start : start + BLOCK].astype(np.float64) @ vectors for start in range(0, len(weights), BLOCK)]
    return np.concatenate(parts)


def energy(entries: Array) -> float:
    """Return the sum of squares, in double precision, block by block."""
    blocks = (entries[start : start + BLOCK].astype(np.float64) for start in range(0, len(entries), BLOCK))
    return float(sum(np.vdot(block, block) for block in blocks))
