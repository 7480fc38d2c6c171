"""Sources by name: every kind can be made, and each mistake is named."""

from __future__ import annotations

import pytest

from prodabuild.errors import UsageError
from prodabuild.insight.catalogue import KINDS, parse_source
from prodabuild.insight.source import typical


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_makes_rows_that_it_can_score(name: str) -> None:
    source = parse_source(name)
    rows = source.sample(20, 40, "any")
    bits = source.surprisal(rows)
    assert rows.shape == bits.shape == (20, 40)
    assert 0 <= rows.min() <= rows.max() < source.symbols
    assert (bits >= -1e-12).all()
    assert bits.max() < 60
    assert source.rate.low <= source.rate.high <= source.floors()["uniform"] + 1e-12
    limits, variance = typical(source, 50, "s", count=50)
    assert limits.low <= limits.high
    assert variance >= 0


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("markow", "there is no source 'markow'", "did you mean 'markov'?"),
        ("lag:leg=3", "lag has no knob 'leg'", "did you mean 'lag'?"),
        ("lag:lag=2.5", "lag: lag=2.5 is no whole number", None),
        ("lag:flip=1.5", "lag: flip=1.5 does not lie between 0 and 1", None),
        ("lag:lag=2,lag=3", "lag has lag twice", None),
        ("fresh:weight=0.7", "fresh: weight=0.7 is no multiple of 0.5", None),
        ("two:up=nan", "two: up=nan does not lie between 0 and 1", None),
        ("two:up=often", "two: up=often is no number", None),
    ],
)  # fmt: skip
def test_what_is_no_source_is_named(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        parse_source(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_knobs_are_heeded() -> None:
    assert parse_source("markov:symbols=8,order=2,entropy=1.5,seed=3").rate.value == pytest.approx(1.5)
    assert parse_source("lag:symbols=7,lag=2,flip=0").rate.value == 0.0
