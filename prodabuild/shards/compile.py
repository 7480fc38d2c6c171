"""Build a shard: every recipe over every record of its bucket, in the order of ids; then what is declared is kept."""

from __future__ import annotations

import inspect
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.code import read_code
from prodabuild.engine.loading import local_modules
from prodabuild.knowledge.reading import Knowledge
from prodabuild.shards.making import Recipe, make
from prodabuild.shards.own import OwnRecipe, declared
from prodabuild.shards.practice import practised
from prodabuild.shards.ratios import meet
from prodabuild.shards.recipes import PAIRED, RECIPES
from prodabuild.shards.repeats import without_repeats
from prodabuild.shards.sample import to_lines, to_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prodabuild.engine.loading import LocalModules
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.shards.making import Made
    from prodabuild.shards.sample import Sample


LEVELS = ("concept", "relation")


def build_shard(unit: str, view: View, own_code: bool = True) -> Output:
    """Return the one file of a shard: samples as JSONL below `dataset/train/`.

    Without `own_code`, for a preview, recipes of the data repo make nothing, and no ratio is met.
    """
    group, prefix = prefix_of(unit)
    discipline = group.partition(":")[2]
    read_code(view, __name__)
    with closing(Knowledge(view, view.read("manifest", "compile.seed"))) as knowledge:
        rows = [to_row(made.sample, made.record, made.recipe, discipline) for made in _asked(view, knowledge, own_code)]
    return {shard_path(discipline, prefix): to_lines(rows)}


def _asked(view: View, knowledge: Knowledge, own_code: bool) -> list[Made]:
    """Return the samples that are declared, and say of the shard how many there are of each recipe."""
    modules = local_modules(view)
    records = [record for record in view.members() if knowledge.level(record) in LEVELS]
    with modules.mounted():
        entries = [entry for entry in view.read("manifest", "compile.recipes") if own_code or declared(entry) is None]
        recipes = [_recipe(view, modules, entry) for entry in entries]
        if view.read("manifest", "compile.duplicates") == "drop":
            found = without_repeats(knowledge, records, recipes)
        else:
            found = [made for record in records for made in make(knowledge, record, recipes)]
    ratios = view.read("manifest", "compile.ratios") if own_code else None
    kept = meet(found, ratios, knowledge.seed) if ratios else found
    asked = [*kept, *practised(knowledge, view.members())]
    view.summary = {"samples": Counter(made.recipe for made in asked), "left_out": len(found) - len(kept)}
    return asked


def shard_path(discipline: str, prefix: str) -> str:
    """Return where a shard lies below `build/`."""
    return f"dataset/train/{discipline}/{prefix or 'all'}.jsonl"


def level_of(recipe: Callable[..., Iterator[Sample]]) -> str:
    """Return the level of record that a recipe takes: the name of its one parameter."""
    (parameter,) = inspect.signature(recipe).parameters
    if parameter not in LEVELS:
        raise TypeError(f"recipe {recipe.__name__} takes `concept` or `relation`, not `{parameter}`")
    return parameter


def _recipe(view: View, modules: LocalModules, entry: str) -> Recipe:
    """Return the recipe behind an entry of `compile.recipes`; the code of an own one is not read before it runs."""
    found = declared(entry)
    if found is None:
        return Recipe(entry, level_of(RECIPES[entry]), RECIPES[entry], entry in PAIRED)
    own = OwnRecipe(view, modules, str(found.module), found.file, found.function)
    return Recipe(own.name, own.level, own)
