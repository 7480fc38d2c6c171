"""Terms of OBO files (format 1.4), read by fastobo: strict, with places, and never fetching what a file imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.errors import OutsideError
from prodabuild.problems import Problem, ProblemsError
from prodabuild.sources.phrases import no_words, predicate_of, with_logic
from prodabuild.sources.terms import Edge, Term, records_of
from prodabuild.sources.vocabulary import NEEDED, Extracts, digests, read_documents, reference
from prodabuild.yamlio import TextError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prodabuild.sources.vocabulary import Document, Request


def import_obo(request: Request) -> Extracts:
    """Take the terms of OBO files that are not obsolete: exact synonyms, definitions, is_a and relationships."""
    documents = read_documents(request)
    frames = [(document, frame) for document in documents for frame in _frames(document)]
    kinds = {str(frame.id): _flags(frame) for _, frame in frames if type(frame).__name__ == "TypedefFrame"}
    terms: dict[str, Term] = {}
    edges: list[Edge] = []
    declared: dict[str, dict[str, Any]] = {}
    nameless: dict[str, Problem] = {}
    for document, frame in frames:
        if type(frame).__name__ == "TermFrame" and not _obsolete(frame):
            term = _term(request, document, frame)
            terms.setdefault(term.key, term)
            edges += _edges(document, frame, kinds, declared, nameless)
    records = records_of(list(terms.values()), edges, request.name, request.known)
    remarks = [*_individuals(documents, frames), *nameless.values(), *records.remarks]
    keys = {identity: key for key, identity in records.ids.items()}
    return Extracts(records.disciplines, keys, declared, remarks, digests(documents))


def _frames(document: Document) -> list[Any]:
    try:
        import fastobo
    except ModuleNotFoundError:
        raise OutsideError("OBO is read with the package 'fastobo', which is not installed", NEEDED) from None
    file = str(document.path)
    try:
        return list(fastobo.loads(decode(document.data)))
    except TextError as error:
        problem = Problem(error.code, error.message, file, error.line, error.column, error.hint)
    except SyntaxError as error:
        hint = "the format's definition: OBO 1.4; `robot convert` mends most files"
        problem = Problem("I001", f"not OBO 1.4: {error.msg}", file, error.lineno or 0, error.offset or 0, hint)
    raise ProblemsError([problem])


def _term(request: Request, document: Document, frame: Any) -> Term:
    key = str(frame.id)
    values = {clause.raw_tag(): clause for clause in frame}
    name, definition, namespace = (values.get(tag) for tag in ("name", "def", "namespace"))
    synonyms = [clause.synonym for clause in frame if clause.raw_tag() == "synonym"]
    return Term(
        key,
        name.name if name else "",
        request.discipline,
        reference(document.name, key),
        definition.definition if definition else "",
        tuple(synonym.desc for synonym in synonyms if synonym.scope == "EXACT"),
        kind=str(namespace.namespace) if namespace else "",
        file=str(document.path),
    )


def _edges(
    document: Document,
    frame: Any,
    kinds: Mapping[str, dict[str, Any]],
    declared: dict[str, dict[str, Any]],
    nameless: dict[str, Problem],
) -> Iterator[Edge]:
    here = reference(document.name, str(frame.id))
    for clause in frame:
        if clause.raw_tag() == "is_a":
            yield Edge(str(frame.id), "is_a", str(clause.term), here)
        elif clause.raw_tag() == "relationship":
            kind = str(clause.typedef)
            flags = kinds.get(kind, {})
            phrase = predicate_of(flags.get("name") or kind)
            if phrase is None:
                nameless.setdefault(kind, no_words(kind, str(document.path)))
                continue
            if phrase.fields is not None:
                declared[phrase.name] = with_logic(phrase, "is_transitive" in flags, "is_symmetric" in flags)
            yield Edge(str(frame.id), phrase.name, str(clause.term), here)


def _flags(frame: Any) -> dict[str, str]:
    """Return what a relation's declaration says of it: its name, and the flags that are true."""
    found = {clause.raw_tag(): clause.raw_value() for clause in frame}
    return {tag: value for tag, value in found.items() if tag == "name" or value == "true"}


def _obsolete(frame: Any) -> bool:
    return any(clause.raw_tag() == "is_obsolete" and clause.obsolete for clause in frame)


def _individuals(documents: list[Document], frames: list[tuple[Document, Any]]) -> Iterator[Problem]:
    for document in documents:
        count = sum(type(frame).__name__ == "InstanceFrame" for owner, frame in frames if owner is document)
        if count:
            message = f"{count} [Instance] frames were left out: OBO's individuals are not read"
            yield Problem("I004", message, str(document.path), severity="warning")
