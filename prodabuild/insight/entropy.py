"""Entropies, all in bits: of distributions, of chains, how far a sequence's mean surprisal strays from the rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from prodabuild.errors import ProjectError

if TYPE_CHECKING:
    from prodabuild.insight.draws import Floats

PLACES = ("conservative", "typical", "uncertain")
Z = 1.959963984540054  # two-sided 95 %
ROUNDING = 1e-9  # bits: rows that all cost the same lie in their band


class Rate(NamedTuple):
    """An entropy rate in bits a symbol: exact where both bounds are the same."""

    low: float
    high: float

    @property
    def value(self) -> float:
        """Return the middle of the bracket."""
        return (self.low + self.high) / 2


class Band(NamedTuple):
    """Where the mean surprisal of typical sequences lies."""

    low: float
    high: float

    def place(self, value: float) -> str:
        """Return `conservative` below the band, `uncertain` above it, `typical` inside."""
        return PLACES[int(value >= self.low) + int(value > self.high)]


def bits(chances: Floats) -> Floats:
    """Return -log2 of chances, infinite where a chance is 0."""
    with np.errstate(divide="ignore"):
        return -np.log2(chances)


def entropy(chances: Floats) -> Floats:
    """Return the entropy of each distribution along the last axis."""
    return np.asarray(-(chances * np.log2(np.where(chances > 0, chances, 1.0))).sum(-1))


def binary(chance: float) -> float:
    """Return the entropy of a coin."""
    return float(entropy(np.array([chance, 1 - chance])))


def shared(distance: int, flip: float) -> float:
    """Return the mutual information of two symbols of a symmetric binary chain, so many steps apart."""
    return 1 - binary((1 - (1 - 2 * flip) ** distance) / 2)


def refuse_parted(moves: Floats) -> None:
    """Raise `ProjectError` where a chain may end in one of several parts that do not reach each other."""
    reached = ((moves > 0) | np.eye(len(moves), dtype=bool)).astype(np.float32)
    for _ in range(max(1, (len(moves) - 1).bit_length())):
        reached = (reached @ reached > 0).astype(np.float32)
    known = reached > 0
    final = (~known | known.T).all(1)  # whatever such a state reaches, reaches it
    if len({known[state].tobytes() for state in np.flatnonzero(final)}) != 1:
        raise ProjectError("the chain falls into parts that do not reach each other", "give it ways between them")


def stationary(moves: Floats) -> Floats:
    """Return the distribution that a chain keeps; raises `ProjectError` where rounding hides it."""
    equations = moves.T - np.eye(len(moves))
    equations[-1] = 1.0  # one of the others follows from the rest
    try:
        found = np.clip(np.linalg.solve(equations, np.eye(len(moves))[-1]), 0.0, None)
    except np.linalg.LinAlgError:
        raise ProjectError("the chain hardly ever leaves some of its parts", "ask for more entropy") from None
    return np.asarray(found / found.sum())


def band(rate: Rate, variance: float, length: int, z: float = Z) -> Band:
    """Return the band of sequences of a length: `z` deviations to each side, as the central limit theorem has them."""
    half = z * math.sqrt(variance / length) + ROUNDING
    return Band(rate.low - half, rate.high + half)


def inside(width: float, variance: float, length: int) -> float:
    """Return the share of sequences whose mean surprisal is at most `width` from the rate, in the limit."""
    return math.erf(width * math.sqrt(length / (2 * variance)))
