"""Duplicates: what is stated twice under different ids, and concepts that a reader cannot tell apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from prodabuild.knowledge.records import UNSEEN
from prodabuild.knowledge.similar import similar_texts
from prodabuild.knowledge.wording import words_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from prodabuild.knowledge.graph import Graph
    from prodabuild.knowledge.places import Places
    from prodabuild.problems import Problem

    H = TypeVar("H", bound=Hashable)

_UNSEEN = re.compile(f"(?![\u200c\u200d])[{UNSEEN}]")
SIMILAR = 0.85  # of the words and pairs of words of two definitions; siblings that differ in one word stay below


def check_statements(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which relations have the same triple as another, and which chains the same steps."""
    triples, steps = graph.relations, {key: tuple(steps) for key, steps in graph.chains.items()}
    for rows, level in ((triples, "relation"), (steps, "chain")):
        if len(set(rows.values())) < len(rows):
            for first, others in _groups(rows.items(), places):
                for key in others:
                    message = f"this {level} states the same as {first!r}"
                    hint = f"remove one of the two; the other is at {places.spot(first)}"
                    yield places.problem("K015", key, message, "id", hint=hint)


def check_concepts(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which concepts share a definition, or a name within their discipline."""
    yield from _unseen(graph, places)
    yield from _definitions(graph, places)
    names = ((key, (graph.discipline(key), " ".join(words_of(term.name)))) for key, term in graph.terms)
    for first, others in _groups(names, places):
        for key in others:
            message = f"{key!r} has the same name as {first!r}, in the same discipline"
            hint = f"say which is meant, as in `star (celestial body)`; the other is at {places.spot(first)}"
            yield places.problem("K017", key, message, "name", hint=hint)


def _unseen(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which names hold what nobody can see; joiners (U+200C, U+200D) are letters of some scripts."""
    for key, term in graph.terms:
        for field, name in (("name", term.name), *(("aliases", alias) for alias in term.aliases)):
            if not name.isprintable() and (found := _UNSEEN.search(name)):
                message = f"the name {name!r} holds U+{ord(found[0]):04X}, which nobody can see"
                yield places.problem("K046", key, message, field, hint="write it without")


def _definitions(graph: Graph, places: Places) -> Iterator[Problem]:
    texts = {key: words_of(term.definition, whole=False) for key, term in graph.terms}
    groups: dict[str, list[str]] = {}
    for key, words in texts.items():
        groups.setdefault(" ".join(words), []).append(key)
    for keys in groups.values():
        first, *others = places.in_order(keys) if len(keys) > 1 else keys
        for key in others:
            message = f"{key!r} has the same definition as {first!r}"
            hint = f"say what tells them apart, or keep one of them; the other is at {places.spot(first)}"
            yield places.problem("K016", key, message, "definition", hint=hint)
    one_each = {(first := min(keys)): texts[first] for keys in groups.values()}
    for one, two in similar_texts(one_each, SIMILAR):
        first, key = places.in_order((one, two))
        hint = f"say what tells them apart, or keep one of them; the other is at {places.spot(first)}"
        message = f"{key!r} has nearly the same definition as {first!r}"
        yield places.problem("K018", key, message, "definition", hint=hint)


def _groups(rows: Iterable[tuple[str, H]], places: Places) -> Iterator[tuple[str, list[str]]]:
    """Return, for each value that several records have, the first of them by place, and the others."""
    groups: dict[H, list[str]] = {}
    for key, value in rows:
        groups.setdefault(value, []).append(key)
    for keys in groups.values():
        if len(keys) > 1:
            first, *others = places.in_order(keys)
            yield first, others
