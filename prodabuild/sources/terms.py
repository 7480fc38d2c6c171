"""Terms of a vocabulary become records: ids and names of their own, definitions, grammar; what cannot is left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import sha256
from prodabuild.problems import Problem
from prodabuild.sources.grammar import is_plural, noun_of, slug, tidy_definition
from prodabuild.sources.vocabulary import Extract

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

TAXONOMIC = ("is_a", "instance_of")
SHOWN = 3  # names in a definition that is made from a concept's kinds


class Term(NamedTuple):
    """A concept as its source has it. `key` is what identifies it there and stays when its label changes."""

    key: str
    label: str
    discipline: str
    source: Any
    definition: str = ""
    aliases: tuple[str, ...] = ()
    kind: str = ""
    noun: str = ""  # empty: to be guessed
    individual: bool = False
    id: str = ""  # empty: to be made from the label
    file: str = ""
    line: int = 0


class Edge(NamedTuple):
    """A relation between two terms, by their keys."""

    subject: str
    predicate: str
    object: str
    source: Any
    statement: str = ""


class Records(NamedTuple):
    """What terms became: records by discipline, the ids of the kept terms by key, what was left out."""

    disciplines: dict[str, Extract]
    ids: dict[str, str]
    remarks: list[Problem]


def records_of(terms: Sequence[Term], edges: Iterable[Edge], stem: str, known: Mapping[str, str]) -> Records:
    """Turn terms and the edges between them into records, in files called `stem`.

    A term without a definition gets one from its place; one that nothing relates to another is left out.
    """
    by_key = {term.key: term for term in terms if term.label}
    sound = _sound(edges, by_key)
    defined = _define(by_key, sound)
    unnamed = [term for term in terms if not term.label]
    undefined = [term for term in by_key.values() if term.key not in defined]
    sound = [edge for edge in sound if edge.subject in defined and edge.object in defined]
    reached = {end for edge in sound for end in (edge.subject, edge.object)}
    kept = [defined[term.key] for term in terms if term.key in defined and term.key in reached]
    alone = [term for term in terms if term.key in defined and term.key not in reached]
    names = _names(kept, sound)
    ids = _ids(kept, names, known)
    plurals = 2 * sum(is_plural(term.label) for term in kept) > len(kept)  # as thesauri name things
    remarks = [_left_out(term, "it has no name") for term in unnamed]
    remarks += [_left_out(term, "it has no definition, and no place to make one from") for term in undefined]
    remarks += [_left_out(term, "nothing relates it to another concept") for term in alone]
    remarks += _made(term for term in kept if not tidy_definition(by_key[term.key].definition))
    disciplines: dict[str, Extract] = {}
    for term in kept:
        found = disciplines.setdefault(term.discipline, Extract({stem: []}))
        found.concepts[stem].append(_concept(term, ids[term.key], names[term.key], plurals))
    for edge in sound:
        disciplines[by_key[edge.subject].discipline].relations.append(_relation(edge, ids))
    return Records(disciplines, ids, remarks)


def _sound(edges: Iterable[Edge], terms: Mapping[str, Term]) -> list[Edge]:
    """Return each edge between two different terms once."""
    found: dict[tuple[str, str, str], Edge] = {}
    for edge in edges:
        if edge.subject in terms and edge.object in terms and edge.subject != edge.object:
            found.setdefault((edge.subject, edge.predicate, edge.object), edge)
    return list(found.values())


def _define(terms: Mapping[str, Term], edges: Sequence[Edge]) -> dict[str, Term]:
    """Return the terms that have a definition, or a kind or kinds to make one from."""
    parents: dict[str, list[str]] = {}
    kinds: dict[str, list[str]] = {}
    for edge in edges:
        if edge.predicate in TAXONOMIC:
            parents.setdefault(edge.subject, []).append(terms[edge.object].label)
            kinds.setdefault(edge.object, []).append(terms[edge.subject].label)
    found = {}
    for key, term in terms.items():
        text = tidy_definition(term.definition)
        if not text and key in parents:
            text = f"a kind of {parents[key][0]}"
        elif not text and len(kinds.get(key, ())) > 1:
            names = kinds[key][:SHOWN]
            text = f"what {', '.join(names[:-1])} and {names[-1]} are kinds of"
        if text:
            found[key] = term._replace(definition=text)
    return found


def _names(terms: Sequence[Term], edges: Sequence[Edge]) -> dict[str, str]:
    """Return a name for each term that no other has: its label, else qualified by its kind, else by its key."""
    labels = {term.key: " ".join(term.label.split()) for term in terms}
    counts = Counter(label.casefold() for label in labels.values())
    parents: dict[str, str] = {}
    for edge in edges:
        if edge.predicate in TAXONOMIC:
            parents.setdefault(edge.subject, labels[edge.object])
    shared = [key for key, label in labels.items() if counts[label.casefold()] > 1]
    names = labels | {key: f"{labels[key]} ({parents[key]})" for key in shared if key in parents}
    again = Counter(name.casefold() for name in names.values())
    return {key: name if again[name.casefold()] == 1 else f"{name} [{_tail(key)}]" for key, name in names.items()}


def _ids(terms: Sequence[Term], names: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return an id for each term: the one it has, had, or its name makes; the order of terms does not matter."""
    ids = {}
    for term in terms:
        before = known.get(term.key, "")
        if term.id or before.startswith(f"{term.discipline}/"):
            ids[term.key] = term.id or before
    used = set(ids.values())
    for term in sorted((term for term in terms if term.key not in ids), key=lambda term: term.key):
        identity = f"{term.discipline}/{slug(names[term.key])}"
        if identity in used or identity.endswith("/"):
            identity += f"{'' if identity.endswith('/') else '_'}{sha256(term.key.encode())[:6]}"
        used.add(identity)
        ids[term.key] = identity
    return ids


def _tail(key: str) -> str:
    return key.rstrip("/#").replace("#", "/").rpartition("/")[2]


def _concept(term: Term, identity: str, name: str, plurals: bool) -> dict[str, Any]:
    own = {name.casefold(), term.label.casefold()}
    aliases = [alias for alias in dict.fromkeys(term.aliases) if alias.casefold() not in own]
    guess = noun_of(term.label, term.definition, individual=term.individual)
    noun = term.noun or ("plural" if plurals and guess == "count" and is_plural(term.label) else guess)
    concept: dict[str, Any] = {"id": identity, "name": name, "definition": term.definition}
    concept |= {"aliases": aliases} if aliases else {}
    concept |= {"kind": term.kind} if term.kind else {}
    concept |= {"noun": noun} if noun != "count" else {}
    return concept | {"source": term.source}


def _relation(edge: Edge, ids: Mapping[str, str]) -> dict[str, Any]:
    relation = {"subject": ids[edge.subject], "predicate": edge.predicate, "object": ids[edge.object]}
    relation |= {"statement": edge.statement} if edge.statement else {}
    return relation | {"source": edge.source}


def _made(terms: Iterable[Term]) -> Iterator[Problem]:
    """Report, once a file, the concepts that were given a definition."""
    files: dict[str, list[Term]] = {}
    for term in terms:
        files.setdefault(term.file, []).append(term)
    for file, found in files.items():
        first = ", ".join(f"{term.label} ({term.definition})" for term in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        yield Problem("I007", f"a definition was made for {first}{more}", file, severity="warning")


def _left_out(term: Term, why: str) -> Problem:
    return Problem("I004", f"{term.label or term.key!r} was left out: {why}", term.file, term.line, severity="warning")
