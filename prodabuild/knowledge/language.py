"""Sentences about concepts: articles, agreement, and the marks of predicate templates."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prodabuild.knowledge.records import Noun

_SILENT_H = ("heir", "honest", "honor", "honour", "hour")
_LIKE_YOU = re.compile(
    r"(?i)(eu|ew|u[bcfhjkqrst][aeiouy]|uni([cfloqstvx]|modal|polar|dir|$)|unanim|usu|one\b|one-|once\b)"
)
_SPELT = re.compile(r"[A-Z]([A-Z0-9]*\b|[-.])")
_ACRONYM = re.compile(r"(?!HIV|SOS|UFO)[A-Z][AEIOU][A-Z]+\b")  # read as a word: RAM, not R-A-M
_MARK = re.compile(r"\{(a )?(subject|object)\}|\{(is|has|does)\}")
_VERBS = {"is": "are", "has": "have", "does": "do"}


class Name(NamedTuple):
    """A concept's name and how it behaves in a sentence."""

    text: str
    noun: Noun = "count"


@lru_cache(maxsize=65536)
def article(text: str) -> str:
    """Return the indefinite article before a noun phrase: by its sound, not its letter."""
    word = text.split(" ", 1)[0]
    if word[:1].isdigit():
        return "an" if re.match(r"8|1[18]([^0-9]|$)", word) else "a"
    if _SPELT.match(word) and not _ACRONYM.match(word):
        return "an" if word[0] in "AEFHILMNORSX" else "a"
    if word.lower().startswith(_SILENT_H):
        return "an"
    if _LIKE_YOU.match(word):
        return "a"
    return "an" if word[:1].lower() in "aeiou" else "a"


def with_article(name: Name) -> str:
    """Return `an acid` for a count noun; mass nouns, plurals and proper names take no article."""
    return f"{article(name.text)} {name.text}" if name.noun == "count" else name.text


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
        parts.append(with_article(name) if mark.article else name.text)
    parts.append(end)
    text = "".join(parts)
    return capital(text) if capitals else text


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


def capital(text: str) -> str:
    """Return text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
