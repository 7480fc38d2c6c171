"""The power law in the tail of a spectrum: an exponent is worth no more than its fitter and its tail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from prodabuild.insight.changes import Array

FITTER = "ks"  # maximum likelihood above the xmin whose two-sided Kolmogorov-Smirnov distance is least
CANDIDATES = 10  # a tail has more points than this
ENOUGH = 50  # points that a tail needs for its exponent to be told
FLAT = 1e-6  # values whose logarithms lie closer together than this are one value: no law has such a tail
LOST = 1e-14  # of the largest value: below it stands what rounding left of a zero


class Tail(NamedTuple):
    """A tail `p(x) ~ x^-alpha` above `xmin`. `alpha` and `error` are None where it has too few points to be told."""

    fitter: str
    alpha: float | None
    error: float | None
    xmin: float
    points: int
    distance: float


def likeliest(values: Array, xmin: float) -> tuple[float, int]:
    """Return the exponent of greatest likelihood above a known `xmin`, and the number of points there."""
    tail = values[values >= xmin]
    return 1 + len(tail) / float(np.log(tail / xmin).sum()), len(tail)


def hill(values: Array, points: int) -> float:
    """Return Hill's exponent from the largest points: no search, and another scale than that of a search."""
    ordered = np.sort(values)[::-1]
    return 1 + points / float(np.log(ordered[:points] / ordered[points]).sum())


def fit_tail(values: Array, enough: int = ENOUGH) -> Tail | None:
    """Return the tail whose law fits best; None where there are too few values for any candidate."""
    ordered = np.sort(np.asarray(values, np.float64))
    ordered = ordered[ordered > LOST * ordered[-1]] if len(ordered) else ordered
    logs = np.log(ordered)
    sums = np.cumsum(logs[::-1])[::-1]
    best: tuple[float, float, int] | None = None
    for start in range(len(ordered) - CANDIDATES):
        points = len(ordered) - start
        excess = float(sums[start] - points * logs[start])
        if excess <= FLAT * points:
            continue
        alpha = 1 + points / excess
        distance = _distance(logs[start:] - logs[start], alpha)
        if best is None or distance < best[0]:
            best = distance, alpha, start
    if best is None:
        return None
    distance, alpha, start = best
    points = len(ordered) - start
    told = points >= enough
    error = (alpha - 1) / points**0.5
    return Tail(FITTER, alpha if told else None, error if told else None, float(ordered[start]), points, distance)


def _distance(logs: Array, alpha: float) -> float:
    """Return the largest distance between a law and the steps of the empirical distribution, on both their sides."""
    law = -np.expm1((1 - alpha) * logs)
    steps = np.arange(len(logs) + 1) / len(logs)
    return float(max(np.abs(law - steps[:-1]).max(), np.abs(law - steps[1:]).max()))
