"""Samples of one record: what each recipe of its level makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prodabuild.knowledge.reading import Knowledge
    from prodabuild.shards.sample import Sample


class Recipe(NamedTuple):
    """A function that makes samples of the records of one level; `paired`: those of a record balance each other."""

    name: str
    level: str
    samples: Callable[[Any], Iterator[Sample]]
    paired: bool = False


class Made(NamedTuple):
    """A sample, and the record and recipe that it was made from and by."""

    record: str
    recipe: str
    sample: Sample


def make(knowledge: Knowledge, record: str, recipes: Sequence[Recipe]) -> Iterator[Made]:
    """Return the samples of a record, recipe by recipe."""
    level = knowledge.level(record)
    handle: Any = knowledge.concept(record) if level == "concept" else knowledge.relation(record)
    for recipe in recipes:
        if recipe.level == level:
            for sample in recipe.samples(handle):
                yield Made(record, recipe.name, sample)
