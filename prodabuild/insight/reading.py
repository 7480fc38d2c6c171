"""What a causal model pays for rows of symbols, in bits, and how far that is above what the source allows."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from prodabuild.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prodabuild.insight.draws import Floats, Ints

    Forward = Callable[[Any], Any]  # token ids to logits, both torch tensors

TOKENS = 1024  # of one batch
IMPOSSIBLE = 3.0  # standard errors below the source: no model can be there


class Alphabet(NamedTuple):
    """The token that begins a row, and those that stand for the symbols."""

    start: int
    tokens: tuple[int, ...]


class Said(NamedTuple):
    """The bits of each symbol among the symbols alone, and the share of chance that fell on other tokens."""

    bits: Floats
    leaked: Floats


class Excess(NamedTuple):
    """The bits a symbol above the source, the standard error of that over rows, and how many rows there were."""

    mean: float
    error: float
    rows: int


def read(forward: Forward, alphabet: Alphabet, rows: Ints, device: str = "cpu") -> Said:
    """Return what a model says of rows, each begun anew."""
    import torch

    tokens = torch.tensor(alphabet.tokens, device=device)
    bits, leaked = np.empty(rows.shape), np.empty(rows.shape)
    with torch.inference_mode():
        for part in _parts(rows.shape):
            symbols = torch.tensor(rows[part], device=device)
            ids = torch.cat([torch.full_like(symbols[:, :1], alphabet.start), tokens[symbols[:, :-1]]], 1)
            logits = forward(ids).float()
            among = logits[..., tokens].double()
            mass = among.logsumexp(-1)
            own = among.gather(-1, symbols[..., None])[..., 0]
            bits[part] = ((mass - own) / math.log(2)).cpu().numpy()
            leaked[part] = (1 - (mass - logits.logsumexp(-1).double()).exp()).clamp(min=0).cpu().numpy()
    return Said(bits, leaked)


def excess_of(said: Floats, source: Floats) -> Excess:
    """Return how much more a model paid than the source asks, over rows; raises `ProjectError` where it paid less."""
    rows = (said - source).mean(1)
    if not np.isfinite(rows).all():
        raise ProjectError("what the model pays is no finite number", "its training has diverged")
    found = Excess(float(rows.mean()), float(rows.std(ddof=1) / math.sqrt(len(rows))), len(rows))
    if found.mean < -IMPOSSIBLE * found.error - 1e-9:
        raise ProjectError(
            f"the model pays {-found.mean:.4f} bits less a symbol than the source allows ({found.error:.4f} s.e.)",
            "it has seen the rows, or the rows are not of this source: the figures mean nothing",
        )
    return found


def windows(length: int) -> list[slice]:
    """Return spans of places that double in length: 1, 2, 3-4, 5-8 and so on."""
    ends = [0, *(1 << power for power in range(length.bit_length()) if 1 << power < length), length]
    return [slice(begin, end) for begin, end in pairwise(ends)]


def forward_of(model: Any) -> Forward:
    """Return the way from tokens to logits of any causal model."""
    return lambda ids: model(input_ids=ids, use_cache=False).logits


def _parts(shape: Sequence[int]) -> Iterator[slice]:
    size = max(1, TOKENS // shape[1])
    return (slice(at, at + size) for at in range(0, shape[0], size))
