"""Texts as words, and when two of them are too alike: 13 words in a row, or nearly all of their words.

Words are compared as bags (the second `of` of a text is a word of its own), in any order. Where a script has no
spaces, characters are the words: an ideograph counts as one, three letters of the others as much as one.
"""

from __future__ import annotations

import re
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING

from prodabuild.segments import fold, is_letter, split

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = 13  # words in a row
LETTERS = 3  # of a script without spaces make a word: the word for `fish` has as many in Thai, Lao and Khmer
NEAR = 0.8  # Jaccard index of two bags of words
_SPACES = {code: " " for code in range(128) if not re.match(r"\w", chr(code))}


def words(text: str) -> list[str]:
    """Return the words of a text in the form that they are compared in."""
    return text.lower().translate(_SPACES).split() if text.isascii() else split(fold(text))


def runs(text: list[str]) -> Iterator[list[str]]:
    """Return every 13 words in a row; of letters that are words by themselves, as many as weigh as much."""
    if not any(map(is_letter, text)):
        yield from (text[end - RUN : end] for end in range(RUN, len(text) + 1))
        return
    weights = [1 if is_letter(word) else LETTERS for word in text]
    start, weight = 0, 0
    for end, own in enumerate(weights, 1):
        weight += own
        while weight - weights[start] >= RUN * LETTERS:
            weight -= weights[start]
            start += 1
        if weight >= RUN * LETTERS:
            yield text[start:end]


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
