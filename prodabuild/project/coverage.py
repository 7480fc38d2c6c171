"""Coverage of knowledge: which records the training samples teach and the test items ask for, as far as built.

A concept or relation is taught when a sample names it among its nodes, a chain when all of its steps are; a record
is tested when an item names it, a chain when an item was made of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import key_hash
from prodabuild.paths import read_whole
from prodabuild.shards.sample import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from prodabuild.engine.state import State
    from prodabuild.knowledge.graph import Graph

LEVELS = ("concepts", "relations", "chains")
WAYS = ("taught", "tested")


Counts = dict[str, dict[str, int]]  # discipline -> level -> number


class Reach(NamedTuple):
    """Ids of the records that are taught and tested; None for what is not built.

    `repeated` are the samples that say word for word what another one says.
    """

    taught: frozenset[str] | None
    tested: frozenset[str] | None
    repeated: int = 0


@dataclass(frozen=True)
class Row:
    """Coverage of a discipline, or of all: records of each level, how many of them are taught and tested.

    `connected` is the share of the concepts that relations join into the largest whole.
    """

    records: dict[str, int]
    connected: float
    taught: dict[str, int] | None
    tested: dict[str, int] | None

    def share(self, way: str, level: str | None = None) -> float | None:
        """Return the share of a level's records (or of all of them) that is taught or tested; None if not built."""
        reached: dict[str, int] | None = getattr(self, way)
        levels = [level] if level else LEVELS
        total = sum(self.records[level] for level in levels)
        return None if reached is None else sum(reached[level] for level in levels) / total if total else 1.0

    def to_json(self) -> dict[str, Any]:
        """Return the row as it stands in `--json` documents."""
        return {**self.records, "connected": round(self.connected, 4), "taught": self.taught, "tested": self.tested}


@dataclass(frozen=True)
class Coverage:
    """Coverage by discipline and of all; `edited`: knowledge was edited since it was last built.

    `repeated` are the samples that say word for word what another one says.
    """

    rows: Mapping[str, Row]
    total: Row
    edited: bool
    repeated: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the rows of the disciplines, as they stand in `--json` documents."""
        return {name: row.to_json() for name, row in self.rows.items()}


def read_reach(root: Path, state: State) -> Reach:
    """Return what the samples and items in `build/` name, as far as recorded units made them."""
    samples = _rows(root, state, "shards")
    taught, repeated = (None, 0) if samples is None else _nodes_and_repeats(samples)
    items = _rows(root, state, "items")
    if items is None:
        return Reach(taught, None, repeated)
    return Reach(taught, frozenset(node for row in items for node in (row["id"], *row["nodes"])), repeated)


def _nodes_and_repeats(samples: Iterable[dict[str, Any]]) -> tuple[frozenset[str], int]:
    nodes: set[str] = set()
    texts: set[int] = set()
    repeated = 0
    for row in samples:
        nodes.update(row["nodes"])
        text = key_hash("\n".join(bare(message["content"]) for message in row["messages"]))
        repeated += text in texts
        texts.add(text)
    return frozenset(nodes), repeated


def _rows(root: Path, state: State, stage: str) -> Iterator[dict[str, Any]] | None:
    """Return the rows that the units of a stage made when they were last built; None when some are not there."""
    files = [root / "build" / stored.path for trace in state.current_traces(stage) for stored in trace.files]
    if not files or not all(file.is_file() for file in files):
        return None
    return (orjson.loads(line) for file in files for line in read_whole(file).splitlines())


def cover(graph: Graph, reach: Reach, edited: bool) -> Coverage:
    """Return the coverage of each discipline, and of all."""
    taught = None if reach.taught is None else _taught(graph, reach.taught)
    tested = None if reach.tested is None else _count(graph, _levels(graph), reach.tested)
    connected = _connected(graph)
    counts = graph.counts()
    rows = {
        name: Row(records, connected[name], taught[name] if taught else None, tested[name] if tested else None)
        for name, records in counts.items()
    }
    total = Row(_sum(counts), connected[""], _sum(taught) if taught else None, _sum(tested) if tested else None)
    return Coverage(rows, total, edited, reach.repeated)


def _levels(graph: Graph) -> dict[str, Iterable[str]]:
    return {"concepts": graph.concepts, "relations": graph.relations, "chains": graph.chains}


def _taught(graph: Graph, found: frozenset[str]) -> Counts:
    whole = [key for key, steps in graph.chains.items() if found.issuperset(steps)]
    return _count(graph, _levels(graph) | {"chains": whole}, found.union(whole))


def _count(graph: Graph, levels: Mapping[str, Iterable[str]], found: frozenset[str]) -> Counts:
    """Return by discipline how many records of each level are found."""
    counted = {level: Counter(graph.discipline(key) for key in keys if key in found) for level, keys in levels.items()}
    return {name: {level: counted[level][name] for level in LEVELS} for name in set(graph.disciplines.values())}


def _sum(counts: Counts) -> dict[str, int]:
    return {level: sum(row[level] for row in counts.values()) for level in LEVELS}


def _connected(graph: Graph) -> dict[str, float]:
    """Return the share of the largest island of concepts in each discipline and, under no name, in all."""
    above = {key: key for key in graph.concepts}

    def top(key: str) -> str:
        while above[key] != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    for subject, _, target in graph.relations.values():
        if subject in above and target in above:
            above[top(subject)] = top(target)
    sizes: dict[str, Counter[str]] = {name: Counter() for name in ("", *graph.disciplines.values())}
    for key in above:
        sizes[""][top(key)] += 1
        sizes[graph.discipline(key)][top(key)] += 1
    return {name: max(found.values()) / found.total() if found else 1.0 for name, found in sizes.items()}
