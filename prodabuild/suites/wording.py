"""Texts as words, and when two of them are too alike: 13 words in a row, or nearly all of their words.

Words are compared as bags (the second `of` of a text is a word of its own), in any order.
"""

from __future__ import annotations

import re
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = 13  # words in a row
NEAR = 0.8  # Jaccard index of two bags of words
_WORD = re.compile(r"\w+")
_SPACES = {code: " " for code in range(128) if not _WORD.match(chr(code))}


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    lower = text.lower()
    return lower.translate(_SPACES).split() if lower.isascii() else _WORD.findall(lower)


def runs(text: list[str]) -> Iterator[list[str]]:
    """Return every 13 words in a row."""
    return (text[end - RUN : end] for end in range(RUN, len(text) + 1))


def bag(text: list[str]) -> set[str]:
    """Return words as a set in which a word that comes again is another one."""
    found = set(text)
    if len(found) < len(text):
        times = Counter(text)
        found.update(f"{word} {number}" for word in tuple(found) for number in range(2, times[word] + 1))
    return found


def spare(size: int) -> int:
    """Return how many words of a bag may be missing from another that is near to it."""
    return size - ceil(NEAR * size)
