"""Words that stand for symbols, and predictors that a model is held against."""

from __future__ import annotations

import numpy as np
import pytest

from prodabuild.errors import ProjectError
from prodabuild.insight.context import paired
from prodabuild.insight.text import Text, shipped_text


def test_rungs_count_alike_and_rows_are_pairs() -> None:
    noise = np.random.default_rng(3).normal(0, 1, 50)
    found = paired([noise, np.zeros(10)], [noise + 0.2, np.full(10, 0.4)])
    assert found.mean == pytest.approx(0.3)
    assert found.error == pytest.approx(0.0, abs=1e-9)  # what both models find hard in a row is no noise
    assert found.rows == 60


def test_rows_of_text_that_are_held_out_are_of_another_part() -> None:
    text = Text(bytes(range(200)) * 2 + bytes(range(200, 250)))
    held, seen = text.sample(40, 20, "held out", 1), text.sample(200, 20, "train", 1, 0)
    assert text.symbols == 250
    assert held.min() >= 200 or held.min() == 0
    assert seen.max() < 206
    assert set(np.unique(held)) & set(np.unique(seen)) <= set(range(200)) | set(range(200, 206))
    assert (np.diff(held, axis=1) == 1).all()


def test_the_text_that_ships_is_there_to_read() -> None:
    text = shipped_text()
    assert 40 < text.symbols < 256
    assert text.sample(2, 64, "train", 1).shape == (2, 64)
    assert text.surprisal(text.sample(2, 64, "train", 1)).sum() == 0


@pytest.mark.train
def test_words_are_single_tokens_that_do_not_merge(tmp_path_factory: pytest.TempPathFactory) -> None:
    from prodabuild.events import silent
    from prodabuild.insight.context import alphabet_in, refuse_merged
    from prodabuild.training.base import load_tokenizer
    from prodabuild.training.scratch import Preset, build_scratch

    folder = tmp_path_factory.mktemp("tokens")
    preset = Preset(vocab=320, hidden=32, layers=1, heads=2, steps=1, batch=1, block=8, learning_rate=1e-3)
    build_scratch(preset, ["a b a b a b cat cat cat dog dog dog dog"] * 30, folder, "cpu", silent)
    tokenizer = load_tokenizer(folder)
    found = alphabet_in(tokenizer, 4)
    assert [tokenizer.decode([token]) for token in found.tokens[:2]] == [" a", " b"]
    assert found.start == tokenizer.eos_token_id
    refuse_merged(tokenizer, found, np.array([[0, 1, 2, 3, 3, 2, 1, 0]]))
    letters = found._replace(tokens=tuple(tokenizer.convert_tokens_to_ids(["c", "a", "t"])))
    with pytest.raises(ProjectError, match="merges symbols"):
        refuse_merged(tokenizer, letters, np.array([[0, 1, 2, 0, 1, 2]]))
    with pytest.raises(ProjectError, match=r"the tokenizer has \d+ words that are one token"):
        alphabet_in(tokenizer, 300)
