"""Definitions say more than the name of what they define, and do not lead round in a circle of names."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from prodabuild.knowledge.cycles import MOST, Link, find_cycles
from prodabuild.knowledge.wording import ARTICLE, bare, labels, meaning, unqualified
from prodabuild.segments import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.knowledge.graph import Graph, Term
    from prodabuild.knowledge.places import Places
    from prodabuild.problems import Problem

# After the term, these tell that it is the term itself; before a noun it may only describe: `the first element`.
_GOES_ON = frozenset((
    "and", "are", "as", "by", "consisting", "containing", "during", "for", "from", "has", "have", "having", "in",
    "is", "made", "of", "on", "or", "refers", "that", "to", "used", "was", "were", "when", "where", "which", "who",
    "whose", "with", "within", "without",
))  # fmt: skip


def check_definitions(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which concepts are defined by their own name alone, or by each other's."""
    for key, term in graph.terms:
        if says_nothing(term):
            hint = "say what it is: a phrase that could follow `means`"
            message = f"the definition of {term.name!r} is only its own name"
            yield places.problem("K012", key, message, "definition", hint=hint)
    for cycle in islice(find_cycles(_by_name(graph), places), MOST):
        names = [found.name for link in cycle if (found := graph.concepts[link.subject])]
        others = ", ".join(places.spot(link.relation) for link in cycle[:-1])
        message = f"these are defined by each other's names alone: {' -> '.join([*names, names[0]])}"
        hint = f"say what one of them is; the others: {others}"
        yield places.problem("K013", cycle[-1].relation, message, "definition", hint=hint)


def says_nothing(term: Term) -> bool:
    """Tell whether a definition is only the name, without what tells that from its namesakes."""
    if len(term.definition) > len(term.name) + ARTICLE:
        return False
    return bare(term.definition) == bare(unqualified(term.name))


def check_beginnings(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which definitions begin with the term that they define."""
    for key, term in graph.terms:
        if begins_with(term.definition, unqualified(term.name)) and not says_nothing(term):
            hint = "say what it is in other words: `an acid that ...` for a kind of acid, not for acid itself"
            message = f"the definition of {term.name!r} begins with the term itself"
            yield places.problem("K014", key, message, "definition", hint=hint)


def begins_with(definition: str, name: str) -> bool:
    """Tell whether a definition begins with a name that does not merely describe the noun after it."""
    text, term = fold(definition), fold(name)
    at = text.find(term, 0, len(term) + ARTICLE)
    if at < 0 or text[:at].strip() not in ("", "a", "an", "the", "some", "any"):
        return False
    rest = text[at + len(term) :]
    if not rest or rest[0] != " ":
        return not rest[:1].isalnum() and rest[:1] not in ("-", "'", "’")
    following = re.match(r" +([^\W_]*)", rest)
    return following is not None and (not following[1] or following[1] in _GOES_ON)


def _by_name(graph: Graph) -> list[Link]:
    """Return which concepts are defined by nothing but the name of which others."""
    texts = {key: (text, term) for key, term in graph.terms if (text := meaning(term.definition))}
    wanted = {text for text, _ in texts.values()}
    called: dict[str, list[str]] = {}
    for key, (_, term) in texts.items():
        for label in labels(term.name, term.aliases) & wanted:
            called.setdefault(label, []).append(key)
    return [
        Link(key, other, key, "means")
        for key, (text, _) in texts.items()
        for other in called.get(text, ())
        if other != key
    ]
