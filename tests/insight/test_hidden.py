"""Hidden chains: a bracket where there is no formula, and agreement with who computes the same."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from prodabuild.insight.hidden import Hidden, noisy, random_hidden
from prodabuild.insight.markov import two_state
from prodabuild.insight.source import typical


def test_a_chain_behind_a_noisy_channel_is_bracketed_closely() -> None:
    source = noisy(0.1, 0.1)
    assert source.rate.value == pytest.approx(0.7665963, abs=5e-8)
    assert 0 < source.rate.high - source.rate.low < 4e-9
    assert list(source.floors()) == ["uniform", "order 0", "order 1", "order 2", "order 3"]


def test_without_noise_it_is_the_chain_itself() -> None:
    source, chain = noisy(0.1, 0.0), two_state(0.1, 0.1)
    assert source.rate.low == pytest.approx(source.rate.high) == pytest.approx(chain.rate.value)
    rows = source.sample(50, 60, "same")
    assert source.surprisal(rows) == pytest.approx(chain.surprisal(rows))


def test_chances_of_all_words_add_up_and_samples_have_the_rate() -> None:
    source = random_hidden(3, 3, "any")
    words = np.array([[word // 3**at % 3 for at in range(6)] for word in range(3**6)])
    assert (2.0 ** -source.surprisal(words).sum(1)).sum() == pytest.approx(1.0)
    bits = source.surprisal(source.sample(300, 200, "rows")).mean(1)
    _, variance = typical(source, 128, "estimate")
    assert source.rate.low - 1e-9 <= source.rate.high
    assert bits.mean() == pytest.approx(source.rate.value, abs=4 * math.sqrt(variance / (300 * 200)) + 0.01)


@pytest.mark.engine
def test_hmmlearn_agrees_on_likelihoods() -> None:
    hmm = pytest.importorskip("hmmlearn.hmm")
    moves, channel = np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
    model = hmm.CategoricalHMM(n_components=2)
    source = Hidden(np.einsum("is,ij->sij", channel, moves))  # it emits before it moves
    model.startprob_, model.transmat_, model.emissionprob_ = source.states, moves, channel
    for row in source.sample(5, 200, "hmmlearn"):
        assert source.surprisal(row[None]).sum() * math.log(2) == pytest.approx(-model.score(row[:, None]), abs=1e-5)


def test_likelihoods_are_those_of_all_paths_of_states() -> None:
    source = random_hidden(3, 2, "paths")
    for row in source.sample(6, 7, "paths"):
        total = 0.0
        for path in itertools.product(range(3), repeat=8):
            chance = source.states[path[0]]
            for symbol, before, after in zip(row, path, path[1:], strict=False):
                chance *= source.steps[symbol, before, after]
            total += chance
        assert 2 ** -source.surprisal(row[None]).sum() == pytest.approx(total)


def test_the_largest_hidden_chain_has_a_bracket() -> None:
    source = random_hidden(64, 512, "large")
    assert 0 < source.rate.low <= source.rate.high <= 9
