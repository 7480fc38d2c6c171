"""Which side of the tests a chain is on: dev (may drive repair) or sealed (score only). Its id alone decides."""

from __future__ import annotations

from prodabuild.digest import seeded

SPLITS = ("dev", "sealed")


def share(purpose: str, chain: str) -> float:
    """Return a number in [0, 1) that is a property of a chain's id alone, so that what hangs on it never moves."""
    return seeded(purpose, chain) / 2**64


def split_of(chain: str, sealed: float) -> str:
    """Return the split that a chain's item belongs to, for ever."""
    return "sealed" if share("split", chain) < sealed else "dev"
