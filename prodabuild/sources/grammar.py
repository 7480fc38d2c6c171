"""How names and definitions of a vocabulary behave in a sentence, guessed from their words."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Noun = Literal["count", "mass", "plural", "proper"]
# WordNet's lexicographer files of nouns that mostly take no article
MASS = {"attribute", "feeling", "phenomenon", "process", "state", "substance"}
_ABSTRACT = re.compile(r"[a-z](ing|ism|ness|ity|ence|ance)$")  # of acts and thoughts: no article
_LINKING = frozenset(("of", "the", "and"))  # in proper names without a capital
_PLURAL = re.compile(r"[^aiosu'.]s$")
_NESS = re.compile(r"(?!.*\b(witness|harness|business|illness|wilderness)$).*[a-z]ness$")
_ISM = re.compile(r"(?!.*\b(\w*organism|mechanism|prism)$).*[a-z]ism$")
_UNCOUNTED = re.compile(
    r"(the )?(process|state|quality|property|condition|study|science|practice|ability|phenomenon|feeling|act)"
    r"( \w+ed)? (of|by|in|that|which|where)\b"
)
_OPENING = re.compile(
    r"(A|All|An|Any|Being|Both|Each|Every|For|Having|In|Of|On|One|Some|Someone|Something|That|The|These|This|Those|To"
    r"|Used|What|When|Where|Which|Who|With|Without)\b"
)


def noun_of(name: str, definition: str, lexname: str = "", individual: bool = False) -> Noun:
    """Return how a name behaves, by its words, its definition and (in WordNet) its lexicographer file."""
    if individual or _is_proper(name):
        return "proper"
    if is_plural(name) and re.search(r"\bplural\b|^(any|those|two|the) [a-z]+s\b", definition):
        return "plural"
    return behaviour(lexname, name) if lexname else _unclassified(name, definition)


def _is_proper(name: str) -> bool:
    """Tell whether a name is of several words with capitals, in any script that has them."""
    first, *others = name.split(" ")
    return bool(others) and first[:1].isupper() and all(word in _LINKING or word[:1].isupper() for word in others)


def is_plural(name: str) -> bool:
    """Tell whether a name looks like a plural."""
    return bool(_PLURAL.search(name))


def behaviour(lexname: str, name: str) -> Literal["mass", "count"]:
    """Return `mass` or `count` for a common noun, by the lexicographer file it stands in and its ending."""
    abstract = lexname in ("act", "cognition", "communication") and _ABSTRACT.search(name)
    return "mass" if lexname in MASS or abstract else "count"


def _unclassified(name: str, definition: str) -> Literal["mass", "count"]:
    mass = _NESS.fullmatch(name) or _ISM.fullmatch(name) or _UNCOUNTED.match(definition)
    return "mass" if mass else "count"


def tidy_definition(text: str) -> str:
    """Return a definition as a phrase that could follow `means`: one line, no capital article, no full stop."""
    line = " ".join(text.split()).removesuffix(".").strip()
    return line[:1].lower() + line[1:] if _OPENING.match(line) else line


def slug(text: str) -> str:
    """Return a text as a part of an id: lower case, without accents where that leaves ASCII, words joined by `_`."""
    marked = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in marked if not unicodedata.combining(letter))
    chosen = plain if plain.isascii() else unicodedata.normalize("NFKC", text.casefold())
    return "_".join("".join(letter if _in_word(letter) else " " for letter in chosen).split())


def _in_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter).startswith("M")
