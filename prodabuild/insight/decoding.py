"""What a model writes by itself, hotter and colder, scored by the source: too predictable, typical, or astray.

The band of typical rows is that of the source's own varentropy at the length of the rows: no constant is set.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from prodabuild.insight.draws import choose, uniforms
from prodabuild.insight.entropy import PLACES, Band
from prodabuild.insight.source import typical

if TYPE_CHECKING:
    from prodabuild.insight.draws import Floats, Ints
    from prodabuild.insight.reading import Alphabet
    from prodabuild.insight.source import Source

GRAM = 4  # symbols of the pieces whose repetition is counted


class Written(NamedTuple):
    """Rows that a model wrote, and the bits that each symbol cost it at its temperature."""

    rows: Ints
    bits: Floats


class Regime(NamedTuple):
    """What the source says of rows written at a temperature, in bits a symbol; rows that it cannot give are apart.

    `own` is what rows cost their writer: `bits` less `own` is how far it is from the source. `place` is that of the
    middle row, impossible ones counted as the most astray. `distance` is Kolmogorov and Smirnov's to rows of the
    source, `frequencies` the total variation between how frequent symbols are.
    """

    temperature: float
    bits: float
    error: float
    own: float
    place: str
    shares: dict[str, float]
    impossible: float
    distance: float
    repeated: float
    frequencies: float


class Sweep(NamedTuple):
    """The regimes of a model by temperature, the band, and the same figures of rows that the source itself drew."""

    band: Band
    truth: Regime
    regimes: tuple[Regime, ...]


def write(model: Any, alphabet: Alphabet, count: int, length: int, temperature: float, *key: str | int) -> Written:
    """Return rows that a causal model writes, each symbol drawn by the key; at temperature 0 it takes the likeliest."""
    import torch

    draws = uniforms((length, count), "write", *key)
    tokens = torch.tensor(alphabet.tokens)
    rows, bits = np.empty((count, length), dtype=np.int64), np.empty((count, length))
    last, cache = torch.full((count, 1), alphabet.start), None
    with torch.inference_mode():
        for at in range(length):
            found = model(input_ids=last, past_key_values=cache, use_cache=True)
            cache = found.past_key_values
            chances = heat(found.logits[:, -1, tokens].double().numpy(), temperature)
            rows[:, at] = choose(chances, draws[at])
            bits[:, at] = -np.log2(chances[np.arange(count), rows[:, at]])
            last = tokens[torch.tensor(rows[:, at])][:, None]
    return Written(rows, bits)


def heat(logits: Floats, temperature: float) -> Floats:
    """Return the chances that logits stand for at a temperature."""
    if temperature == 0:
        return np.asarray(np.eye(logits.shape[-1])[logits.argmax(-1)])
    raised = np.exp((logits - logits.max(-1, keepdims=True)) / temperature)
    return np.asarray(raised / raised.sum(-1, keepdims=True))


def sweep(source: Source, written: dict[float, Written], *key: str | int) -> Sweep:
    """Return the regime at each temperature that rows were written at."""
    count, length = next(iter(written.values())).rows.shape
    limits, _ = typical(source, length, *key)
    drawn = source.sample(count, length, "truth", *key)
    costs = source.surprisal(drawn)
    truth = _regime(source, 1.0, Written(drawn, costs), limits, costs.mean(1))
    regimes = (_regime(source, heat, found, limits, costs.mean(1)) for heat, found in written.items())
    return Sweep(limits, truth, tuple(regimes))


def _regime(source: Source, temperature: float, written: Written, limits: Band, truth: Floats) -> Regime:
    costs = source.surprisal(written.rows).mean(1)
    possible = np.isfinite(costs)
    means = costs[possible]
    places = [limits.place(mean) for mean in means]
    return Regime(
        temperature,
        bits=float(means.mean()) if len(means) else math.inf,
        error=float(means.std(ddof=1) / math.sqrt(len(means))) if len(means) > 1 else 0.0,
        own=float(written.bits[possible].mean()) if len(means) else math.inf,
        place=limits.place(float(np.sort(costs)[len(costs) // 2])),
        shares={place: places.count(place) / max(1, len(places)) for place in PLACES},
        impossible=float((~possible).mean()),
        distance=_distance(means, truth),
        repeated=_repeated(written.rows),
        frequencies=_frequencies(source, written.rows),
    )


def _distance(one: Floats, other: Floats) -> float:
    """Return the greatest gap between two samples' distribution functions."""
    if not len(one):
        return 1.0
    at = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(each), at, side="right") / len(each) for each in (one, other)]
    return float(abs(below[0] - below[1]).max())


def _repeated(rows: Ints) -> float:
    """Return the share of pieces of a row that stood in it before; 0 where a row is no piece long."""
    if rows.shape[1] < GRAM:
        return 0.0
    seen = [len({tuple(row[at : at + GRAM]) for at in range(len(row) - GRAM + 1)}) for row in rows.tolist()]
    return float(1 - np.mean(seen) / (rows.shape[1] - GRAM + 1))


def _frequencies(source: Source, rows: Ints) -> float:
    """Return the distance in total variation between symbols' shares in rows and in rows of the source."""
    shares = [
        np.bincount(each.ravel(), minlength=source.symbols) / each.size
        for each in (rows, source.sample(*rows.shape, "shares"))
    ]
    return float(abs(shares[0] - shares[1]).sum() / 2)
