"""Which sources a sample owes its words to, and their licences: what the manifest declares, and nothing guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prodabuild.manifest.model import Licence

    SourceOf = Callable[[str], dict[str, Any] | None]

UNSTATED = ""  # stands for the source of records that name none
_ENDS = ":/#"  # what may follow the name of a source in the name of one of its documents


class Owed(NamedTuple):
    """A source, its licence where one is declared, and the number of rows with words from it."""

    source: str
    licence: Licence | None
    rows: int


def declared(document: str, licences: Mapping[str, Licence]) -> str | None:
    """Return the declared source that a document belongs to: the longest name that its own begins with."""
    fitting = [
        name
        for name in licences
        if document.startswith(name) and (name[-1] in _ENDS or document[len(name) :][:1] in ("", *_ENDS))
    ]
    return max(fitting, key=len, default=None)


def records_of(row: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the record that a row was made of, and every record whose words it may hold: an emphasis has none."""
    record = row["id"].partition("#")[0]
    own = [] if row.get("recipe") == "emphasis" and record not in row["nodes"] else [record]
    return record, list(dict.fromkeys([*own, *row["nodes"]]))


def with_provenance(row: dict[str, Any], source_of: SourceOf) -> dict[str, Any]:
    """Return a row with one more column: its record, and the source of each record that names one, as JSON."""
    record, records = records_of(row)
    sources = {each: found for each in records if (found := source_of(each)) is not None}
    return {**row, "provenance": canonical({"record": record, "sources": sources}).decode()}
