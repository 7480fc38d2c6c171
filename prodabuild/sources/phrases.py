"""Predicates from words: which of them are built in, and how the others read and ask."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from prodabuild.problems import Problem
from prodabuild.sources.grammar import slug

# what vocabularies and people write -> the predicate that ships
_BUILT_IN = {
    "is_a": ("is a", "is an", "is a kind of", "kind of", "is a type of", "type of", "is a form of", "subclass of",
             "is a subclass of", "subtype of", "is a subtype of"),
    "instance_of": ("instance of", "is an instance of", "is an example of", "example of"),
    "part_of": ("part of", "is part of", "is a part of"),
    "has_part": ("has part", "has as part", "has as a part", "has a part"),
    "member_of": ("member of", "is member of", "is a member of"),
    "has_member": ("has member", "has as a member"),
    "substance_of": ("substance of", "is a substance of"),
    "has_substance": ("has substance",),
    "antonym_of": ("antonym of", "is the opposite of", "opposite of"),
}  # fmt: skip
NAMES = {phrase: name for name, phrases in _BUILT_IN.items() for phrase in phrases}
CODES = {"BFO 0000050": "part of", "BFO 0000051": "has part"}  # which ontologies use without naming them
_CODE = re.compile(r"[A-Za-z]* ?[0-9]+")
_MODAL = {"can", "could", "may", "might", "must", "shall", "should", "will", "would"}
_STATES = {"in", "on", "at", "by", "due", "from", "near", "adjacent", "similar", "equal", "within", "under", "above"}
# participles that describe a state; any other word in -ed is taken for a past tense
_PARTICIPLES = {
    "associated", "attached", "based", "called", "composed", "connected", "defined", "derived", "linked", "located",
    "named", "related", "situated", "surrounded", "used",
}  # fmt: skip
_ES = re.compile(r"(ss|x|z|ch|sh|o)es$")


class Phrase(NamedTuple):
    """A predicate made from words: its name, and its fields unless it is built in."""

    name: str
    fields: dict[str, Any] | None


def predicate_of(words: str) -> Phrase | None:
    """Return the predicate that a verb phrase states; None when it has no words."""
    text = " ".join(re.sub(r"[{}_:]+", " ", words).split()).rstrip(".")
    text = CODES.get(text.upper(), text)
    lower = text.lower()
    if lower in NAMES:
        return Phrase(NAMES[lower], None)
    name = slug(lower)
    return None if not name or _CODE.fullmatch(text) else Phrase(name, declare(text))


def no_words(relation: str, file: str) -> Problem:
    """Return the remark on a relation that a source uses and does not name."""
    return Problem("I010", f"the relation {relation} was left out: it has no name", file, severity="warning")


def with_logic(phrase: Phrase, transitive: bool = False, symmetric: bool = False) -> dict[str, Any]:
    """Return the fields of a predicate between all things of two kinds: what holds of a kind holds of its kinds."""
    fields: dict[str, Any] = dict(phrase.fields or {})
    if symmetric:
        return fields | {"inverse": phrase.name, "symmetric": True}
    compose = {"is_a": phrase.name} | ({phrase.name: phrase.name} if transitive else {})
    return fields | ({"transitive": True} if transitive else {}) | {"compose": compose}


def declare(phrase: str) -> dict[str, Any]:
    """Return the sentences of a predicate that reads `subject phrase object`."""
    first, _, rest = phrase.partition(" ")
    if first in ("is", "are"):
        return _sentences("{is}", "is", rest)
    if first in ("has", "have"):
        asked = f"have {rest}?" if not rest or " " in rest else f"have as {rest}?"
        return _fields(f"{{has}} {rest}", f"What {{does}} {{a subject}} {asked}", f"has {rest}")
    if first in _MODAL:
        return _fields(phrase, f"What {first} {{a subject}} {rest}?", phrase)
    if first in _STATES or first in _PARTICIPLES or (first.endswith("ed") and rest.startswith("by")):
        return _sentences("{is}", "is", phrase)
    if phrase.endswith(" of") and not _is_verb(first):
        return _sentences("{is}", "is", f"{'an' if first[0] in 'aeiou' else 'a'} {phrase}")
    if _is_verb(first):
        bare = " ".join(word for word in (_bare(first), rest) if word)
        return _fields(phrase, f"What {{does}} {{a subject}} {bare}?", phrase)
    return _fields(phrase, f"{{a subject}} {phrase} what?", phrase)


def _sentences(mark: str, verb: str, rest: str) -> dict[str, Any]:
    return _fields(f"{mark} {rest}", f"What {mark} {{a subject}} {rest}?", f"{verb} {rest}")


def _fields(verb: str, question: str, third: str) -> dict[str, Any]:
    verb, question, third = (" ".join(text.split()).replace(" ?", "?") for text in (verb, question, third))
    return {
        "forward": f"{{a subject}} {verb} {{a object}}",
        "question": question,
        "inverse_question": f"What {third} {{a object}}?",
        "path": f"something that {third}",
    }


def _is_verb(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _bare(verb: str) -> str:
    """Return the bare form of a verb in the third person: leads, passes, carries."""
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    return verb[:-2] if _ES.search(verb) else verb[:-1]
