"""Build a shard: every recipe over every record of its bucket, in the order of ids."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import TYPE_CHECKING, Any

from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.code import read_code
from prodabuild.knowledge.reading import Knowledge
from prodabuild.shards.recipes import RECIPES
from prodabuild.shards.sample import to_lines, to_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.shards.sample import Sample

LEVELS = ("concept", "relation")


def build_shard(unit: str, view: View) -> Output:
    """Return the one file of a shard: samples as JSONL below `dataset/train/`."""
    group, prefix = prefix_of(unit)
    discipline = group.partition(":")[2]
    read_code(view, __name__)
    knowledge = Knowledge(view, view.read("manifest", "compile.seed"))
    recipes = [(name, RECIPES[name], level_of(RECIPES[name])) for name in view.read("manifest", "compile.recipes")]
    rows = [row for record in view.members() for row in _rows(knowledge, record, recipes, discipline)]
    view.summary = Counter(row["recipe"] for row in rows)
    return {shard_path(discipline, prefix): to_lines(rows)}


def shard_path(discipline: str, prefix: str) -> str:
    """Return where a shard lies below `build/`."""
    return f"dataset/train/{discipline}/{prefix or 'all'}.jsonl"


def level_of(recipe: Callable[..., Iterator[Sample]]) -> str:
    """Return the level of record that a recipe takes: the name of its one parameter."""
    (parameter,) = inspect.signature(recipe).parameters
    assert parameter in LEVELS, f"recipe {recipe.__name__} takes `concept` or `relation`"
    return parameter


def _rows(
    knowledge: Knowledge, record: str, recipes: list[tuple[str, Callable[..., Iterator[Sample]], str]], discipline: str
) -> Iterator[dict[str, Any]]:
    level = knowledge.level(record)
    handle: Any = knowledge.concept(record) if level == "concept" else knowledge.relation(record)
    for name, recipe, takes in recipes:
        if takes == level:
            for sample in recipe(handle):
                yield to_row(sample, record, name, discipline)
