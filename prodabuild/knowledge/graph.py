"""All records as the checks see them: which concepts, relations and chains there are, and the files that state them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.knowledge.patches import is_patch
from prodabuild.knowledge.predicates import PREDICATE, Predicate
from prodabuild.knowledge.records import FOLDERS, nodes_of
from prodabuild.knowledge.wording import may_be_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prodabuild.engine.facts import Fact

Triple = tuple[str, str, str]


class Term(NamedTuple):
    """What a concept is called, and what it means."""

    name: str
    definition: str
    aliases: list[str]


@dataclass
class Graph:
    """Records by id. `read` gives the facts again: where a record stands is found when something is wrong with it."""

    read: Callable[[], Iterable[Fact]]
    concepts: dict[str, Term | None] = field(default_factory=dict)  # None: of no interest to the checks asked for
    relations: dict[str, Triple] = field(default_factory=dict)
    triples: dict[str, list[Triple]] = field(default_factory=dict)  # those of each predicate
    chains: dict[str, list[str]] = field(default_factory=dict)
    predicates: dict[str, Predicate] = field(default_factory=dict)
    disjoint: dict[str, list[str]] = field(default_factory=dict)  # concept -> kinds that share nothing with it
    practice: dict[str, list[str]] = field(default_factory=dict)  # emphasis or sample -> what it is about
    emphasised: set[str] = field(default_factory=set)  # those of practice that are an emphasis
    origins: dict[str, dict[str, Any]] = field(default_factory=dict)  # record -> its source, where that is a document
    unsourced: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)  # where the manifest says that documents lie

    @property
    def files(self) -> dict[str, str]:
        """Return the file that states each record."""
        return self._stated[0]

    @property
    def disciplines(self) -> dict[str, str]:
        """Return the discipline that each file belongs to; of what stands in a patch, that of each record."""
        return self._stated[1]

    @cached_property
    def _stated(self) -> tuple[dict[str, str], dict[str, str]]:
        files: dict[str, str] = {}
        disciplines: dict[str, str] = {}
        for key, _, source, group, _ in self.read():
            if group:
                files[key] = source
                disciplines[key if is_patch(source) else source] = group.partition(":")[2]
        return files, disciplines

    @property
    def terms(self) -> Iterator[tuple[str, Term]]:
        """Return the concepts that the checks asked for look into."""
        return ((key, term) for key, term in self.concepts.items() if term is not None)

    def relations_of(self, predicate: str) -> list[tuple[str, Triple]]:
        """Return the relations of a predicate, with their ids."""
        return [row for row in self.relations.items() if row[1][1] == predicate]

    def discipline(self, key: str) -> str:
        """Return the discipline of a record."""
        return self.disciplines.get(key) or self.disciplines[self.files[key]]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of records of each level, by discipline."""
        counted = {
            level: Counter(self.discipline(key) for key in records)
            for level, records in (("concepts", self.concepts), ("relations", self.relations), ("chains", self.chains))
        }
        names = sorted(set(self.disciplines.values()))
        return {name: {level: found[name] for level, found in counted.items()} for name in names}


def gather(read: Callable[[], Iterable[Fact]], wordings: bool = True) -> Graph:
    """Return the records that facts state; without `wordings`, no definition is kept that errors cannot be in.

    Every first load waits for this: one pass, nothing decoded twice, little kept.
    """
    graph = Graph(read)
    concepts, relations, triples, chains = graph.concepts, graph.relations, graph.triples, graph.chains
    loads = orjson.loads
    for key, value, _, group, _ in read():
        if not group:
            _rules(graph, key, value)
            continue
        record = loads(value)
        level = record["level"]
        if level == "relation":
            relations[key] = triple = tuple(record["triple"])
            if triple[1] not in triples:
                triples[triple[1]] = []
            triples[triple[1]].append(triple)
        elif level == "concept":
            name, definition = record["name"][0], record["definition"]
            kept = wordings or may_be_name(definition, name)
            concepts[key] = Term(name, definition, record.get("aliases", [])) if kept else None
            if "disjoint" in record:
                graph.disjoint[key] = record["disjoint"]
        elif level == "chain":
            chains[key] = record["steps"]
        else:
            graph.practice[key] = nodes_of(record)
            if level == "emphasis":
                graph.emphasised.add(key)
            if "source" not in record:
                continue
        if (source := record.get("source")) is None:
            graph.unsourced.append(key)
        elif ":" not in source["document"]:  # elsewhere, says a scheme
            graph.origins[key] = source
    return graph


def _rules(graph: Graph, key: str, value: bytes) -> None:
    """Take what is no record: predicates, and where documents lie."""
    if key.startswith(PREDICATE):
        name = key.removeprefix(PREDICATE)
        graph.predicates[name] = Predicate(name=name, **orjson.loads(value))
    elif key == FOLDERS:
        graph.folders = orjson.loads(value)["folders"]
