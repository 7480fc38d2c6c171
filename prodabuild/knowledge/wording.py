"""Words of names and definitions, without what makes no difference: case, punctuation, an article in front."""

from __future__ import annotations

import re

from prodabuild.segments import fold, split

NAME_WORDS = 5  # a definition of more words, its article aside, is not taken for the name of another concept
ARTICLE = 5  # letters that an article and a space add to a name at most: `some `
_WORD = re.compile(r"[^\W_]+")
_ARTICLES = frozenset(("a", "an", "the", "some", "any"))
_QUALIFIER = re.compile(r"(?<!\s)\s*\([^()]*\)$")


def words_of(text: str, whole: bool = True) -> list[str]:
    """Return the words of a text without case; what has no spaces is one word where it is wanted `whole`."""
    if not text.isascii():
        return split(fold(text), underscore=False, whole=whole)
    lower = text.lower()
    words = lower.split()
    return words if "".join(words).isalpha() else _WORD.findall(lower)  # most have no marks; splitting is quicker


def bare(text: str) -> str:
    """Return a text's words without an article in front; a text without words in lower case."""
    words = words_of(text) or fold(text).split()
    if len(words) > 1 and words[0] in _ARTICLES and text.split(None, 1)[0].casefold() == words[0]:  # not `A-list`
        del words[0]
    return " ".join(words)


def may_be_name(definition: str, name: str) -> bool:
    """Tell whether a definition may be nothing but this name, or that of another concept: most are too long."""
    return definition.count(" ") <= NAME_WORDS or len(definition) <= len(name) + ARTICLE


def meaning(definition: str) -> str | None:
    """Return a definition in its bare words, if they are few enough to be the name of another concept."""
    if definition.count(" ") > NAME_WORDS:
        return None
    text = bare(definition)
    return text if text.count(" ") < NAME_WORDS else None


def unqualified(name: str) -> str:
    """Return a name without what tells it from its namesakes: `star (celestial body)` is called `star`."""
    return _QUALIFIER.sub("", name) if name.endswith(")") else name


def labels(name: str, aliases: list[str]) -> set[str]:
    """Return what a concept is called, in bare words."""
    own = {bare(name)} if not name.endswith(")") else {bare(name), bare(unqualified(name))}
    return own.union(map(bare, aliases)) if aliases else own
