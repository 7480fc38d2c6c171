"""What a ladder of probes is made of, where nothing else is asked for; and the units that hold what was found."""

from __future__ import annotations

from dataclasses import dataclass

PROBE, FOOTPRINT = "probe", "footprint"
PROBE_BASE = f"{PROBE}@base"  # apart from the model's: it stays as it is when only the model changes
LADDER = (
    "lag:symbols=4,lag=1", "lag:symbols=4,lag=2", "lag:symbols=4,lag=4", "lag:symbols=4,lag=8", "lag:symbols=4,lag=16",
    "markov:symbols=4,order=1,entropy=0.5", "markov:symbols=4,order=1,entropy=1.5",
    "markov:symbols=4,order=2,entropy=0.5", "markov:symbols=4,order=2,entropy=1.5",
    "fresh:symbols=2", "fresh:symbols=4", "fresh:symbols=8", "even", "brackets:kinds=2",
)  # fmt: skip


@dataclass(frozen=True)
class ProbeRequest:
    """Which sources are put before the models, on how many rows of which length, drawn by which seed."""

    sources: tuple[str, ...] = LADDER
    rows: int = 64
    length: int = 128
    seed: int = 1
