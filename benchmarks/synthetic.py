"""Made-up data repos of any size: trees of concepts, each joined to the one above it by a relation, in JSONL files."""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import TYPE_CHECKING

from prodabuild.digest import bucket_hash
from prodabuild.engine.buckets import layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAN = 8  # concepts below a concept
PER_DISCIPLINE = 20_000  # nodes of a discipline, at most
WORDS = """
amber birch cedar delta ember fjord grove heath islet joist knoll ledge mound north ochre plain
""".split()  # noqa: SIM905 - a list of quoted words reads worse


def write_repo(folder: Path, nodes: int, per_file: int, shard_size: int, padding: int = 0) -> None:
    """Write a data repo of so many concepts and relations; `padding` more words make each definition longer."""
    count = -(-nodes // PER_DISCIPLINE)
    names = [f"field{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        below = folder / "knowledge" / name
        below.mkdir(parents=True)
        share = nodes * (number + 1) // count - nodes * number // count
        lines = list(_records(name, share // 2, padding))
        for part, at in enumerate(range(0, len(lines), per_file)):
            (below / f"{part:05}.jsonl").write_text("".join(lines[at : at + per_file]), "utf-8")
    disciplines = "".join(f"  {name}: {{knowledge: [knowledge/{name}]}}\n" for name in names)
    (folder / "proda.yaml").write_text(
        f"version: 1\nname: synthetic\ndisciplines:\n{disciplines}"
        f"compile: {{seed: 7, recipes: [define, relate], shard_size: {shard_size}}}\nmodel: {{base: scratch:micro}}\n",
        "utf-8",
    )


def shard_size_for(nodes: int, shards: int) -> int:
    """Return the shard size that comes nearest to so many shards."""
    count = -(-nodes // PER_DISCIPLINE)
    hashes = [
        sorted(bucket_hash(key) for key in _keys(f"field{n:03}", (nodes * (n + 1) // count - nodes * n // count) // 2))
        for n in range(count)
    ]
    sizes = range(1, nodes)
    few = bisect_left(sizes, -shards, key=lambda size: -sum(len(layout(found, size)) for found in hashes))
    return sizes[few]


def _keys(discipline: str, concepts: int) -> Iterator[str]:
    for number in range(concepts):
        yield f"{discipline}/{number}"
        if number:
            yield f"{discipline}/{number}.is_a.{_above(number)}"


def _records(discipline: str, concepts: int, padding: int) -> Iterator[str]:
    """Return concepts, each but the top one with its relation to the concept above it."""
    for number in range(concepts):
        word = WORDS[number % len(WORDS)]
        more = "".join(f" {WORDS[(number * 7 + at * at) % len(WORDS)]}" for at in range(padding))
        concept = {
            "level": "concept",
            "id": f"{discipline}/{number}",
            "name": f"{word} {number} of {discipline}",
            "definition": f"the {word} that stands at place {number} and is known by its number{more}",
        }
        yield json.dumps(concept, separators=(",", ":")) + "\n"
        if number:
            above = f"{discipline}/{_above(number)}"
            relation = {"level": "relation", "subject": concept["id"], "predicate": "is_a", "object": above}
            yield json.dumps(relation, separators=(",", ":")) + "\n"


def _above(number: int) -> int:
    return (number - 1) // FAN
