"""Rows of CSV, TSV and JSONL files as concepts and relations, by a mapping of columns; every flaw with its line."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from prodabuild.paths import MAX_FILE_BYTES
from prodabuild.problems import Problem, raise_errors, suggest
from prodabuild.sources.grammar import Noun
from prodabuild.sources.mapping import Table, Tables, by_name
from prodabuild.sources.naming import Index
from prodabuild.sources.phrases import predicate_of
from prodabuild.sources.terms import Edge, Term, records_of
from prodabuild.sources.vocabulary import DISCIPLINE, Extracts, digests, read_documents, reference
from prodabuild.yamlio import TextError, decode, load_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prodabuild.sources.mapping import ConceptColumns, RelationColumns
    from prodabuild.sources.vocabulary import Document, Request

    Reader = Callable[[Document, str], tuple[list[str], list["Row"], list[Problem]]]

NOUNS = get_args(Noun)


class Row(NamedTuple):
    """One row: where it begins, and its cells by column; a cell of JSONL may hold several texts."""

    document: Document
    line: int
    cells: Mapping[str, str | list[str]]

    def one(self, column: str | None) -> str:
        """Return a cell's text."""
        cell = self.cells.get(column, "") if column else ""
        return " ".join((cell if isinstance(cell, str) else " ".join(cell)).split())

    def several(self, column: str | None, split: str) -> list[str]:
        """Return the texts of a cell."""
        cell = self.cells.get(column, "") if column else ""
        parts = cell.split(split) if isinstance(cell, str) else cell
        return [text for part in parts if (text := " ".join(part.split()))]

    def problem(self, code: str, message: str, hint: str | None = None) -> Problem:
        """Return a problem at this row."""
        return Problem(code, message, str(self.document.path), self.line, hint=hint)


def import_csv(request: Request) -> Extracts:
    """Take the rows of files whose values are separated by commas."""
    return _import(request, _read_cells, ",")


def import_tsv(request: Request) -> Extracts:
    """Take the rows of files whose values are separated by tabs."""
    return _import(request, _read_cells, "\t")


def import_jsonl(request: Request) -> Extracts:
    """Take the rows of files with one JSON object a line."""
    return _import(request, _read_objects, "")


def _import(request: Request, read: Reader, delimiter: str) -> Extracts:
    documents = read_documents(request)
    tables = Tables(request)
    problems: list[Problem] = []
    rows: list[tuple[Table, Row]] = []
    for document in documents:
        table = tables.table(document.path.name)
        header, found, wrong = read(document, (table.delimiter if table else None) or delimiter)
        problems += wrong
        if table is not None:
            problems += [] if wrong else tables.missing(document.path.name, header)
        elif (table := by_name(header)) is None:
            if wrong:
                continue
            hint = "write a mapping file and name it with --mapping"
            problems.append(
                Problem("I002", f"no column is called name, nor subject: {header}", str(document.path), 1, hint=hint)
            )
            continue
        rows += [(table, row) for row in found]
    raise_errors(problems)
    terms = _terms(request, rows, problems)
    declared: dict[str, dict[str, Any]] = {}
    edges = list(_edges(rows, Index(terms.values()), declared, problems))
    raise_errors(problems)
    records = records_of(list(terms.values()), edges, request.name, request.known)
    keys = {identity: key for key, identity in records.ids.items()}
    return Extracts(records.disciplines, keys, declared, records.remarks, digests(documents))


def _read_cells(document: Document, delimiter: str) -> tuple[list[str], list[Row], list[Problem]]:
    file = str(document.path)
    try:
        reader = csv.reader(io.StringIO(decode(document.data), newline=""), delimiter=delimiter, strict=True)
    except TextError as error:
        return [], [], [Problem(error.code, error.message, file, error.line, error.column, error.hint)]
    rows: list[Row] = []
    problems: list[Problem] = []
    header: list[str] = []
    line = 1
    before = csv.field_size_limit(MAX_FILE_BYTES)  # the file is read already: a cell is no longer than that
    try:
        for cells in reader:
            if not header:
                header = [cell.strip() for cell in cells]
                problems += _twice(header, file)
            elif cells and len(cells) != len(header):
                problems.append(Problem("I002", f"{len(cells)} cells under {len(header)} columns", file, line))
            elif any(cell.strip() for cell in cells):
                rows.append(Row(document, line, dict(zip(header, cells, strict=True))))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem("I001", f"not CSV: {error}", file, reader.line_num))
    finally:
        csv.field_size_limit(before)
    return header, rows, problems


def _twice(header: list[str], file: str) -> Iterator[Problem]:
    for column in sorted({column for column in header if header.count(column) > 1}):
        yield Problem("I002", f"two columns are called {column!r}", file, 1)


def _read_objects(document: Document, _: str) -> tuple[list[str], list[Row], list[Problem]]:
    file = str(document.path)
    try:
        values = load_jsonl(document.data)
    except TextError as error:
        return [], [], [Problem(error.code, error.message, file, error.line, error.column, error.hint)]
    rows: list[Row] = []
    problems: list[Problem] = []
    for line, value in values:
        if not isinstance(value, dict):
            problems.append(Problem("I002", "a line is one row: a JSON object", file, line))
            continue
        wrong = [key for key, cell in value.items() if not _is_cell(cell)]
        problems += [Problem("I002", f"{key} is not a text, nor a list of texts", file, line) for key in wrong]
        rows.append(Row(document, line, {key: _cell(cell) for key, cell in value.items() if key not in wrong}))
    return list(dict.fromkeys(key for row in rows for key in row.cells)), rows, problems


def _is_cell(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return all(isinstance(text, str | int) and not isinstance(text, bool) for text in texts) or value is None


def _cell(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [str(text) for text in value]
    return "" if value is None else str(value)


def _terms(request: Request, rows: list[tuple[Table, Row]], problems: list[Problem]) -> dict[str, Term]:
    """Return the terms of all rows by key; rows about the same one must agree."""
    terms: dict[str, Term] = {}
    for table, row in rows:
        if table.concept is None:
            continue
        name = row.one(table.concept.name)
        if not name:
            if row.one(table.concept.definition) or not any(row.one(each.object) for each in table.relations):
                problems.append(row.problem("I002", f"{table.concept.name} is empty"))
            continue
        term = _term(request, table.concept, table.split, row, problems)
        first = terms.setdefault(term.key, term)
        differing = _differ(first, term)
        if differing:
            message = f"{name!r} stands for two concepts: another {differing} than at {first.file}:{first.line}"
            problems.append(row.problem("I003", message, "map a `key` column that tells them apart"))
    return terms


def _term(request: Request, columns: ConceptColumns, split: str, row: Row, problems: list[Problem]) -> Term:
    name, noun, identity = row.one(columns.name), row.one(columns.noun), row.one(columns.id)
    discipline = row.one(columns.discipline) or request.discipline
    if noun and noun not in NOUNS:
        problems.append(row.problem("I002", f"{noun!r} is not one of {', '.join(NOUNS)}", suggest(noun, NOUNS)))
    if identity and not _is_id(identity):
        problems.append(row.problem("I002", f"{identity!r} cannot be an id", "no spaces, no `#`"))
    if not DISCIPLINE.fullmatch(discipline):
        hint = "letters, digits, `_` and `-`: files and ids begin with it"
        problems.append(row.problem("I002", f"{discipline!r} cannot be a discipline", hint))
    key = row.one(columns.key) or identity or name.casefold()
    return Term(
        key,
        name,
        discipline,
        reference(row.document.name, row.one(columns.key) or identity or name),
        row.one(columns.definition),
        tuple(row.several(columns.aliases, split)),
        row.one(columns.kind),
        noun,
        id=identity if not identity or "/" in identity else f"{discipline}/{identity}",
        file=str(row.document.path),
        line=row.line,
    )


def _is_id(text: str) -> bool:
    begins = text[0].isascii() and text[0].isalnum()
    return begins and text.isprintable() and " " not in text and "#" not in text


def _differ(one: Term, two: Term) -> str:
    """Return the first field in which two rows about one concept contradict each other."""
    fields = ("label", "discipline", "definition", "aliases", "kind", "noun", "id")
    return next((name for name in fields if getattr(two, name) not in ("", (), getattr(one, name))), "")


def _edges(
    rows: list[tuple[Table, Row]], index: Index, declared: dict[str, dict[str, Any]], problems: list[Problem]
) -> Iterator[Edge]:
    for table, row in rows:
        for columns in table.relations:
            targets = row.several(columns.object, table.split)
            name = row.one(columns.subject) if columns.subject else _own(table.concept, row)
            predicate = _predicate(columns, row, declared) if targets else ""
            if targets and not (name and predicate):
                empty = columns.subject or "the concept" if not name else columns.verb
                problems.append(row.problem("I002", f"{empty} is empty"))
                continue
            ends = [_find(index, each, row, problems) for each in ([name, *targets] if targets else [])]
            here = reference(row.document.name, f"{name} {predicate}")
            said = row.one(columns.statement)
            yield from (Edge(ends[0], predicate, end, here, said) for end in ends[1:] if ends[0] and end)


def _own(columns: ConceptColumns | None, row: Row) -> str:
    assert columns is not None
    return row.one(columns.key) or row.one(columns.id) or row.one(columns.name)


def _predicate(columns: RelationColumns, row: Row, declared: dict[str, dict[str, Any]]) -> str:
    phrase = predicate_of(columns.predicate or row.one(columns.verb))
    if phrase is None:
        return ""
    if phrase.fields is not None:
        declared[phrase.name] = phrase.fields
    return phrase.name


def _find(index: Index, name: str, row: Row, problems: list[Problem]) -> str:
    keys = index.find(name)
    if len(keys) == 1:
        return keys[0]
    message = f"no concept is called {name!r}" if not keys else f"{name!r} is the name of {len(keys)} concepts"
    problems.append(row.problem("I003", message, index.alike(name) if not keys else "write its key or id"))
    return ""
