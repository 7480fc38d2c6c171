"""Words of a text found wherever they stand one after the other, whatever spaces and line breaks are between them."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

_WORD = re.compile(r"\S+")


class _Joined(NamedTuple):
    """A text with one space between two words, and where each word begins: in it, and in the text."""

    text: str
    begins: list[int]
    starts: list[int]


def find_words(text: str, quote: str) -> tuple[int, int] | None:
    r"""Return where a quote begins and ends in a text: as it is written, else with other spaces between its words.

    None where it does not stand there. The time grows with the length of the two, whatever they say: an expression
    with `\s+` between the words would try each place anew.
    """
    at = text.find(quote)
    if at >= 0:
        return at, at + len(quote)
    joined, begins, starts = _join(text)
    wanted = " ".join(quote.split())
    found = joined.find(wanted)
    if found < 0:
        return None

    def back(index: int) -> int:
        number = bisect_right(begins, index) - 1
        return starts[number] + index - begins[number]

    return back(found), back(found + len(wanted) - 1) + 1


@lru_cache(maxsize=8)  # many quotes of one document are looked for one after the other
def _join(text: str) -> _Joined:
    words = text.split()
    begins = list(accumulate((len(word) + 1 for word in words), initial=0))
    return _Joined(" ".join(words), begins, [word.start() for word in _WORD.finditer(text)])
