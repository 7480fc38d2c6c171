"""Mapping files: which column of a table is which field of a concept, and which columns state relations."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from prodabuild.errors import ProjectError
from prodabuild.manifest.paths import refuse
from prodabuild.manifest.strict import Part, read_strict
from prodabuild.paths import read_regular
from prodabuild.problems import Problem, ProblemsError, suggest
from prodabuild.yamlio import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.sources.vocabulary import Request


class ConceptColumns(Part):
    """The columns of a row's concept. `id` is the record's id; `key` only names the row, and the name makes the id."""

    name: str
    definition: str | None = None
    aliases: str | None = None
    kind: str | None = None
    noun: str | None = None
    id: str | None = None
    key: str | None = None
    discipline: str | None = None


class RelationColumns(Part):
    """A relation that a row states: its subject (without one: the row's concept), predicate and objects.

    `predicate` is the same for every row; `verb` is a column that states it in words.
    """

    object: str
    subject: str | None = None
    predicate: str | None = None
    verb: str | None = None
    statement: str | None = None

    @model_validator(mode="after")
    def _one_predicate(self) -> RelationColumns:
        if (self.predicate is None) == (self.verb is None):
            raise ValueError("a relation has either `predicate`, a name, or `verb`, a column")
        return self


class Table(Part):
    """What the rows of one file state. `split` is what separates several values in a cell."""

    concept: ConceptColumns | None = None
    relations: list[RelationColumns] = Field(default=[])
    split: Annotated[str, Field(min_length=1)] = ";"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None

    @model_validator(mode="after")
    def _states_something(self) -> Table:
        if self.concept is None and not self.relations:
            raise ValueError("a table has a `concept`, or `relations`")
        if self.concept is None and any(relation.subject is None for relation in self.relations):
            raise ValueError("without a `concept`, each relation needs a `subject` column")
        return self


class Mapping(Part):
    """Tables by file name; `*` stands for any letters."""

    tables: Annotated[dict[str, Table], Field(min_length=1)]


class Tables:
    """The tables of one import: from a mapping file, or by columns that are called as fields are."""

    def __init__(self, request: Request) -> None:
        self._file = request.mapping
        self._text = ""
        self._mapping: Mapping | None = None
        if request.mapping is not None:
            refused = refuse(request.root, request.mapping)
            if refused:
                raise ProjectError(refused.message, refused.hint)
            data = read_regular(request.root / request.mapping)
            self._mapping, self._text = read_strict(Mapping, data, request.mapping)

    def table(self, name: str) -> Table | None:
        """Return the table that a mapping file has for a file; None without a mapping file."""
        if self._mapping is None:
            return None
        for pattern, table in self._mapping.tables.items():
            if fnmatchcase(name, pattern):
                return table
        hint = f"tables: {', '.join(self._mapping.tables)}"
        place = locate(self._text, ("tables",), key=True)
        raise ProblemsError([Problem("I002", f"no table is for {name}", str(self._file), *place, hint)])

    def missing(self, name: str, header: Sequence[str]) -> Iterator[Problem]:
        """Return the columns of a file's table that its header lacks, each at its place in the mapping file."""
        assert self._mapping is not None
        pattern = next(pattern for pattern in self._mapping.tables if fnmatchcase(name, pattern))
        for path, column in _columns(self._mapping.tables[pattern]):
            if column not in header:
                place = locate(self._text, ("tables", pattern, *path))
                hint = suggest(column, header, "columns")
                yield Problem("I002", f"{name} has no column {column!r}", str(self._file), *place, hint)


def _columns(table: Table) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for field, column in table.concept or ():
        if column is not None:
            yield ("concept", field), column
    for number, relation in enumerate(table.relations):
        for field, column in relation:
            if column is not None and field != "predicate":
                yield ("relations", number, field), column


def by_name(header: Sequence[str]) -> Table | None:
    """Return the table of columns that are called as the fields of records are; None when there are too few."""
    concept: dict[str, Any] = {field: field for field in ConceptColumns.model_fields if field in header}
    relation = {"subject": "subject", "verb": "predicate", "object": "object"}
    said = {"statement": "statement"} if "statement" in header else {}
    stated = [RelationColumns(**relation, **said)] if set(relation.values()) <= set(header) else []
    if "name" not in concept and not stated:
        return None
    return Table(concept=ConceptColumns(**concept) if "name" in concept else None, relations=stated)
