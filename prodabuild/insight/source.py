"""What a source is: a process that draws rows of symbols, and that knows how likely each symbol was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prodabuild.insight.draws import Floats, Ints
    from prodabuild.insight.entropy import Rate


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

    def floors(self) -> dict[str, float]:
        """Return what the best predictors reach that see less than the whole past, by name, the blindest first."""

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return rows of symbols that the key alone determines."""

    def surprisal(self, rows: Ints) -> Floats:
        """Return -log2 of each symbol's chance after those before it in its row."""


def spread(source: Source, *key: str | int, count: int = 200, length: int = 128) -> float:
    """Return the varentropy, estimated from samples where there is no formula."""
    known = source.varentropy
    if known is not None:
        return known
    means = source.surprisal(source.sample(count, length, "spread", *key)).mean(1)
    return float(means.var(ddof=1) * length)
