"""Chains whose figures can be computed by hand, and what is drawn from them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from prodabuild.errors import ProjectError
from prodabuild.insight.draws import choose, uniforms
from prodabuild.insight.entropy import Rate, band, binary, inside, shared
from prodabuild.insight.fresh import learning
from prodabuild.insight.lag import Lag
from prodabuild.insight.markov import chain, even, golden, random_chain, ring, two_state

CHAIN = two_state(0.1, 0.4)
COIN = two_state(0.1, 0.1)


def near(value: float, places: float = 1e-9) -> object:
    return pytest.approx(value, abs=places)


def test_the_two_state_chain_has_the_figures_of_its_closed_forms() -> None:
    assert CHAIN.states.tolist() == pytest.approx([0.8, 0.2])
    assert CHAIN.rate.value == near(0.5693865938, 1e-10)
    assert CHAIN.floors()["order 0"] == near(0.7219280949, 1e-10)
    assert CHAIN.floors()["order 0"] - CHAIN.rate.value == near(0.1525415011, 1e-10)
    assert CHAIN.varentropy == near(1.2627295180, 1e-10)


@pytest.mark.parametrize(
    ("length", "width", "expected", "limit"),
    [(100, 0.1, 0.6252, 0.6265), (1000, 0.05, 0.8411, 0.8406), (1000, 0.1, 0.9956, 0.9951)],
)
def test_the_share_of_typical_sequences_is_what_varentropy_says(
    length: int, width: float, expected: float, limit: float
) -> None:
    bits = CHAIN.surprisal(CHAIN.sample(20_000, length + 1, "typical"))[:, 1:].mean(1)
    assert np.mean(abs(bits - CHAIN.rate.value) <= width) == near(expected, 0.01)
    assert inside(width, CHAIN.varentropy, length) == near(limit, 5e-5)


def test_the_symmetric_chain_has_a_binomial_spread() -> None:
    assert COIN.rate.value == near(0.4689955936, 1e-10)
    assert COIN.varentropy == near(0.1 * 0.9 * math.log2(9) ** 2)
    assert COIN.varentropy == near(0.9043582063, 1e-10)
    counts = np.arange(1001)
    logs = np.array([math.lgamma(1001) - math.lgamma(k + 1) - math.lgamma(1001 - k) for k in counts])
    masses = np.exp(logs + counts * math.log(0.1) + (1000 - counts) * math.log(0.9))
    means = (counts * -math.log2(0.1) + (1000 - counts) * -math.log2(0.9)) / 1000
    assert masses[abs(means - COIN.rate.value) <= 0.05].sum() == near(0.89805, 5e-6)
    assert inside(0.05, COIN.varentropy, 1000) == near(0.9036, 5e-5)


TEMPERATURES = {0.5: 0.1907, 1: 0.4690, 1.25: 0.6182, 1.3: 0.6457, 1.5: 0.7471, 2: 0.9445, 1e9: 1.7370}


def test_a_hotter_chain_is_more_surprising_by_the_closed_form() -> None:
    found = {temperature: COIN.expected(COIN.tempered(temperature)) for temperature in TEMPERATURES}
    assert found == pytest.approx(TEMPERATURES, abs=5e-5)
    sharp = COIN.tempered(1e-3)
    assert float(sharp.chances[0] @ -np.log2(COIN.chances[0])) == near(0.1520, 5e-5)
    limits = band(COIN.rate, COIN.varentropy, 127)
    places = [limits.place(found[temperature]) for temperature in sorted(found)]
    assert places == ["conservative", "typical", "typical", "uncertain", "uncertain", "uncertain", "uncertain"]


def test_a_coin_has_the_typical_set_that_counting_gives() -> None:
    rate, counts = binary(0.3), range(101)
    means = {k: -(k * math.log2(0.3) + (100 - k) * math.log2(0.7)) / 100 for k in counts}
    typical = [k for k in counts if abs(means[k] - rate) <= 0.1]
    assert rate == near(0.8812909, 5e-8)
    assert (typical[0], typical[-1]) == (22, 38)
    assert sum(math.comb(100, k) * 0.3**k * 0.7 ** (100 - k) for k in typical) == near(0.9371897, 5e-8)
    assert math.log2(sum(math.comb(100, k) for k in typical)) / 100 == near(0.93425, 5e-6)


def test_a_lag_copy_is_dark_to_whoever_sees_less_than_the_lag() -> None:
    lag = Lag(2, 6, 0.1)
    rows = lag.sample(400, 200, "lag")
    bits = lag.surprisal(rows)
    assert bits[:, :6].tolist() == np.ones((400, 6)).tolist()
    assert bits[:, 6:].mean() == near(0.4690, 0.01)
    assert lag.rate.value == near(0.4690, 5e-5)
    assert lag.varentropy == near(COIN.varentropy)
    assert lag.floors() == {"uniform": 1.0, "order 5": 1.0}
    assert Lag(2, 1, 0.1).surprisal(rows[:, ::6])[:, 1:].mean() == near(0.469, 0.02)


def test_lag_copies_of_more_symbols_err_evenly() -> None:
    lag = Lag(5, 3, 0.2)
    rows = lag.sample(300, 100, "many")
    wrong = (rows[:, 3:] - rows[:, :-3])[rows[:, 3:] != rows[:, :-3]] % 5
    assert len(wrong) / (300 * 97) == near(0.2, 0.01)
    assert (np.bincount(wrong)[1:] / len(wrong)).tolist() == pytest.approx([0.25] * 4, abs=0.02)
    assert lag.surprisal(rows)[:, 3:].mean() == near(lag.rate.value, 0.02)


def test_what_is_shared_falls_with_distance() -> None:
    assert [shared(distance, 0.1) for distance in (1, 2, 5, 10)] == pytest.approx(
        [0.531, 0.31992, 0.0789, 0.00833], abs=5e-5
    )


@pytest.mark.parametrize("machine", [golden(), even()])
def test_unifilar_sources_have_an_exact_rate_though_the_state_is_hidden(machine: object) -> None:
    assert isinstance(machine, type(CHAIN))
    assert machine.rate.value == near(2 / 3, 1e-15)
    words = np.array([[word >> at & 1 for at in range(10)] for word in range(1024)])
    assert (2.0 ** -machine.surprisal(words).sum(1)).sum() == near(1.0, 1e-12)
    rows = machine.sample(40, 1000, "unifilar")
    assert machine.surprisal(rows).mean() == near(2 / 3, 0.01)
    means = machine.surprisal(machine.sample(2000, 100, "spread")).mean(1)
    assert means.var() * 100 == pytest.approx(machine.varentropy, rel=0.12)


def test_the_even_process_is_not_told_by_any_short_context() -> None:
    floors = even().floors()
    assert list(floors) == ["uniform", "order 0", "order 1", "order 2", "order 3"]
    assert sorted(floors.values(), reverse=True) == list(floors.values())
    assert floors["order 3"] > 0.76


def test_the_kt_predictor_pays_what_it_must_for_learning() -> None:
    rows = CHAIN.sample(20_000, 513, "kt")
    cost = (learning(rows, 2, 1, 0.5) - CHAIN.surprisal(rows))[:, 1:]
    found = {length: cost[:, :length].mean() for length in (16, 64, 256, 512)}
    expected = {16: 0.1174, 64: 0.0552, 256: 0.0225, 512: 0.0134}  # of 4000 rows, whose own scatter is in them
    scatter = {length: math.sqrt(CHAIN.varentropy / (4000 * length)) for length in found}
    assert all(abs(found[length] - expected[length]) < 2 * scatter[length] for length in found)
    assert all(found[length] <= math.log2(length) / length for length in found)


@pytest.mark.parametrize(
    ("symbols", "order", "rate"), [(128, 1, 1.0), (4, 3, 0.5), (8, 2, 2.5), (2, 5, 0.9), (4, 0, 1.5)]
)
def test_a_drawn_chain_is_tuned_to_its_rate(symbols: int, order: int, rate: float) -> None:
    drawn = random_chain(symbols, order, rate, "tune")
    assert drawn.rate.value == near(rate, 1e-12)
    floors = list(drawn.floors().values())
    assert floors == sorted(floors, reverse=True)
    rows = drawn.sample(300, 120, "rows")
    bits = drawn.surprisal(rows)
    deviation = math.sqrt(drawn.varentropy / (300 * 120))
    assert bits[:, order:].mean() == near(rate, 4 * deviation)
    width = band(drawn.rate, drawn.varentropy, 120)
    assert np.mean((bits.mean(1) >= width.low) & (bits.mean(1) <= width.high)) > 0.85


def test_the_oracle_itself_is_typical_as_often_as_its_band_says() -> None:
    drawn = random_chain(4, 1, 1.0, "oracle")
    bits = drawn.surprisal(drawn.sample(4000, 1000, "band")).mean(1)
    limits = band(drawn.rate, drawn.varentropy, 1000)
    assert np.mean([limits.place(value) == "typical" for value in bits]) == near(0.95, 0.012)


def test_the_ring_has_even_states_and_the_figures_of_one_row() -> None:
    found = ring(128, 0.0843555)
    assert found.rate.value == near(1.0, 2e-7)
    assert found.varentropy == near(8.361, 5e-4)
    assert found.states.tolist() == pytest.approx([1 / 128] * 128)


def test_draws_hang_on_the_key_alone_and_avoid_what_is_impossible() -> None:
    assert uniforms((3,), "key", 1).tolist() == [0.02157645751780135, 0.7864637669318918, 0.17804267619421066]
    assert uniforms((3,), "key", 2).tolist() != uniforms((3,), "key", 1).tolist()
    chances = np.array([[0.0, 0.3, 0.7, 0.0]] * 4)
    assert choose(chances, np.array([0.0, 0.29, 0.31, 1 - 2**-53])).tolist() == [1, 1, 2, 2]
    assert CHAIN.sample(2, 12, "fixed").tolist() == CHAIN.sample(2, 12, "fixed").tolist()
    assert CHAIN.sample(2, 12, "fixed").tolist() != CHAIN.sample(2, 12, "other").tolist()


def test_impossible_symbols_cost_infinitely_much() -> None:
    assert math.isinf(golden().surprisal(np.array([[0, 1, 1]]))[0, 2])


def test_chains_that_fall_apart_or_cannot_be_tuned_are_refused() -> None:
    with pytest.raises(ProjectError, match="do not reach each other"):
        _ = chain(np.eye(2), 2).rate
    assert chain(np.array([[0.5, 0.5], [0.0, 1.0]]), 2).rate == Rate(
        0.0, 0.0
    )  # it ends in one part, whatever it begins with
    with pytest.raises(ProjectError, match="more than 1024 contexts"):
        random_chain(128, 2, 1.0, "big")
    with pytest.raises(ProjectError, match="does not lie above 0 and up to log2 4"):
        random_chain(4, 1, 2.5, "high")


def test_what_the_first_symbols_cost_is_what_blocks_of_a_chain_have_above_the_rate() -> None:
    assert CHAIN.opening(50) == near(0.1525415011, 1e-10)  # what two neighbours share
    assert CHAIN.opening(1) == near(0.1525415011, 1e-10)
    drawn = random_chain(3, 3, 1.0, "opening")
    floors = [drawn.floors()[f"order {order}"] - 1 for order in range(3)]
    assert [drawn.opening(length) for length in (1, 2, 3, 64)] == pytest.approx([*np.cumsum(floors), sum(floors)])
    assert random_chain(4, 5, 1.0, "wide").opening(5) == random_chain(4, 5, 1.0, "wide").opening(64)
    lag = Lag(4, 16, 0.1)
    bits = lag.surprisal(lag.sample(4, 40, "lag"))[:, :16].sum(1)
    assert lag.opening(40) == pytest.approx(bits[0] - 16 * lag.rate.value)
    assert lag.opening(10) == pytest.approx(10 * (2 - lag.rate.value))


def test_a_rate_is_reached_to_the_bit_or_refused() -> None:
    reached = []
    for seed in range(4):
        for rate in (0.9, 0.1, 0.01, 1e-3, 1e-5, 1e-9):
            try:
                drawn = random_chain(4, 2, rate, "low", seed)
            except ProjectError:
                continue
            reached.append(rate)
            assert drawn.rate.value == pytest.approx(rate, rel=1e-6)
            bits = drawn.surprisal(drawn.sample(50, 400, "rows"))[:, 2:]
            assert bits.mean() == near(rate, 5 * math.sqrt(drawn.varentropy / bits.size) + 1e-4)
    assert reached.count(0.9) == 4
    with pytest.raises(ProjectError, match="no power of the table has a rate of 1e-09 bits"):
        random_chain(4, 2, 1e-9, "low")
