"""Random numbers of probes: raw bits of Philox by key, so that neither numpy's version nor its methods matter."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from prodabuild.digest import seeded

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def uniforms(shape: tuple[int, ...], *key: str | int) -> Floats:
    """Return numbers in [0, 1) that the key alone determines."""
    bits = np.random.Philox(key=seeded(*key)).random_raw(math.prod(shape))
    return (np.asarray(bits, dtype=np.uint64) >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53


def dirichlet(shape: tuple[int, ...], twice: int, *key: str | int) -> Floats:
    """Return distributions along the last axis, drawn from a Dirichlet whose parameters are all half of `twice`.

    A gamma variate of that parameter is half the sum of so many squares of normal variates (Box and Muller's).
    """
    radius = -np.log1p(-uniforms((*shape, twice), *key, "radius"))
    angle = np.cos(2 * math.pi * uniforms((*shape, twice), *key, "angle"))
    weights = (radius * angle * angle).sum(-1) + np.finfo(np.float64).tiny
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def choose(chances: Floats, draws: Floats) -> Ints:
    """Return one index a row of distributions; none whose chance is 0."""
    heights = chances.cumsum(-1)
    found: Ints = (draws[..., None] >= heights / heights[..., -1:]).sum(-1)
    return found
