"""SKOS concepts and OWL classes from RDF files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.errors import UsageError
from prodabuild.problems import Problem, ProblemsError
from prodabuild.sources.graph import OWL, RDF, read_graph
from prodabuild.sources.phrases import no_words, predicate_of, with_logic
from prodabuild.sources.terms import Edge, Term, records_of
from prodabuild.sources.vocabulary import Extracts, digests, read_documents, reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prodabuild.sources.graph import Source
    from prodabuild.sources.vocabulary import Request

SKOS = "http://www.w3.org/2004/02/skos/core#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
DCT = "http://purl.org/dc/terms/"
ISO_THES = "http://purl.org/iso25964/skos-thes#"
OBO = "http://purl.obolibrary.org/obo/"
OBO_IN_OWL = "http://www.geneontology.org/formats/oboInOwl#"
LABELS = (f"{SKOS}prefLabel", f"{RDFS}label")
ALIASES = (f"{SKOS}altLabel", f"{OBO_IN_OWL}hasExactSynonym")
DEFINITIONS = (f"{SKOS}definition", f"{OBO}IAO_0000115", f"{DCT}description", f"{RDFS}comment", f"{SKOS}scopeNote")
# properties that say what kind of `broader` is meant (ISO 25964), and those that mean the same the other way round
BROADER = {
    f"{ISO_THES}broaderGeneric": "is_a",
    f"{ISO_THES}broaderPartitive": "part_of",
    f"{ISO_THES}broaderInstantial": "instance_of",
}
NARROWER = {
    f"{ISO_THES}narrowerGeneric": "is_a",
    f"{ISO_THES}narrowerPartitive": "part_of",
    f"{ISO_THES}narrowerInstantial": "instance_of",
}
RELATED = {
    "forward": "{a subject} {is} related to {a object}",
    "question": "What {is} {a subject} related to?",
    "inverse_question": "What is related to {a object}?",
    "path": "something related to",
    "inverse": "related_to",
    "symmetric": True,
}


@dataclass
class Relations:
    """The predicates that a file's properties state: those to declare, and the properties without words."""

    declared: dict[str, dict[str, Any]] = field(default_factory=dict)
    nameless: dict[str, Problem] = field(default_factory=dict)


def import_skos(request: Request) -> Extracts:
    """Take SKOS concepts: labels, definitions, broader, narrower and related."""
    sources = [read_graph(document) for document in read_documents(request)]
    terms = [_term(request, source, node) for source in sources for node in source.things(f"{SKOS}Concept")]
    broader = predicate_of(request.broader)
    if broader is None:
        raise UsageError(f"{request.broader!r} is no predicate", "--broader is_a, part_of, or a verb of your own")
    edges = [edge for source in sources for edge in _skos_edges(source, broader.name)]
    declared = {"related_to": RELATED} | ({broader.name: broader.fields} if broader.fields else {})
    return _extracts(request, sources, terms, edges, Relations(declared), f"{SKOS}Concept")


def import_owl(request: Request) -> Extracts:
    """Take OWL and RDFS classes and individuals: subclasses, instances, `some` restrictions by their property."""
    sources = [read_graph(document) for document in read_documents(request)]
    terms = [
        _term(request, source, node, individual=kind.endswith("NamedIndividual"))
        for source in sources
        for kind in (f"{OWL}Class", f"{RDFS}Class", f"{OWL}NamedIndividual")
        for node in source.things(kind)
    ]
    relations = Relations()
    edges = [edge for source in sources for edge in _owl_edges(source, request.language, relations)]
    edges.sort(key=lambda edge: edge[:3])  # blank nodes come in another order each time
    return _extracts(request, sources, terms, edges, relations, f"{OWL}Class")


def _extracts(
    request: Request,
    sources: Sequence[Source],
    terms: Iterable[Term],
    edges: Iterable[Edge],
    relations: Relations,
    kind: str,
) -> Extracts:
    merged: dict[str, Term] = {}
    for term in terms:
        merged.setdefault(term.key, term)
    ordered = sorted(merged.values(), key=lambda term: (term.label.casefold(), term.key))
    if not any(term.label for term in ordered):
        message = f"no {kind.rpartition('#')[2]} with a label in {request.language!r} or without a language"
        raise ProblemsError([Problem("I001", message, str(source.document.path)) for source in sources])
    records = records_of(ordered, edges, request.name, request.known)
    return Extracts(
        records.disciplines,
        {identity: key for key, identity in records.ids.items()},
        relations.declared,
        [*relations.nameless.values(), *records.remarks],
        digests([source.document for source in sources]),
    )


def _term(request: Request, source: Source, node: Any, individual: bool = False) -> Term:
    return Term(
        str(node),
        next(iter(source.texts(node, LABELS, request.language)), ""),
        request.discipline,
        reference(source.document.name, str(node)),
        next(iter(source.texts(node, DEFINITIONS, request.language)), ""),
        tuple(alias for name in ALIASES for alias in source.texts(node, (name,), request.language)),
        individual=individual,
        file=str(source.document.path),
    )


def _skos_edges(source: Source, broader: str) -> list[Edge]:
    """Return the edges of one file: what says which kind of `broader` it means outdoes what does not."""
    nodes = source.things(f"{SKOS}Concept")
    exact = [edge for node in nodes for edge in _directed(source, node, BROADER, NARROWER)]
    said = {(edge.subject, edge.object) for edge in exact}
    plain = [
        edge
        for node in nodes
        for edge in _directed(source, node, {f"{SKOS}broader": broader}, {f"{SKOS}narrower": broader})
        if (edge.subject, edge.object) not in said
    ]
    related = [
        Edge(*_between(str(node), target), reference(source.document.name, str(node)))
        for node in nodes
        for target in source.names(node, f"{SKOS}related")
    ]
    return [*exact, *plain, *related]


def _directed(source: Source, node: Any, up: Mapping[str, str], down: Mapping[str, str]) -> Iterator[Edge]:
    here = reference(source.document.name, str(node))
    for name, predicate in up.items():
        yield from (Edge(str(node), predicate, target, here) for target in source.names(node, name))
    for name, predicate in down.items():
        yield from (Edge(target, predicate, str(node), here) for target in source.names(node, name))


def _between(one: str, two: str) -> tuple[str, str, str]:
    return (min(one, two), "related_to", max(one, two))


def _owl_edges(source: Source, language: str, relations: Relations) -> Iterator[Edge]:
    from rdflib import URIRef

    for subject, _, target in source.graph.triples((None, URIRef(f"{RDFS}subClassOf"), None)):
        if not isinstance(subject, URIRef):
            continue
        here = reference(source.document.name, str(subject))
        if isinstance(target, URIRef):
            yield Edge(str(subject), "is_a", str(target), here)
            continue
        for name in source.names(target, f"{OWL}onProperty"):
            predicate = _property(source, URIRef(name), language, relations)
            fillers = source.names(target, f"{OWL}someValuesFrom") if predicate else []
            yield from (Edge(str(subject), predicate, value, here) for value in fillers)
    for node in source.things(f"{OWL}NamedIndividual"):
        here = reference(source.document.name, str(node))
        yield from (Edge(str(node), "instance_of", kind, here) for kind in source.names(node, f"{RDF}type"))


def _property(source: Source, node: Any, language: str, relations: Relations) -> str:
    """Return the predicate that a property states, declared where it is not built in; empty when it has no words."""
    phrase = predicate_of(next(iter(source.texts(node, LABELS, language)), "") or _local(str(node)))
    if phrase is None:
        relations.nameless.setdefault(str(node), no_words(str(node), str(source.document.path)))
        return ""
    if phrase.fields is not None:
        kinds = source.names(node, f"{RDF}type")
        relations.declared[phrase.name] = with_logic(
            phrase, f"{OWL}TransitiveProperty" in kinds, f"{OWL}SymmetricProperty" in kinds
        )
    return phrase.name


def _local(iri: str) -> str:
    """Return the words of an IRI's last part: hasPart -> has part."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.split(r"[/#]", iri.rstrip("/#"))[-1]).lower()
