"""A chain for every row: whoever learns it in the row pays Bayes' price and no less."""

from __future__ import annotations

import math

import numpy as np
import pytest

from prodabuild.insight.draws import dirichlet
from prodabuild.insight.entropy import entropy
from prodabuild.insight.fresh import Fresh, learning


@pytest.mark.parametrize(
    ("symbols", "twice", "expected"),
    [(4, 1, 2 - 0.5 / math.log(2)), (4, 2, (1 / 2 + 1 / 3 + 1 / 4) / math.log(2)), (128, 2, 6.3957)],
)
def test_drawn_distributions_have_the_mean_entropy_of_their_dirichlet(
    symbols: int, twice: int, expected: float
) -> None:
    drawn = dirichlet((4000, symbols), twice, "drawn")
    assert drawn.sum(1) == pytest.approx(np.ones(4000))
    assert entropy(drawn).mean() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("source", [Fresh(4), Fresh(3, 2)])
def test_bayes_pays_more_than_who_is_told_and_less_than_who_counts_symbols(source: Fresh) -> None:
    rows = source.sample(400, 200, "rows")
    told, bayes = source.told(rows, "rows").mean(1), source.surprisal(rows).mean(1)
    blind = learning(rows, source.symbols, 0, 0.5).mean(1)
    other = learning(rows, source.symbols, 1, 4.0).mean(1)
    error = (bayes - told).std() / np.sqrt(len(rows))
    assert (bayes - told).mean() > 5 * error
    assert (blind - bayes).mean() > 0.1
    assert (other - bayes).mean() > 0.01  # a prior that is not the one that drew
    assert told[:, None].mean() == pytest.approx(source.rate.value, abs=0.06)


def test_what_learning_costs_falls_with_the_row() -> None:
    source = Fresh(2)
    rows = source.sample(3000, 257, "long")
    cost = (source.surprisal(rows) - source.told(rows, "long"))[:, 1:].cumsum(1).mean(0)
    assert cost[15] / 16 > cost[63] / 64 > cost[255] / 256 > 0
    assert cost[255] / 256 < np.log2(256) / 256
