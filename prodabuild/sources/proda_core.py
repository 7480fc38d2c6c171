"""ProDa's knowledge core (`state.json`, or its `knowledge_core` alone) as typed rows, each with its line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.problems import Problem, ProblemsError
from prodabuild.yamlio import BOM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.sources.vocabulary import Document

SECTIONS = ("l1_concepts", "l2_statements", "l3_chains")
_ID = re.compile(rb'"(concept_id|statement_id|chain_id)"\s*:\s*"([^"\\]*)"')


class Concept(NamedTuple):
    """An L1 row; `parents` are the statements that it claims to come from."""

    id: str
    term: str
    kind: str
    definition: str
    parents: tuple[str, ...]
    line: int


class Statement(NamedTuple):
    """An L2 row; `parent` is the chain that it claims to belong to."""

    id: str
    parent: str
    subject: str
    predicate: str
    object: str
    quote: str
    line: int


class Chain(NamedTuple):
    """An L3 row."""

    id: str
    name: str
    summary: str
    steps: tuple[str, ...]
    preconditions: tuple[str, ...]
    negative_constraints: tuple[str, ...]
    line: int


class Core(NamedTuple):
    """The three levels of one file. Ids are positions: they mean nothing outside of it."""

    document: Document
    concepts: list[Concept]
    statements: list[Statement]
    chains: list[Chain]

    def problem(self, code: str, message: str, line: int, hint: str | None = None) -> Problem:
        """Return a warning at a line of the file."""
        return Problem(code, message, str(self.document.path), line, hint=hint, severity="warning")


def read_core(document: Document) -> Core:
    """Read one file; raises `ProblemsError`."""
    file = str(document.path)
    try:
        tree = orjson.loads(document.data.removeprefix(BOM))
    except orjson.JSONDecodeError as error:
        raise ProblemsError([Problem("I001", f"not JSON: {error.msg}", file, error.lineno, error.colno)]) from None
    core = tree.get("knowledge_core", tree) if isinstance(tree, dict) else None
    if not isinstance(core, dict) or not all(isinstance(core.get(name), list) for name in SECTIONS):
        message = f"no knowledge core of ProDa: an object with the lists {', '.join(SECTIONS)}"
        raise ProblemsError([Problem("I001", message, file, 1)])
    rows = {name: [row for row in core[name] if isinstance(row, dict)] for name in SECTIONS}
    lines = _Lines(document.data)
    return Core(
        document,
        [_concept(row, lines) for row in rows["l1_concepts"]],
        [_statement(row, lines) for row in rows["l2_statements"]],
        [_chain(row, lines) for row in rows["l3_chains"]],
    )


class _Lines:
    """Where rows stand in a file: the lines of each id, in order, since a broken file may use one twice."""

    def __init__(self, data: bytes) -> None:
        chains = data.find(b'"l3_chains"')  # test items name chains, too
        self._found: dict[tuple[str, str], list[int]] = {}
        line, before = 1, 0
        for match in _ID.finditer(data):
            line += data.count(b"\n", before, match.start())
            before = match.start()
            field = match[1].decode()
            if field != "chain_id" or match.start() > chains:
                self._found.setdefault((field, match[2].decode(errors="replace")), []).append(line)

    def take(self, field: str, identity: str) -> int:
        """Return the line of the next row with an id; 0 when there is none."""
        found = self._found.get((field, identity))
        return found.pop(0) if found else 0


def _concept(row: dict[str, Any], lines: _Lines) -> Concept:
    identity = _text(row, "concept_id")
    parents = tuple(_texts(row, "parent_statement_ids"))
    line = lines.take("concept_id", identity)
    return Concept(identity, _text(row, "term"), _text(row, "type"), _text(row, "definition"), parents, line)


def _statement(row: dict[str, Any], lines: _Lines) -> Statement:
    identity = _text(row, "statement_id")
    return Statement(
        identity,
        _text(row, "parent_chain_id"),
        _text(row, "subject"),
        _text(row, "predicate"),
        _text(row, "object"),
        _text(row, "source_quote"),
        lines.take("statement_id", identity),
    )


def _chain(row: dict[str, Any], lines: _Lines) -> Chain:
    identity = _text(row, "chain_id")
    return Chain(
        identity,
        _text(row, "process_name"),
        _text(row, "narrative_summary"),
        tuple(_texts(row, "steps")),
        tuple(_texts(row, "preconditions")),
        tuple(_texts(row, "negative_constraints")),
        lines.take("chain_id", identity),
    )


def _text(row: dict[str, Any], field: str) -> str:
    value = row.get(field)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _texts(row: dict[str, Any], field: str) -> Iterator[str]:
    values = row.get(field)
    for value in values if isinstance(values, list) else ():
        if isinstance(value, str) and value.strip():
            yield " ".join(value.split())
