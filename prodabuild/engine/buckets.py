"""Extendible-hash layout: the keys of a group fall into buckets by the leading bits of their hash.

A bucket that holds more than `size` keys is split in two and nothing else moves; two halves that fit into
one again are joined. The layout is a pure function of the set of keys: it has no history.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BITS = 32
WHOLE = "all"


def layout(hashes: Sequence[int], size: int) -> list[str]:
    """Return the bit prefixes of the buckets that hold keys; `hashes` sorted ascending, 32 bits each."""
    return list(_leaves(hashes, size, "", 0, len(hashes)))


def _leaves(hashes: Sequence[int], size: int, prefix: str, start: int, end: int) -> Iterator[str]:
    if end - start <= size or len(prefix) == BITS:
        if end > start:
            yield prefix
        return
    middle = bisect_left(hashes, bounds(prefix + "1")[0], start, end)
    yield from _leaves(hashes, size, prefix + "0", start, middle)
    yield from _leaves(hashes, size, prefix + "1", middle, end)


def bounds(prefix: str) -> tuple[int, int]:
    """Return the smallest and largest hash that begin with the prefix."""
    free = BITS - len(prefix)
    low = int(prefix or "0", 2) << free
    return low, low + (1 << free) - 1


def bucket_of(hashed: int, prefixes: Sequence[str]) -> str | None:
    """Return which of the sorted prefixes a hash falls under, or None."""
    bits = f"{hashed:0{BITS}b}"
    at = bisect_right(prefixes, bits) - 1
    return prefixes[at] if at >= 0 and bits.startswith(prefixes[at]) else None


def unit_name(group: str, prefix: str) -> str:
    """Name a bucket as a unit: `shard:chemistry/0110`."""
    return f"{group}/{prefix or WHOLE}"


def prefix_of(unit: str) -> tuple[str, str]:
    """Return group and bit prefix of a bucket's unit name."""
    group, _, prefix = unit.rpartition("/")
    return group, "" if prefix == WHOLE else prefix
