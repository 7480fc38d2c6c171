"""The dataset: a folder that `datasets.load_dataset` reads, made of the shards; its index says what is in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from prodabuild.digest import canonical
from prodabuild.engine.code import read_code
from prodabuild.errors import ProjectError

if TYPE_CHECKING:
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

INDEX = "dataset/dataset.json"
CARD = "dataset/README.md"


def build_dataset(unit: str, view: View) -> Output:
    """Return the index (shards with digests, counts per discipline and recipe) and the card of the dataset."""
    read_code(view, __name__)
    name = view.read("manifest", "name")
    shards, counts = [], Counter[tuple[str, str]]()
    for shard in view.units("shards"):
        (stored,) = view.output(shard)
        rows = view.path(stored).read_bytes().splitlines()
        counts.update((row["discipline"], row["recipe"]) for row in map(orjson.loads, rows))
        shards.append({"path": stored.path.removeprefix("dataset/"), "sha256": stored.sha256, "samples": len(rows)})
    if not counts:
        raise ProjectError("the dataset has no sample", "no record of the knowledge is taken by any of compile.recipes")
    by_discipline: Counter[str] = Counter()
    by_recipe: Counter[str] = Counter()
    for (discipline, recipe), number in counts.items():
        by_discipline[discipline] += number
        by_recipe[recipe] += number
    index = {
        "name": name,
        "samples": counts.total(),
        "disciplines": by_discipline,
        "recipes": by_recipe,
        "shards": shards,
    }
    return {INDEX: canonical(index) + b"\n", CARD: _card(name, by_discipline, by_recipe).encode()}


def _card(name: str, by_discipline: Counter[str], by_recipe: Counter[str]) -> str:
    rows = "\n".join(f"| {discipline} | {number} |" for discipline, number in sorted(by_discipline.items()))
    kinds = ", ".join(f"{recipe} {number}" for recipe, number in sorted(by_recipe.items()))
    return f"""---
pretty_name: {name}
configs:
- config_name: default
  data_files:
  - split: train
    path: train/**/*.jsonl
---

# {name}

{by_discipline.total()} training samples, built by prodabuild from the knowledge of {len(by_discipline)} disciplines.
Each row has `messages`, and the `recipe`, `discipline` and `nodes` (ids of records) that it was made from.

Samples by recipe: {kinds}.

| discipline | samples |
|---|---|
{rows}
"""
