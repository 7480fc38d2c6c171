"""Build a shard: every recipe over every record of its bucket, in the order of ids."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.code import read_code
from prodabuild.engine.loading import local_modules
from prodabuild.knowledge.reading import Knowledge
from prodabuild.shards.own import OwnRecipe, declared
from prodabuild.shards.practice import MAKERS, Practice
from prodabuild.shards.recipes import RECIPES
from prodabuild.shards.sample import to_lines, to_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prodabuild.engine.loading import LocalModules
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.shards.sample import Sample


LEVELS = ("concept", "relation")


class Recipe(NamedTuple):
    """A function that makes samples of the records of one level."""

    name: str
    level: str
    samples: Callable[[Any], Iterator[Sample]]


def build_shard(unit: str, view: View) -> Output:
    """Return the one file of a shard: samples as JSONL below `dataset/train/`."""
    group, prefix = prefix_of(unit)
    discipline = group.partition(":")[2]
    read_code(view, __name__)
    knowledge = Knowledge(view, view.read("manifest", "compile.seed"))
    modules = local_modules(view)
    with modules.mounted():
        recipes = [_recipe(view, modules, entry) for entry in view.read("manifest", "compile.recipes")]
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


def _recipe(view: View, modules: LocalModules, entry: str) -> Recipe:
    """Return the recipe behind an entry of `compile.recipes`; the code of an own one is not read before it runs."""
    found = declared(entry)
    if found is None:
        return Recipe(entry, level_of(RECIPES[entry]), RECIPES[entry])
    own = OwnRecipe(view, modules, str(found.module), found.file, found.function)
    return Recipe(own.name, own.level, own)


def _rows(knowledge: Knowledge, record: str, recipes: Sequence[Recipe], discipline: str) -> Iterator[dict[str, Any]]:
    level = knowledge.level(record)
    if level in MAKERS:
        made = MAKERS[level](Practice(knowledge, record))
        yield from (to_row(sample, record, way, discipline) for way, sample in made)
        return
    handle: Any = knowledge.concept(record) if level == "concept" else knowledge.relation(record)
    for recipe in recipes:
        if recipe.level == level:
            for sample in recipe.samples(handle):
                yield to_row(sample, record, recipe.name, discipline)
