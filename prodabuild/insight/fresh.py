"""A new chain for every row, so that nothing is known before the row begins; predictors that learn within a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prodabuild.insight.draws import Floats, Ints, choose, dirichlet, uniforms
from prodabuild.insight.entropy import Rate, bits
from prodabuild.insight.markov import chain

DRAWN = 2000  # chains that the mean rate is taken over


@dataclass(frozen=True)
class Fresh:
    """Markov chains of order 1 whose rows of chances are drawn from a Dirichlet with parameters of half of `twice`.

    What is known of a row before it begins is the Dirichlet alone: Bayes' predictor is the source itself.
    """

    symbols: int
    twice: int = 1

    @cached_property
    def rate(self) -> Rate:
        """Return the mean rate of the chains, as a sample has it: two standard errors to each side."""
        tables = self.tables(DRAWN, "rate")
        rates = np.array([chain(table, self.symbols).rate.value for table in tables])
        half = 2 * rates.std(ddof=1) / math.sqrt(DRAWN)
        return Rate(float(rates.mean() - half), float(rates.mean() + half))

    @property
    def varentropy(self) -> None:
        """Return None: rows differ in their rates, so no band holds for all."""
        return

    def opening(self, length: int) -> None:
        """Return None: it is the price of learning each chain."""
        return

    def floors(self) -> dict[str, float]:
        """Return what is reached by guessing evenly."""
        return {"uniform": math.log2(self.symbols)}

    def tables(self, count: int, *key: str | int) -> Floats:
        """Return the chances of as many chains."""
        return dirichlet((count, self.symbols, self.symbols), self.twice, *key, "tables")

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return rows, each of a chain of its own; the first symbol is an even draw."""
        tables, draws = self.tables(count, *key), uniforms((length, count), *key)
        rows = np.empty((count, length), dtype=np.int64)
        rows[:, 0] = (draws[0] * self.symbols).astype(np.int64)
        for at in range(1, length):
            rows[:, at] = choose(tables[np.arange(count), rows[:, at - 1]], draws[at])
        return rows

    def surprisal(self, rows: Ints) -> Floats:
        """Return the bits that Bayes' predictor pays: nobody who has not seen the chain can pay less on average."""
        return learning(rows, self.symbols, 1, self.twice / 2)

    def told(self, rows: Ints, *key: str | int) -> Floats:
        """Return the bits of rows drawn by a key to someone who was told the chains."""
        tables = self.tables(len(rows), *key)
        first = np.full((len(rows), 1), math.log2(self.symbols))
        return np.hstack([first, bits(tables[np.arange(len(rows))[:, None], rows[:, :-1], rows[:, 1:]])])


def learning(rows: Ints, symbols: int, order: int, weight: float) -> Floats:
    """Return the bits paid by who counts what came after the last `order` symbols in the row; counts begin at a weight.

    Order 0 learns how frequent symbols are; order 1 with weight 1/2 is Krichevsky and Trofimov's predictor of a chain.
    """
    numbers = np.arange(len(rows))
    counts = np.full((len(rows), symbols**order, symbols), weight)
    context = np.zeros(len(rows), dtype=np.int64)
    found = np.full(rows.shape, math.log2(symbols))
    for at in range(rows.shape[1]):
        symbol = rows[:, at]
        if at >= order:
            seen = counts[numbers, context]
            found[:, at] = bits(seen[numbers, symbol] / seen.sum(1))
            counts[numbers, context, symbol] += 1
        context = (context * symbols + symbol) % symbols**order
    return found
