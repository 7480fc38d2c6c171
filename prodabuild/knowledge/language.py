"""Sentences about concepts: articles, agreement, and the marks of predicate templates."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prodabuild.knowledge.records import Noun

_SILENT_H = re.compile(r"heir|honest|honou?r|hors\b|hour")
_LIKE_YOU = re.compile(  # begins as `you` or `one` do
    r"eu|ew|u[bcfhjkqrst][aeiouy]|ugand|uig|ukr|unanim|unar|unesco|uyg|usu|oui|one(ness|self)?\b|once\b"
    r"|uni([cfloqstvx]|ax|modal|par|polar|pot|dir|gram|$)"
)
_NUMBER = re.compile(r"8|1[18](\d\d|\d{3})?(?!\d)")  # eight, eleven, eighteen: `an 1861 map`, `an 11,000-mile trip`
_LETTER = re.compile(r"[A-Za-z](?=[^A-Za-z]|$)|[a-z](?=[A-Z])")  # a letter by itself: `x-axis`, `T cell`, `mRNA`
_ROMAN = re.compile(r"[XLVI]{2,}(?=[^A-Za-z]|$)")  # read as numbers: `a XIV`
_CAPITALS = re.compile(r"[A-Z]{2,5}(?![A-Z])")
_VOWELS = frozenset("aeiou")
_NAMED_WITH_VOWEL = frozenset("aefhilmnorsx")  # letters, by their names
_GREEK_VOWELS = frozenset("αεηιουωΑΕΗΙΟΥΩ")  # alpha, epsilon, eta, iota, omicron, upsilon, omega
# short capitals that are read as a word, though they begin with a letter whose name begins with a vowel; of four and
# more letters, those with a vowel in second place (NASA, LASER) are read as words and the others are not
_WORDS = frozenset((
    "FAT", "FET", "FLOPS", "HUD", "LAN", "LEM", "LOX", "MAC", "MAN", "NAS", "NOR", "RAD", "RAID", "RAM", "REM", "ROM",
    "SAM", "SAN", "SCSI", "SCUBA", "SIM", "SPAM", "SQUID", "STEM", "SWAT",
))  # fmt: skip
_SPELT = frozenset(("NAACP", "NIMH", "SAAB"))
_FIXED = re.compile(r"[a-z]+[A-Z]")  # pH, mRNA, eBay
_UNDECOMPOSED = str.maketrans("ØøÆæŒœ", "OoAaOo")
_MARK = re.compile(r"\{(a )?(subject|object)\}|\{(is|has|does)\}")
_VERBS = {"is": "are", "has": "have", "does": "do"}


class Name(NamedTuple):
    """A concept's name and how it behaves in a sentence."""

    text: str
    noun: Noun = "count"


@lru_cache(maxsize=65536)
def article(text: str) -> str:
    """Return the indefinite article before a noun phrase: by its sound, not its letter."""
    word = text.lstrip("\"'([“‘«").split(" ", 1)[0]
    if not word.isascii():
        if word[0] in _GREEK_VOWELS:
            return "an"
        plain = unicodedata.normalize("NFD", word.translate(_UNDECOMPOSED))
        if word[0] > "\x7f" and plain[0].lower() in _VOWELS:  # éclair, Übermensch
            return "an"
        word = "".join(letter for letter in plain if letter.isascii())
    return "an" if _begins_with_vowel(word) else "a"


def _begins_with_vowel(word: str) -> bool:
    """Tell whether a word (ASCII) begins with the sound of a vowel."""
    if word[:1].isdigit():
        return _NUMBER.match(word) is not None
    if _LETTER.match(word):
        return word[0].lower() in _NAMED_WITH_VOWEL
    if roman := _ROMAN.match(word):
        return roman[0] in ("VIII", "XI", "XVIII")
    if (capitals := _CAPITALS.match(word)) and not _is_word(capitals[0]):
        return word[0].lower() in _NAMED_WITH_VOWEL
    lower = word.lower()
    if _SILENT_H.match(lower):
        return True
    if lower[:1] in ("x", "y"):  # Xmas, yttrium; not xenon, yeast
        return lower[1:2] not in _VOWELS | {"y"}
    return lower[:1] in _VOWELS and not _LIKE_YOU.match(lower)


def _is_word(capitals: str) -> bool:
    """Tell whether capitals are read as a word: RAM and NASA, not SUV and HVAC."""
    if capitals[0] == "U" or capitals in _SPELT:
        return False
    return capitals in _WORDS or (len(capitals) > 3 and capitals[1] in "AEIOU")


def with_article(name: Name) -> str:
    """Return `an acid` for a count noun; mass nouns, plurals and proper names take no article."""
    return f"{article(name.text)} {name.text}" if name.noun == "count" else name.text


def after(link: str, name: Name) -> str:
    """Return `a kind of lizard`, `part of a wheel`: a predicate's path and where it leads."""
    return f"{link} {name.text if link == 'a kind of' else with_article(name)}"


def sentence(template: str, subject: Name, target: Name, end: str = "", capitals: bool = True) -> str:
    """Fill a predicate's template and begin it with a capital (unless told not to); `end` is its last mark."""
    parts = []
    for text, mark in _parts(template):
        parts.append(text)
        if mark is None:
            continue
        if mark.verb:
            parts.append(_VERBS[mark.verb] if subject.noun == "plural" else mark.verb)
            continue
        name = subject if mark.role == "subject" else target
        if capitals and not "".join(parts):
            parts.append(capital(with_article(name)) if mark.article and name.noun == "count" else begin(name))
        else:
            parts.append(with_article(name) if mark.article else name.text)
    parts.append(end)
    text = "".join(parts)
    return capital(text) if capitals and parts[0] else text


class _Mark(NamedTuple):
    """A place in a template: a name (with its article or without), or a verb that agrees with the subject."""

    article: str | None
    role: str | None
    verb: str | None


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[str, _Mark | None], ...]:
    """Return a template's texts, each with the mark that follows it (None after the last)."""
    texts = _MARK.split(template)
    marks = [_Mark(*texts[at : at + 3]) for at in range(1, len(texts), 4)]
    return tuple(zip(texts[::4], [*marks, None], strict=True))


def begin(name: Name) -> str:
    """Return a name as a sentence begins with it: a proper name that has no capital keeps its case (`mdadm`)."""
    return name.text if name.noun == "proper" and name.text.islower() else capital(name.text)


def capital(text: str) -> str:
    """Return text with its first letter in upper case, unless its first word has a case of its own (`pH`, `mRNA`)."""
    return text if _FIXED.match(text) else text[:1].upper() + text[1:]
