"""Rows written hotter and colder, by writers whose regime is known."""

from __future__ import annotations

import numpy as np
import pytest

from prodabuild.insight.catalogue import parse_source
from prodabuild.insight.decoding import Written, heat, sweep
from prodabuild.insight.entropy import PLACES
from prodabuild.insight.markov import Machine, golden, random_chain, two_state
from prodabuild.insight.source import typical

COIN = two_state(0.1, 0.1)


def written(source: Machine, temperature: float, count: int = 600, length: int = 200) -> Written:
    writer = source.tempered(temperature)
    rows = writer.sample(count, length, "written", str(temperature))
    return Written(rows, writer.surprisal(rows))


def test_regimes_go_up_with_temperature_and_the_source_itself_is_typical() -> None:
    heats = (0.5, 1.0, 1.25, 1.5, 2.0)
    found = sweep(COIN, {temperature: written(COIN, temperature) for temperature in heats}, "sweep")
    assert found.truth.shares["typical"] == pytest.approx(0.95, abs=0.03)
    assert found.truth.bits == pytest.approx(COIN.rate.value, abs=3 * found.truth.error + 0.005)
    bits = {one.temperature: one.bits for one in found.regimes}
    expected = {temperature: COIN.expected(COIN.tempered(temperature)) for temperature in heats}
    assert bits == pytest.approx(expected, abs=0.02)
    assert [PLACES.index(one.place) for one in found.regimes] == [0, 1, 2, 2, 2]
    exact = found.regimes[1]
    assert exact.bits == pytest.approx(exact.own)
    assert exact.distance < 0.1
    cold = found.regimes[0]
    assert cold.bits - cold.own > 0.05  # predictable, and not the source
    assert cold.repeated > exact.repeated


def test_rows_that_the_source_cannot_give_are_counted_apart_and_not_averaged() -> None:
    source = golden()
    rows = source.sample(100, 50, "golden")
    rows[:60, 3:5] = 1
    found = sweep(source, {1.0: Written(rows, np.ones(rows.shape))}, "impossible").regimes[0]
    assert found.impossible == 0.6
    assert found.place == "uncertain"
    assert found.bits == pytest.approx(source.surprisal(rows[60:]).mean())
    nothing = sweep(source, {1.0: Written(np.ones((5, 9), dtype=np.int64), np.ones((5, 9)))}, "none").regimes[0]
    assert (nothing.impossible, nothing.distance, nothing.bits) == (1.0, 1.0, float("inf"))


def test_a_row_that_says_one_thing_is_told_by_what_it_repeats_though_its_bits_are_typical() -> None:
    source = random_chain(4, 1, 1.5, "looped")
    rows = source.sample(4000, 40, "many")
    costs = source.surprisal(rows).mean(1)
    one = rows[abs(costs - 1.5).argmin()][:20]
    loop = np.tile(one, (50, 6))
    found = sweep(source, {0.0: Written(loop, np.zeros(loop.shape))}, "loop")
    assert found.regimes[0].repeated > found.truth.repeated + 0.3
    assert found.regimes[0].distance > 0.4


def test_rows_shorter_than_a_piece_repeat_nothing() -> None:
    for length in (2, 3):
        rows = COIN.sample(8, length, "short")
        assert sweep(COIN, {1.0: Written(rows, COIN.surprisal(rows))}, "short").regimes[0].repeated == 0


@pytest.mark.parametrize(
    "name",
    ["lag:symbols=4,lag=16", "lag:lag=40", "two", "markov:symbols=8,order=2,entropy=1.5", "fresh", "split", "even"],
)
def test_the_band_holds_the_rows_of_its_source_from_their_first_symbol_on(name: str) -> None:
    source = parse_source(name)
    limits, _ = typical(source, 32, "band")
    means = source.surprisal(source.sample(1500, 32, "rows")).mean(1)
    inside = np.mean([limits.place(mean) == "typical" for mean in means])
    assert inside == (1 if name == "lag:lag=40" else pytest.approx(0.95, abs=0.04))
    assert (limits.low + limits.high) / 2 == pytest.approx(means.mean(), abs=0.05)


def test_heat_is_the_softmax_at_a_temperature() -> None:
    logits = np.log(np.array([[0.1, 0.9]]))
    assert heat(logits, 1.0)[0] == pytest.approx([0.1, 0.9])
    assert heat(logits, 0.0)[0].tolist() == [0.0, 1.0]
    assert heat(logits, 2.0)[0, 0] == pytest.approx(0.25)
