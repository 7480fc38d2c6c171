"""Quotes stand in their documents: what a record says of its source is compared with the source.

A document is a file of the data repo. What is elsewhere is named with a scheme (`wordnet-3.0:data.noun`,
`https://...`) and not verified. Spans count characters, the end not included.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.knowledge.records import document_of
from prodabuild.manifest.paths import refuse
from prodabuild.paths import read_source
from prodabuild.sources.quoting import find_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from prodabuild.knowledge.graph import Graph
    from prodabuild.knowledge.places import Places
    from prodabuild.problems import Problem

ERRORS = frozenset(("K040", "K041", "K042"))  # of what can be wrong with a source
SHOWN = 60  # characters of a document that are shown where a quote is not found


class Misquote(NamedTuple):
    """What is wrong with a source: the field that is wrong, and why."""

    code: str
    field: str
    message: str
    hint: str | None = None


class Documents:
    """The documents of a data repo, each read once. `folders`: where the manifest says that documents lie."""

    def __init__(self, root: Path, folders: Sequence[str]) -> None:
        self._root, self._folders = root, folders
        self._texts: dict[str, str | Misquote] = {}

    def text(self, path: str) -> str | Misquote:
        """Return a document's text, or why there is none."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | Misquote:
        refused = refuse(self._root, path)
        if refused is None and (self._root / path).is_file():
            try:
                return read_source(self._root, path).decode("utf-8-sig")
            except UnicodeDecodeError:
                message = f"{path} is not text, so that quotes from it are not verified"
                return Misquote("K044", "document", message, "put its text beside it, and quote that")
        if refused is not None and refused.code != "M023":
            return Misquote("K042", "document", refused.message, refused.hint)
        if any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in self._folders):
            return Misquote("K042", "document", f"there is no document {path!r}", "put it back, or mend the path")
        message = f"{path!r} is no file of this repository, so that quotes from it are not verified"
        return Misquote("K043", "document", message, "name what is elsewhere with a scheme: `isbn:...`, `https://...`")


def check_quotes(graph: Graph, places: Places, documents: Documents) -> Iterator[Problem]:
    """Tell which quotes and spans are not in their documents."""
    for key, source in graph.origins.items():
        wrong = misquoted(source, documents)
        if wrong is not None and wrong.code in ERRORS:
            yield places.problem(wrong.code, key, wrong.message, "source", wrong.field, hint=wrong.hint)


def check_documents(graph: Graph, places: Places, documents: Documents) -> Iterator[Problem]:
    """Tell which documents cannot be looked into, each once: at the first record that quotes it."""
    unread: dict[str, tuple[Misquote, list[str]]] = {}
    for key, source in graph.origins.items():
        wrong = misquoted(source, documents)
        if wrong is not None and wrong.code not in ERRORS:
            unread.setdefault(wrong.message, (wrong, []))[1].append(key)
    for wrong, keys in unread.values():
        first = places.in_order(keys)[0]
        yield places.problem(wrong.code, first, wrong.message, "source", "document", hint=wrong.hint)


def check_sources(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which records do not say where they were taken from."""
    hint = "write `source: DOCUMENT#START-END`, or `document`, `span` and `quote`"
    for key in graph.unsourced:
        yield places.problem("K045", key, f"{key!r} has no source", "id", hint=hint)


def misquoted(source: Mapping[str, Any], documents: Documents) -> Misquote | None:
    """Return what is wrong with a source that names a document."""
    path, span, quote = document_of(source), source.get("span"), source.get("quote")
    if path is None or (span is None and quote is None):
        return None
    text = documents.text(path)
    if isinstance(text, Misquote):
        return text
    if span is not None and span[1] > len(text):
        return Misquote("K041", "span", f"the span ends at {span[1]}, and {path} has {len(text)} characters")
    if quote is None or (span is not None and text[span[0] : span[1]].split() == quote.split()):
        return None  # line breaks and runs of spaces make no difference
    found = find_words(text, quote)
    if span is None:
        return None if found else Misquote("K040", "quote", f"the quote is not in {path}", _where(text, quote))
    if found:
        hint = f"write `span: [{found[0]}, {found[1]}]`"
        return Misquote("K041", "span", f"the quote is in {path}, but not at {span[0]}-{span[1]}", hint)
    return Misquote("K040", "quote", f"the quote is not in {path}", _shown(text[span[0] : span[1]]))


def _where(text: str, quote: str) -> str | None:
    """Return what the document says where it begins as the quote does, for at least three words."""
    words = quote.split()
    lengths = range(3, len(words))
    known = bisect_left(lengths, True, key=lambda length: find_words(text, " ".join(words[:length])) is None)
    found = find_words(text, " ".join(words[: 2 + known])) if known else None
    return _shown(text[found[0] :]) if found else None


def _shown(text: str) -> str | None:
    line = " ".join(text[: 4 * SHOWN].split())
    return f"there it says {line[:SHOWN] + ('...' if len(line) > SHOWN else '')!r}" if line else None
