"""Texts that are nearly the same: a join on the Jaccard similarity of their words and pairs of words.

Prefix filter (Chaudhuri and others, 2006): of two sets that share at least the share t of their union, both have
one of their rarest elements in common, those before position |x| - ceil(t |x|) + 1. Elements that no other text
has need no index; a text with more of them than t allows is like none, which is true of nearly all. Texts made by
filling in a form share even their rarest elements with thousands: of those, a text is compared with a few only.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST = 50  # texts that a text is compared with, those of the nearest size first; few have so many to compare with
PAIR = 32  # bits of a word's number; a pair of words is one number of two words


def similar_texts(texts: Mapping[str, Sequence[str]], least: float) -> Iterator[tuple[str, str]]:
    """Return each text with the one most like it among those looked at before, if at least `least` alike."""
    sets = _sets(texts)
    counts = Counter(gram for grams in sets.values() for gram in grams)
    candidates = []
    for key, grams in sets.items():
        shared = [gram for gram in grams if counts[gram] > 1]
        if shared and len(shared) >= least * len(grams):
            candidates.append((len(grams), key, sorted(shared, key=lambda gram: (counts[gram], gram))))
    index: dict[int, list[str]] = {}
    for size, key, shared in sorted(candidates):
        rarest = shared[: size - ceil(least * size - 1e-9) + 1 - (size - len(shared))]
        if found := _nearest(sets, key, _near(index, rarest), least):
            yield found, key
        for gram in rarest:
            index.setdefault(gram, []).append(key)


def _near(index: Mapping[int, list[str]], rarest: Sequence[int]) -> set[str]:
    """Return the texts that share one of these elements, rarest first, up to about `MOST`."""
    near: set[str] = set()
    for gram in rarest:
        near.update(index.get(gram, ())[len(near) - MOST :])
        if len(near) >= MOST:
            break
    return near


def _nearest(sets: Mapping[str, frozenset[int]], key: str, near: set[str], least: float) -> str | None:
    """Return the text that is most like this one, by id where two are equally like it."""
    grams = sets[key]
    alike = []
    for other in near:
        common = len(grams & sets[other])
        together = len(grams) + len(sets[other]) - common
        if common >= least * together:
            alike.append((-common / together, other))
    return min(alike)[1] if alike else None


def _sets(texts: Mapping[str, Sequence[str]]) -> dict[str, frozenset[int]]:
    """Return the words and the pairs of words of each text, as numbers."""
    numbers: dict[str, int] = {}
    sets = {}
    for key, words in texts.items():
        row = [numbers.setdefault(word, len(numbers) + 1) for word in words]
        sets[key] = frozenset(row).union([one << PAIR | two for one, two in pairwise(row)])
    return sets
