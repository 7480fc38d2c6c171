"""What an export holds: counted while its rows are written, told by its card and its marker."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.shards.licences import UNSTATED, Owed, declared, records_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prodabuild.manifest.model import Licence
    from prodabuild.shards.licences import SourceOf


@dataclass(frozen=True)
class Contents:
    """`what` is train, dev or sealed; `counts` are rows by (split, discipline, recipe)."""

    name: str
    what: str
    digest: str
    version: str
    files: dict[str, list[str]]
    counts: Counter[tuple[str, str, str]]
    owed: tuple[Owed, ...]

    def by(self, place: int) -> dict[str, int]:
        """Return the number of rows by split (0), discipline (1) or recipe (2)."""
        found: Counter[str] = Counter()
        for key, number in self.counts.items():
            found[key[place]] += number
        return dict(sorted(found.items()))


class Tally:
    """Counts rows as they pass: by split, discipline and recipe, and by the sources that they have words from."""

    def __init__(self, source_of: SourceOf, licences: Mapping[str, Licence]) -> None:
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self._source_of = source_of
        self._licences = licences
        self._sources: Counter[str] = Counter()

    def passing(self, split: str, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Return the rows, each counted when it is taken."""
        for row in rows:
            self.counts[split, row["discipline"], row.get("recipe", "items")] += 1
            self._sources.update({self._name(record) for record in records_of(row)[1]})
            yield row

    def owed(self) -> tuple[Owed, ...]:
        """Return the sources counted, by name; records that name none come first."""
        return tuple(Owed(name, self._licences.get(name), number) for name, number in sorted(self._sources.items()))

    def _name(self, record: str) -> str:
        source = self._source_of(record)
        return UNSTATED if source is None else declared(source["document"], self._licences) or source["document"]
