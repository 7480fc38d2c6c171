"""How sure figures are: intervals, paired tests, corrections. Plain functions of counts, exact where that is cheap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Z = 1.959963984540054  # two-sided 95 %


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


class Paired(NamedTuple):
    """One model against another on the same items: on how many it is right where the other is wrong, and so on.

    `p` is McNemar's exact p-value. The interval is that of the difference in accuracy.
    """

    n: int
    better: int
    worse: int
    difference: float
    interval: Interval
    p: float


def wilson(correct: int, n: int) -> Interval:
    """Return Wilson's score interval of a proportion: it keeps to [0, 1], and is right for few items, too."""
    if n == 0:
        return Interval(0.0, 1.0)
    share, square = correct / n, Z * Z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low = 0.0 if correct == 0 else centre - half
    return Interval(low, 1.0 if correct == n else centre + half)


def calibrated(acc: float, chance: float) -> float:
    """Return how far above chance an accuracy is: 0 is guessing, 1 is all right, below 0 is worse than guessing."""
    return (acc - chance) / (1 - chance) if chance < 1 else 0.0


def compare(now: Sequence[bool], before: Sequence[bool]) -> Paired:
    """Compare what two models got right, item by item."""
    better = sum(one and not other for one, other in zip(now, before, strict=True))
    worse = sum(other and not one for one, other in zip(now, before, strict=True))
    n = len(now)
    interval = difference_interval(better, worse, n)
    return Paired(n, better, worse, (better - worse) / n if n else 0.0, interval, mcnemar(better, worse))


def unpaired(now: float, before: float, n_now: int, n_before: int) -> tuple[float, Interval, float]:
    """Return the difference of two accuracies that were not measured on the same items, its interval and its p-value.

    Normal approximations, the p-value from the pooled share. Where the items are the same, `compare` sees more.
    """
    difference = now - before
    if not n_now or not n_before:
        return difference, Interval(-1.0, 1.0), 1.0
    half = Z * math.sqrt(now * (1 - now) / n_now + before * (1 - before) / n_before)
    share = (now * n_now + before * n_before) / (n_now + n_before)
    error = math.sqrt(share * (1 - share) * (1 / n_now + 1 / n_before))
    p = math.erfc(abs(difference) / error / math.sqrt(2)) if error else 1.0
    return difference, Interval(max(-1.0, difference - half), min(1.0, difference + half)), p


def mcnemar(better: int, worse: int) -> float:
    """Return the exact two-sided p-value of McNemar's test: a fair coin for each item that only one model got right."""
    trials = better + worse
    tail, ways = 0, 1
    for count in range(min(better, worse) + 1):
        tail += ways
        ways = ways * (trials - count) // (count + 1)
    return min(1.0, 2 * tail / (1 << trials))


def difference_interval(better: int, worse: int, n: int) -> Interval:
    """Return the paired bootstrap's percentile interval of the difference in accuracy.

    Items are drawn anew with replacement, n of n; better less worse is then a walk of n steps of +1, 0 or -1, whose
    distribution is computed instead of sampled: the answer of infinitely many draws, without a seed.
    """
    if n == 0:
        return Interval(-1.0, 1.0)
    if max(better, worse, n - better - worse) == n:
        return Interval((better - worse) / n, (better - worse) / n)
    masses = _walk(better / n, worse / n, n)
    return Interval(_quantile(masses, 0.025) / n, -_quantile(masses[::-1], 0.025) / n)


def _quantile(masses: Sequence[float], share: float) -> int:
    """Return the least value, of those from -n to n, at or below which a share of the mass lies."""
    middle, total = len(masses) // 2, math.fsum(masses)
    below = 0.0
    for position, mass in enumerate(masses):
        below += mass
        if below >= share * total:
            return position - middle
    return middle


def _walk(up: float, down: float, n: int) -> list[float]:
    """Return the masses of -n to n after n steps, up to a factor.

    They are the coefficients of (down + stay z + up z²) to the power n. Up to the middle one, each follows from the two
    before it without a subtraction; above it they are those of the mirrored walk.
    """
    low, high = _half(up, down, n), _half(down, up, n)
    peak = max(*low, *high)
    return [math.exp(value - peak) for value in [*low, *high[-2::-1]]]


def _half(up: float, down: float, n: int) -> list[float]:
    """Return the logarithms of the masses of -n to 0."""
    stay = max(0.0, 1 - up - down)
    if down == 0:
        return [-math.inf] * n + [n * _log(stay)]
    logs = [n * math.log(down), _log(n * stay) + (n - 1) * math.log(down)]
    for k in range(1, n):
        one, other = _log((n - k) * stay) + logs[k], _log((2 * n - k + 1) * up) + logs[k - 1]
        logs.append(_log_sum(one, other) - math.log((k + 1) * down))
    return logs


def _log(value: float) -> float:
    return math.log(value) if value > 1e-12 else -math.inf


def _log_sum(one: float, other: float) -> float:
    top = max(one, other)
    return top if top == -math.inf else top + math.log(math.exp(one - top) + math.exp(other - top))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for how many there are, by Holm's method: valid however the tests hang together."""
    order = sorted(range(len(p_values)), key=lambda position: p_values[position])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, position in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = highest
    return corrected
