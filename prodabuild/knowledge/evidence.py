"""What speaks for a claim that nobody stated: a claim is called false only where nothing in the knowledge does.

Something speaks for an other being true of a concept where

- a transitive predicate leads from the concept to it, or both have a name in common, or it has one in common with
  what is above the concept;
- the definition of the concept, or of what is above it, says that it is one: its genus has one of its names in it, in
  singular or plural, or (that of the concept) the head noun of one: `a particle that ...` may be an elementary one;
- its own definition takes in all of a kind that the concept is of: `any particle that ...`.

Of definitions the genus alone is read: an edit of what sets a concept apart makes no sample of others anew.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from prodabuild.knowledge.wording import unqualified, words_of
from prodabuild.segments import is_ideograph, is_letter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prodabuild.knowledge.reading import Knowledge

    Words = tuple[str, ...]
    ByLast = dict[str, list[tuple[Words, str]]]  # last of some words -> those words, and the concept they are of

_IRREGULAR = {"children": "child", "feet": "foot", "teeth": "tooth", "mice": "mouse", "geese": "goose"}
_ENDINGS = (
    (re.compile(r"(?<=..)ies$"), "y"),
    (re.compile(r"(?<=ss|ch|sh)es$|(?<=[xz])es$"), ""),
    (re.compile(r"(?<=..)men$"), "man"),
    (re.compile(r"(?<=...)ae$"), "a"),
    (re.compile(r"(?<=[^ius'])s$"), ""),
)
_PREPOSITIONS = frozenset(("at", "by", "for", "from", "in", "of", "on", "to", "with"))


class Evidence:
    """What speaks for any of some concepts (`others`) being true of another concept."""

    def __init__(self, knowledge: Knowledge, others: Iterable[str]) -> None:
        self._knowledge = knowledge
        self._others = frozenset(others)
        self._heads: ByLast = {}
        self._labels: ByLast = {}
        self._open: dict[str, set[str]] = {}  # word -> others whose definition takes in any of that kind
        for other in self._others:
            proper = knowledge.name(other).noun == "proper"
            for label in knowledge.labels(other):
                head = label if proper else head_of(label)
                self._heads.setdefault(head[-1], []).append((head, other))
                self._labels.setdefault(label[-1], []).append((label, other))
            genus = knowledge.genus(other)
            if genus[:1] == ("any",) and genus[1:2] != ("of",):
                for word in genus[1:]:
                    self._open.setdefault(word, set()).add(other)
        self._about: dict[str, frozenset[str]] = {}
        self._kinds: dict[str, frozenset[str]] = {}

    def about(self, concept: str) -> frozenset[str]:
        """Return the others that something says, or may mean, are true of a concept."""
        found = self._about.get(concept)
        if found is None:
            found = self._about[concept] = frozenset(self._find(concept))
        return found

    def named(self, concept: str) -> set[str]:
        """Return the others that a name of a concept may stand for, too."""
        labels = self._knowledge.labels(concept)
        return {other for label in labels for own, other in self._labels.get(label[-1], ()) if own == label}

    def _find(self, concept: str) -> set[str]:
        knowledge = self._knowledge
        above = knowledge.above(concept)
        genus = knowledge.genus(concept)
        found = {*_within(genus, self._labels), *self.named(concept)}
        found |= self._others & above
        found.update(*map(self._of_kind, above))
        if not found.issuperset(_within(genus, self._heads)):  # what is said to be a power drill may be no hand drill
            stated = [label for each in above for label in knowledge.labels(each) if len(label) > 1]
            found.update(_within(_without(genus, stated), self._heads))
        if self._open:
            words = (*genus, *(word for label in knowledge.labels(concept) for word in label))
            found.update(*(self._open[word] for word in words if word in self._open))
        return found

    def _of_kind(self, kind: str) -> frozenset[str]:
        """Return the others that share a name with a kind, or that its definition says it is one of."""
        found = self._kinds.get(kind)
        if found is None:
            genus = self._knowledge.genus(kind)
            heads = (word for label in self._knowledge.labels(kind) for word in head_of(label)) if self._open else ()
            wide = (self._open[word] for word in heads if word in self._open)
            found = self._kinds[kind] = frozenset(self.named(kind).union(_within(genus, self._labels), *wide))
        return found


def may_hold(knowledge: Knowledge, subject: str, predicate: str, other: str) -> bool:
    """Tell whether a claim is stated, follows, or is spoken for by something, so that it cannot be called false."""
    claim = (subject, predicate, other)
    known = knowledge.plausible.get(claim)
    if known is None:
        known = knowledge.plausible[claim] = _may_hold(knowledge, subject, predicate, other)
    return known


def _may_hold(knowledge: Knowledge, subject: str, predicate: str, other: str) -> bool:
    held = knowledge.reach(subject, predicate)
    if other == subject or other in held:
        return True
    stated = knowledge.predicate(predicate)
    inverse = predicate if stated.symmetric else stated.inverse
    if inverse is not None and subject in knowledge.reach(other, inverse):
        return True
    evidence = knowledge.evidence(other)
    return other in evidence.about(subject) or any(other in evidence.named(each) for each in held)


def head_of(label: Words) -> Words:
    """Return the noun that a name is about: `body of water` is a body, an `elementary particle` a particle.

    A name that ends without a word, in a script without spaces, is returned whole.
    """
    if is_ideograph(label[-1]) or is_letter(label[-1]):
        return label
    end = next((at for at, word in enumerate(label) if at and word in _PREPOSITIONS), len(label))
    return label[end - 1 : end]


def genus_words(genus: str) -> Words:
    """Return a genus as words in the singular; no name reaches over two of its clauses."""
    return tuple(word for clause in genus.split(";") for word in (*singular(clause), ""))


@lru_cache(maxsize=65536)
def singular(text: str) -> Words:
    """Return the words of a text in the singular."""
    return tuple(map(_singular, words_of(text, whole=False)))


@lru_cache(maxsize=65536)
def _singular(word: str) -> str:
    if len(word) < 4 or word in _IRREGULAR or not word.isascii():
        return _IRREGULAR.get(word, word)
    return next((short for ending, new in _ENDINGS if (short := ending.sub(new, word)) != word), word)


def labels_of(name: str, aliases: Iterable[str]) -> tuple[Words, ...]:
    """Return the names that a concept goes by, each as words in the singular, without what tells it from namesakes."""
    return tuple(dict.fromkeys(filter(None, map(singular, (unqualified(name), *aliases)))))


def _within(text: Words, names: Mapping[str, Sequence[tuple[Words, str]]]) -> Iterator[str]:
    """Return the concepts of the names that stand in a text."""
    for end, word in enumerate(text, 1):
        for name, concept in names.get(word, ()):
            if len(name) == 1 or text[max(end - len(name), 0) : end] == name:
                yield concept


def _without(text: Words, names: Iterable[Words]) -> Words:
    """Return a text without the names that stand in it."""
    words = list(text)
    for name in names:
        for at in range(len(text) - len(name) + 1):
            if text[at : at + len(name)] == name:
                words[at : at + len(name)] = [""] * len(name)
    return tuple(words)
