"""ProDa's knowledge cores as records; its links between levels are checked against their words, rebuilt or dropped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical, sha256
from prodabuild.sources.grammar import slug
from prodabuild.sources.naming import Index, bare
from prodabuild.sources.phrases import predicate_of
from prodabuild.sources.proda_core import read_core
from prodabuild.sources.proda_links import find_parents, longest_run
from prodabuild.sources.proda_quotes import find_quote, read_uploads
from prodabuild.sources.terms import Edge, Term, records_of
from prodabuild.sources.vocabulary import Extracts, digests, read_documents, reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prodabuild.problems import Problem
    from prodabuild.sources.proda_core import Chain, Core, Statement
    from prodabuild.sources.proda_links import Parent
    from prodabuild.sources.terms import Records
    from prodabuild.sources.vocabulary import Request

LONGEST = 200  # characters of a term
RENAMED = "ProDa renames and renumbers rows when it merges chunks, and does not carry the links along"


class Link(NamedTuple):
    """A statement whose ends are concepts, and the chain that it belongs to."""

    statement: Statement
    edge: Edge
    parent: Parent | None


def import_proda(request: Request) -> Extracts:
    """Take concepts by term (in small letters where the text writes them so), statements, chains that join."""
    cores = [read_core(document) for document in read_documents(request)]
    remarks: list[Problem] = []
    terms: dict[str, Term] = {}
    for core in cores:
        for term in _terms(request, core):
            first = terms.setdefault(term.key, term)
            if first.definition != term.definition:
                message = f"{term.label!r} is defined otherwise at {first.file}:{first.line}, which was kept"
                remarks.append(core.problem("I005", message, term.line))
    declared: dict[str, dict[str, Any]] = {}
    everywhere = Index(terms.values())
    texts = {core.document.name: read_uploads(request.root, core.document) for core in cores}
    links = [(core, list(_links(core, everywhere, texts[core.document.name], declared, remarks))) for core in cores]
    for core, found in links:
        remarks += _stray_parents(core, found)
        remarks += _stray_concepts(core)
    edges = [link.edge for _, found in links for link in found]
    records = records_of(list(terms.values()), edges, request.name, request.known)
    chains = [chain for core, found in links for chain in _chains(core, found, records, remarks)]
    for discipline, extract in records.disciplines.items():
        extract.chains = _named(discipline, [chain for chain in chains if chain["folder"] == discipline])
    keys = {identity: key for key, identity in records.ids.items()}
    documents = digests([core.document for core in cores])
    return Extracts(records.disciplines, keys, declared, [*remarks, *records.remarks], documents)


def _terms(request: Request, core: Core) -> Iterator[Term]:
    words = " ".join((*(text for chain in core.chains for text in (chain.summary, *chain.steps)), *_quotes(core)))
    for concept in core.concepts:
        small = concept.term.lower()
        yield Term(
            concept.term.casefold() or concept.id,
            small if _stands(small, words) else concept.term,
            request.discipline,
            reference(core.document.name, concept.term or concept.id),
            concept.definition,
            kind=concept.kind,
            file=str(core.document.path),
            line=concept.line,
        )


def _stands(term: str, text: str) -> bool:
    """Tell whether a text has a term where a word begins; what is too long for a term is not looked for."""
    if len(term) > LONGEST or term not in text:
        return False
    return re.search(rf"(?<!\w){re.escape(term)}", text) is not None


def _quotes(core: Core) -> Iterator[str]:
    return (statement.quote for statement in core.statements)


def _links(
    core: Core,
    everywhere: Index,
    texts: Mapping[str, str],
    declared: dict[str, dict[str, Any]],
    remarks: list[Problem],
) -> Iterator[Link]:
    """Return the statements whose subject, predicate and object are clear; report the others."""
    here = Index(_terms_of(core))
    for statement, parent in zip(core.statements, find_parents(core), strict=True):
        ends = [here.find(name) or everywhere.find(name) for name in (statement.subject, statement.object)]
        phrase = predicate_of(statement.predicate)
        unclear = [
            name for name, found in zip((statement.subject, statement.object), ends, strict=True) if len(found) != 1
        ]
        if unclear or phrase is None:
            what = f"{unclear[0]!r} names no concept" if unclear else f"no predicate in {statement.predicate!r}"
            remarks.append(core.problem("I010", f"{statement.id} was left out: {what}", statement.line))
            continue
        if phrase.fields is not None:
            declared[phrase.name] = phrase.fields
        named = reference(core.document.name, f"{statement.subject} {phrase.name} {statement.object}")
        quoted = find_quote(texts, statement.quote)
        if quoted is None and texts:
            message = f"{statement.id}: the quote {statement.quote!r} stands in no document, or in several"
            remarks.append(core.problem("I012", message, statement.line))
        yield Link(statement, Edge(ends[0][0], phrase.name, ends[1][0], quoted or named), parent)


def _terms_of(core: Core) -> Iterator[Term]:
    for concept in core.concepts:
        yield Term(concept.term.casefold() or concept.id, concept.term, "", None)


def _stray_parents(core: Core, links: Sequence[Link]) -> Iterator[Problem]:
    """Report the statements whose named chain is not the one that their words show."""
    for statement, _, parent in links:
        named = [number for number, chain in enumerate(core.chains) if chain.id == statement.parent]
        if parent is None:
            message = f"{statement.id} says that it belongs to {statement.parent!r}: no chain is clearly its own"
            yield core.problem("I010", message, statement.line, RENAMED)
        elif named != [parent.chain]:
            chain = core.chains[parent.chain]
            message = f"{statement.id} says that it belongs to {statement.parent!r}, but its words fit {chain.name!r}"
            yield core.problem("I011", message, statement.line, RENAMED)


def _stray_concepts(core: Core) -> Iterator[Problem]:
    """Report the statements that a concept claims to come from and that are about others."""
    statements = {statement.id: statement for statement in core.statements}
    about = {bare(end) for statement in core.statements for end in (statement.subject, statement.object)}
    for concept in core.concepts:
        for name in concept.parents:
            parent = statements.get(name)
            if parent and bare(concept.term) in (bare(parent.subject), bare(parent.object)):
                continue
            what = f"is about {parent.subject!r} and {parent.object!r}" if parent else "is not there"
            code = "I011" if bare(concept.term) in about else "I010"
            message = f"{concept.id} {concept.term!r} names {name}, which {what}"
            yield core.problem(code, message, concept.line, RENAMED)


def _chains(core: Core, links: Sequence[Link], records: Records, remarks: list[Problem]) -> Iterator[dict[str, Any]]:
    """Return each chain with the longest run of its statements that join; report what is lost."""
    for number, chain in enumerate(core.chains):
        kept = [link for link in links if link.parent and link.parent.chain == number and _has(link, records.ids)]
        kept.sort(key=lambda link: link.parent.place if link.parent else 0.0)
        run = [kept[at] for at in longest_run([(link.edge.subject, link.edge.object) for link in kept])]
        if len(run) < len(chain.steps) - 1:
            lost = "was left out" if len(run) < 2 else "was cut short"
            message = f"{chain.id} {chain.name!r} {lost}: {len(run)} of its {len(chain.steps) - 1} statements join"
            remarks.append(core.problem("I010", message, chain.line))
        if len(run) >= 2:
            yield _chain(core, chain, [link.edge for link in run], records.ids)


def _has(link: Link, ids: Mapping[str, str]) -> bool:
    return link.edge.subject in ids and link.edge.object in ids


def _chain(core: Core, chain: Chain, edges: Sequence[Edge], ids: Mapping[str, str]) -> dict[str, Any]:
    first, last = ids[edges[0].subject], ids[edges[-1].object]
    found: dict[str, Any] = {
        "folder": first.rpartition("/")[0],
        "id": f"{slug(chain.name) or first.rpartition('/')[2]}..{last.rpartition('/')[2]}",
        "title": chain.name or f"from {edges[0].subject} to {edges[-1].object}",
        "steps": [(ids[edge.subject], edge.predicate, ids[edge.object]) for edge in edges],
    }
    found |= {"conclusion": chain.summary} if chain.summary else {}
    for name in ("preconditions", "negative_constraints"):
        found |= {name: list(getattr(chain, name))} if getattr(chain, name) else {}
    return found | {"source": reference(core.document.name, chain.name or chain.id)}


def _named(discipline: str, chains: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each chain an id of its own, whatever their order; the same chain twice is one."""
    found: dict[str, dict[str, Any]] = {}
    for chain in sorted(chains, key=lambda chain: (chain["id"], canonical(chain["steps"]))):
        identity = f"{discipline}/{chain['id']}"
        if identity in found:
            if found[identity]["steps"] == chain["steps"]:
                continue
            identity += f"_{sha256(canonical(chain['steps']))[:6]}"
        found[identity] = {**{name: value for name, value in chain.items() if name != "folder"}, "id": identity}
    return list(found.values())
