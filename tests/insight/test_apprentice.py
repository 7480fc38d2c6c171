"""A small model that learns a source from nothing, and what it writes then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from prodabuild.errors import ProjectError, UsageError
from prodabuild.events import silent
from prodabuild.insight.apprentice import FIRST, Recipe, alphabet_of, learn
from prodabuild.insight.decoding import sweep, write
from prodabuild.insight.lag import Lag
from prodabuild.insight.markov import two_state
from prodabuild.insight.reading import excess_of, forward_of, read, windows

CHAIN = two_state(0.1, 0.4)
RECIPE = Recipe(hidden=32, layers=1, steps=40, batch=16, length=32, learning_rate=2e-2, held_out=96)


def test_paying_less_than_the_source_allows_is_refused() -> None:
    rows = CHAIN.sample(200, 50, "rows")
    allowed = CHAIN.surprisal(rows)
    noise = np.random.default_rng(1).normal(0, 0.05, (200, 1))
    assert excess_of(allowed + 0.02, allowed).mean == pytest.approx(0.02)
    assert abs(excess_of(allowed + noise, allowed).mean) < 0.02
    with pytest.raises(ProjectError, match=r"the model pays 0\.17\d+ bits less a symbol than the source allows"):
        excess_of(allowed * np.log(2), allowed)  # nats taken for bits


def test_the_oracle_has_no_excess() -> None:
    rows = CHAIN.sample(400, 200, "oracle")
    allowed = CHAIN.surprisal(rows)
    found = excess_of(allowed, allowed)
    assert (found.mean, found.rows) == (0.0, 400)
    assert abs(allowed.mean() - CHAIN.rate.value) < 2.5 * np.sqrt(CHAIN.varentropy / rows.size)


def test_windows_double() -> None:
    assert [(span.start, span.stop) for span in windows(10)] == [(0, 1), (1, 2), (2, 4), (4, 8), (8, 10)]
    assert [(span.start, span.stop) for span in windows(4)] == [(0, 1), (1, 2), (2, 4)]


@pytest.mark.train
def test_a_model_learns_a_chain_down_to_its_rate_and_the_same_way_twice() -> None:
    one, two = learn(CHAIN, RECIPE, silent), learn(CHAIN, RECIPE, silent)
    assert one.points == two.points
    assert [point.step for point in one.points] == [0, 1, 2, 4, 8, 16, 32, 40]
    assert one.points[0].bits > CHAIN.floors()["order 0"]
    assert 0 < one.final.excess.mean < 0.05
    assert one.final.symbols == 40 * 16 * 32
    assert one.final.bits == pytest.approx(one.oracle + one.final.excess.mean)
    rows = CHAIN.sample(96, 32, "held out", 1)
    said = read(forward_of(one.model), alphabet_of(CHAIN), rows)
    assert said.bits.mean() == pytest.approx(one.final.bits, abs=1e-5)
    assert said.leaked.max() < 0.05

    written = {heat: write(one.model, alphabet_of(CHAIN), 200, 32, heat, "w") for heat in (0.0, 1.0, 3.0)}
    swept = sweep(CHAIN, written, "w")
    assert [regime.place for regime in swept.regimes] == ["conservative", "typical", "uncertain"]
    again = read(forward_of(one.model), alphabet_of(CHAIN), written[1.0].rows)
    assert again.bits == pytest.approx(written[1.0].bits, abs=1e-3)  # what was written is what is read back


@pytest.mark.train
def test_rows_that_come_again_and_again_are_learnt_by_heart() -> None:
    source = Lag(4, 64, 0.1)  # beyond every row: nothing can be learnt but the rows
    recipe = Recipe(hidden=64, layers=1, steps=120, batch=8, length=32, learning_rate=1e-2, distinct=8, held_out=64)
    known = learn(source, recipe, silent)
    rows = source.sample(8, 32, "pool", 1)
    said = read(forward_of(known.model), alphabet_of(source), rows)
    assert known.final.excess.mean > 1.0
    with pytest.raises(ProjectError, match="less a symbol than the source allows"):
        excess_of(said.bits, source.surprisal(rows))


def test_a_width_that_no_head_divides_is_refused() -> None:
    with pytest.raises(UsageError, match="a hidden size of 50 is no multiple of 32"):
        learn(CHAIN, Recipe(hidden=50), silent)


class Oracle:
    """The chain itself in the place of a model: its logits are the logarithms of the chances that the chain has."""

    def __init__(self, shift: int = 0, power: float = 1.0) -> None:
        self._shift, self._power = shift, power

    def __call__(self, input_ids: Any, past_key_values: Any = None, use_cache: bool = False) -> SimpleNamespace:
        import torch

        alphabet = alphabet_of(CHAIN)
        table = np.full((FIRST + CHAIN.symbols, FIRST + CHAIN.symbols), -np.inf)
        table[alphabet.start, FIRST:] = np.log(CHAIN.states)
        table[FIRST:, FIRST:] = np.log(CHAIN.chances)
        seen = torch.roll(input_ids, self._shift, 1)
        return SimpleNamespace(logits=torch.tensor(table)[seen] * self._power, past_key_values=None)


@pytest.mark.train
def test_the_oracle_in_the_place_of_a_model_has_no_excess_and_writes_what_is_typical() -> None:
    rows = CHAIN.sample(400, 200, "oracle")
    said = read(forward_of(Oracle()), alphabet_of(CHAIN), rows)
    assert said.bits == pytest.approx(CHAIN.surprisal(rows), abs=1e-5)
    assert said.leaked.max() < 1e-6
    assert excess_of(said.bits, CHAIN.surprisal(rows)).mean == pytest.approx(0, abs=1e-6)
    written = write(Oracle(), alphabet_of(CHAIN), 4000, 128, 1.0, "w")
    truth = sweep(CHAIN, {1.0: written}, "w").regimes[0]
    assert truth.shares["typical"] == pytest.approx(0.95, abs=0.02)
    assert truth.bits == pytest.approx(truth.own, abs=1e-6)
    assert truth.bits == pytest.approx(CHAIN.rate.value + CHAIN.opening(128) / 128, abs=3 * truth.error)


@pytest.mark.train
def test_an_oracle_that_sees_the_symbol_it_is_asked_for_is_refused() -> None:
    source = two_state(0.1, 0.1)
    rows = source.sample(200, 64, "leak")
    allowed = source.surprisal(rows)
    leaking = read(_Leak(rows), alphabet_of(source), rows).bits
    with pytest.raises(ProjectError, match="bits less a symbol than the source allows"):
        excess_of(leaking, allowed)
    late = read(forward_of(Oracle(shift=1)), alphabet_of(CHAIN), rows).bits
    assert excess_of(late, allowed).mean > 0.2  # off by one


class _Leak:
    """Says, batch after batch, which symbol comes next."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __call__(self, ids: Any) -> Any:
        import torch

        rows, self._rows = torch.tensor(self._rows[: len(ids)]), self._rows[len(ids) :]
        return torch.zeros((*rows.shape, FIRST + 2)).scatter_(2, rows[..., None] + FIRST, 5.0)


def test_figures_that_are_no_numbers_are_refused() -> None:
    rows = CHAIN.sample(4, 8, "rows")
    with pytest.raises(ProjectError, match="what the model pays is no finite number"):
        excess_of(np.full(rows.shape, np.nan), CHAIN.surprisal(rows))
