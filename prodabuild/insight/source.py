"""What a source is: a process that draws rows of symbols, and that knows how likely each symbol was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prodabuild.insight.entropy import Rate, band

if TYPE_CHECKING:
    from prodabuild.insight.draws import Floats, Ints
    from prodabuild.insight.entropy import Band


class Source(Protocol):
    """A process over the symbols 0, 1, ... that is known in full; all figures are in bits a symbol."""

    @property
    def symbols(self) -> int:
        """Return how many symbols there are."""

    @property
    def rate(self) -> Rate:
        """Return the entropy rate."""

    @property
    def varentropy(self) -> float | None:
        """Return how the variance of summed surprisal grows with each symbol; None where no formula is known."""

    def opening(self, length: int) -> float | None:
        """Return the bits that all symbols of a row cost above the rate, since its past is not seen; None likewise."""

    def floors(self) -> dict[str, float]:
        """Return what the best predictors reach that see less than the whole past, by name, the blindest first."""

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return rows of symbols that the key alone determines."""

    def surprisal(self, rows: Ints) -> Floats:
        """Return -log2 of each symbol's chance after those before it in its row."""


def typical(source: Source, length: int, *key: str | int, count: int = 400) -> tuple[Band, float]:
    """Return the band of the mean surprisal of 95 % of a source's rows, and the variance of summed surprisal a symbol.

    Both are exact but for the central limit theorem where the source has formulas, else taken from as many samples.
    """
    variance, opening = source.varentropy, source.opening(length)
    if variance is not None and opening is not None:
        middle = source.rate.value + opening / length
    else:
        means = source.surprisal(source.sample(count, length, "spread", *key)).mean(1)
        middle, variance = float(means.mean()), float(means.var(ddof=1) * length)
    return band(Rate(middle, middle), variance, length), variance
