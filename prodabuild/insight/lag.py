"""Lag copies: each symbol repeats the one so many places back, but for errors: a test of how far a model looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from prodabuild.insight.draws import Floats, Ints, uniforms
from prodabuild.insight.entropy import Rate, binary


@dataclass(frozen=True)
class Lag:
    """A copy at a distance. In a share `flip` of the places stands any other symbol, all equally often."""

    symbols: int
    lag: int
    flip: float

    @property
    def rate(self) -> Rate:
        """Return the entropy rate."""
        value = binary(self.flip) + self.flip * math.log2(max(1, self.symbols - 1))
        return Rate(value, value)

    @property
    def varentropy(self) -> float:
        """Return the variance of the bits of one symbol: those of different places hang together in no way."""
        right, wrong = self._bits()
        return self.flip * (1 - self.flip) * (wrong - right) ** 2 if 0 < self.flip < 1 else 0.0

    def opening(self, length: int) -> float:
        """Return what the first symbols cost that repeat nothing."""
        return min(length, self.lag) * (math.log2(self.symbols) - self.rate.value)

    def floors(self) -> dict[str, float]:
        """Return what is reached by whoever sees less than the lag: nothing is known."""
        return {"uniform": math.log2(self.symbols), f"order {self.lag - 1}": math.log2(self.symbols)}

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return rows whose first symbols, as many as the lag, are even draws."""
        draws = uniforms((2, count, length), *key)
        rows: Ints = (draws[0] * self.symbols).astype(np.int64)
        shift = np.where(draws[1] < self.flip, 1 + (draws[0] * (self.symbols - 1)).astype(np.int64), 0)
        for at in range(self.lag, length):
            rows[:, at] = (rows[:, at - self.lag] + shift[:, at]) % self.symbols
        return rows

    def surprisal(self, rows: Ints) -> Floats:
        """Return the bits of each symbol."""
        right, wrong = self._bits()
        found = np.full(rows.shape, math.log2(self.symbols))
        if rows.shape[1] > self.lag:
            found[:, self.lag :] = np.where(rows[:, self.lag :] == rows[:, : -self.lag], right, wrong)
        return found

    def _bits(self) -> tuple[float, float]:
        """Return the bits of a symbol that repeats, and of one that does not."""
        wrong = -math.log2(self.flip / (self.symbols - 1)) if self.flip > 0 else math.inf
        return (-math.log2(1 - self.flip) if self.flip < 1 else math.inf), wrong
