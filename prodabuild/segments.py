"""Words of any script, in the form that they are compared in: canonically composed (NFC) and without case.

A word is a run of letters and digits with the marks that belong to them, as in UAX 29; unlike there, an apostrophe or
a point ends a word, as it does in plain text. Scripts without spaces have no words that rules could find: there each
character (with its marks) is one, Katakana aside, whose runs are words.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

_IGNORED = dict.fromkeys(map(ord, "\u00ad\u200e\u200f\u2060\ufeff"))  # soft hyphen, marks of direction, joiners
_MARKS = r"[\p{M}\u200c\u200d]*"
_IDEOGRAPH = r"\p{Script=Han}"
_LETTER = r"[\p{Script=Hiragana}\p{Line_Break=Complex_Context}]"  # of a script without spaces: Thai, Lao, Khmer, ...
_KANA = r"\p{Word_Break=Katakana}"


def fold(text: str) -> str:
    """Return a text as it is compared: without case, in NFC, without characters that do not show."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text.translate(_IGNORED)).casefold())


def split(folded: str, underscore: bool = True, whole: bool = False) -> list[str]:
    """Return the words of a folded text; `underscore` is part of words, `whole` keeps runs without spaces in one."""
    words: list[str] = _words(underscore, whole).findall(folded)
    return words


def graphemes(text: str) -> list[str]:
    """Return what readers take for the letters of a text: each with its marks."""
    found: list[str] = _pattern(r"\X").findall(text)
    return found


def is_ideograph(word: str) -> bool:
    """Tell whether a word is a character that means something by itself (Han)."""
    return not word.isascii() and _pattern(_IDEOGRAPH).match(word) is not None


def is_letter(word: str) -> bool:
    """Tell whether a word is but a letter of a script without spaces: several of them make a word."""
    return not word.isascii() and _pattern(_LETTER).match(word) is not None


@lru_cache(maxsize=8)
def _words(underscore: bool, whole: bool) -> regex.Pattern[str]:
    own = r"[\p{L}\p{N}_]" if underscore else r"[\p{L}\p{N}]"
    many = "+" if whole else ""
    alone = f"(?:(?:{_IDEOGRAPH}|{_LETTER}){_MARKS}){many}"
    return _pattern(f"{alone}|(?:{_KANA}{_MARKS})+|(?:(?!{_IDEOGRAPH}|{_LETTER}|{_KANA}){own}{_MARKS})+")


@lru_cache(maxsize=16)
def _pattern(text: str) -> regex.Pattern[str]:
    import regex  # 20 ms, for texts that are not ASCII alone

    return regex.compile(text)
