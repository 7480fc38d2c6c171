"""RDF files as graphs: Turtle, RDF/XML, JSON-LD, N-Triples, by suffix. Nothing is fetched, nothing can grow."""

from __future__ import annotations

import logging
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.errors import OutsideError, UsageError
from prodabuild.problems import Problem, ProblemsError
from prodabuild.sources.vocabulary import NEEDED
from prodabuild.yamlio import BOM, TextError, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prodabuild.sources.vocabulary import Document

FORMATS = {
    ".ttl": "turtle",
    ".rdf": "xml",
    ".xml": "xml",
    ".owl": "xml",
    ".jsonld": "json-ld",
    ".json": "json-ld",
    ".nt": "nt",
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
OWL = "http://www.w3.org/2002/07/owl#"
# each part begins where the one before must end: the time grows with the length, whatever stands there
ENTITY = re.compile(rb"<!ENTITY\s++(%?+)\s*+[^\s\"'<>]++\s++(SYSTEM|PUBLIC|\"[^\"]*+\"|'[^']*+')")
DEEPEST = 100  # levels of JSON-LD; rdflib takes a few calls for each
LONGEST_ENTITY = 1000
LONGEST_MESSAGE = 200  # rdflib shows the whole line
# rdflib takes what it reads for what it should be, and fails as Python does where it is something else
WRONG = (ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError, NameError)


class Source(NamedTuple):
    """One file's graph, and what it was read from."""

    document: Document
    graph: Any

    def values(self, subject: Any, predicate: str) -> list[Any]:
        """Return the objects of a subject's property, in a stable order."""
        from rdflib import URIRef

        found = self.graph.objects(subject, URIRef(predicate))
        return sorted(found, key=lambda node: (str(node), str(getattr(node, "language", ""))))

    def things(self, kind: str) -> list[Any]:
        """Return the named things of a class that are not deprecated, by IRI."""
        from rdflib import URIRef

        found = self.graph.subjects(URIRef(f"{RDF}type"), URIRef(kind))
        named = sorted({node for node in found if isinstance(node, URIRef)})
        return [node for node in named if {"true", "1"}.isdisjoint(map(str, self.values(node, f"{OWL}deprecated")))]

    def names(self, subject: Any, predicate: str) -> list[str]:
        """Return the IRIs that a property leads to."""
        from rdflib import URIRef

        return [str(node) for node in self.values(subject, predicate) if isinstance(node, URIRef)]

    def texts(self, subject: Any, properties: Iterable[str], language: str) -> list[str]:
        """Return the texts of the first property that has one in a language, else one without a language."""
        from rdflib import Literal

        for wanted in (language.lower(), ""):
            for name in properties:
                literals = [value for value in self.values(subject, name) if isinstance(value, Literal)]
                found = [str(value).strip() for value in literals if _speaks(value.language, wanted)]
                if any(found):
                    return [text for text in found if text]
        return []


def _speaks(language: str | None, wanted: str) -> bool:
    own = (language or "").lower()
    return own == wanted or bool(wanted and own.startswith(f"{wanted}-"))


def read_graph(document: Document) -> Source:
    """Parse a file; raises `ProblemsError`, or `OutsideError` without rdflib."""
    try:
        import rdflib
    except ModuleNotFoundError:
        raise OutsideError("SKOS and OWL are read with the package 'rdflib', which is not installed", NEEDED) from None
    from xml.sax import SAXParseException

    form = FORMATS.get(document.path.suffix.lower())
    if form is None:
        raise UsageError(f"{document.path}: no RDF format has this suffix", f"known: {', '.join(FORMATS)}")
    file = str(document.path)
    logging.getLogger("rdflib.term").setLevel(logging.ERROR)  # dates that are none, and the like, are not our concern
    try:
        _refuse_traps(document, form)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its JSON-LD parser uses what it warns of
            return Source(document, rdflib.Graph().parse(data=decode(document.data), format=form))
    except TextError as error:
        problem = Problem(error.code, error.message, file, error.line, error.column, error.hint)
    except SAXParseException as error:
        problem = Problem("I001", f"not RDF/XML: {error.getMessage()}", file, error.getLineNumber() or 1)
    except SyntaxError as error:  # of Turtle
        line, why = int(getattr(error, "lines", 0)) + 1, getattr(error, "_why", None) or str(error).partition("\n")[0]
        problem = Problem("I001", f"not Turtle: {why}", file, line)
    except RecursionError:
        problem = Problem("I001", "nested more deeply than it can be read", file, hint="name its inner nodes")
    except (*WRONG, rdflib.exceptions.ParserError) as error:
        problem = Problem("I001", f"not {form}: {str(error)[:LONGEST_MESSAGE]}", file, getattr(error, "lineno", 0))
    raise ProblemsError([problem])


def _refuse_traps(document: Document, form: str) -> None:
    """Raise `TextError` on JSON-LD contexts that would be fetched, and on XML entities that could grow or be read."""
    if form == "json-ld":
        tree = orjson.loads(document.data.removeprefix(BOM))
        if not isinstance(tree, dict | list):
            raise ValueError("a document is an object or a list")
        for address in _contexts(tree):
            at = max(document.data.find(address.encode()), 0)
            raise _refused(document, at, f"the context {address!r} is elsewhere: nothing is fetched", "write it out")
    if form == "xml":
        for match in ENTITY.finditer(document.data):
            text = match[2]
            if match[1] or text[:1] not in b"\"'" or b"&" in text or len(text) > LONGEST_ENTITY:
                raise _refused(document, match.start(), "this entity is not read", "write its value out")


def _contexts(tree: Any) -> Iterator[str]:
    """Return the contexts of a JSON-LD tree that are addresses."""
    todo = [(tree, 1)]
    while todo:
        here, depth = todo.pop()
        if depth > DEEPEST:
            raise RecursionError
        inner = here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
        todo += ((value, depth + 1) for value in inner)
        for name in ("@context", "@import") if isinstance(here, dict) else ():
            value = here.get(name)
            yield from (part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str))


def _refused(document: Document, at: int, message: str, hint: str) -> TextError:
    return TextError("I001", message, document.data.count(b"\n", 0, at) + 1, 1, hint)
