"""Replay: what a round trains on is what its patches touch, and samples of the rest, so that repair does not forget.

The rest is drawn evenly: each discipline and recipe gives its share. A sample's place in the draw hangs on its own id,
so that an edit elsewhere leaves most of the draw as it is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import seeded
from prodabuild.knowledge.patches import PATCHES, records_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prodabuild.engine.view import View

Row = dict[str, Any]  # of a shard


class Round(NamedTuple):
    """The samples of a round, in the order of the dataset: how many a patch touches, how many are replayed."""

    rows: list[Row]
    patched: int
    replayed: int


def touched(view: View) -> set[str]:
    """Return the records that patches are about; of a chain that is emphasised, its links."""
    named = {node for patch in view.posting(PATCHES) for node in records_named(view.read(patch, "ops"))}
    return named | {step for node in named for step in view.read(node, "steps") or ()}


def make_round(rows: Iterable[Row], nodes: set[str], ratio: float, seed: int) -> Round:
    """Return the samples about any of the nodes, and `ratio` times as many of the others (at most all)."""
    everything = list(rows)
    patched = {row["id"] for row in everything if not nodes.isdisjoint(row["nodes"])}
    others = [row for row in everything if row["id"] not in patched]
    replayed = _draw(others, min(len(others), round(ratio * len(patched))), seed)
    return Round([row for row in everything if row["id"] in patched | replayed], len(patched), len(replayed))


def _draw(rows: Sequence[Row], number: int, seed: int) -> set[str]:
    strata: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        strata[row["discipline"], row["recipe"]].append(row["id"])
    quota = shares({stratum: len(ids) for stratum, ids in strata.items()}, number)
    return {
        identity
        for stratum, ids in strata.items()
        for identity in sorted(ids, key=lambda identity: (seeded(seed, "replay", identity), identity))[: quota[stratum]]
    }


def shares(sizes: Mapping[tuple[str, str], int], number: int) -> dict[tuple[str, str], int]:
    """Return how many of a number each stratum gives, in proportion to its size; largest remainders round up."""
    total = sum(sizes.values())
    whole = {stratum: number * size // total for stratum, size in sizes.items()}
    left = number - sum(whole.values())
    by_remainder = sorted(sizes, key=lambda stratum: (-(number * sizes[stratum] % total), stratum))
    return whole | {stratum: whole[stratum] + 1 for stratum in by_remainder[:left]}
