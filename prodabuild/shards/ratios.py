"""How many samples of each recipe a shard keeps, and which: declared ratios are met exactly in every shard.

With shares w and a shard that makes m samples by each recipe, it keeps `turns * w` of each, where `turns` is the
largest whole number that all recipes can fill. Sums of equal ratios are of that ratio: so the dataset meets it
exactly, too, and an edit moves samples of the shards that it touches alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from prodabuild.digest import seeded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prodabuild.shards.making import Made


def meet(found: Sequence[Made], ratios: Mapping[str, int], seed: int) -> list[Made]:
    """Return the samples that a shard keeps, in their order."""
    made = Counter(each.recipe for each in found)
    turns = min(made[recipe] // share for recipe, share in ratios.items())
    by_recipe: dict[str, list[Made]] = defaultdict(list)
    for each in found:
        by_recipe[each.recipe].append(each)
    kept = {
        (each.record, each.recipe, each.sample.variant)
        for recipe, share in ratios.items()
        for each in _in_turns(by_recipe[recipe], seed)[: turns * share]
    }
    return [each for each in found if (each.record, each.recipe, each.sample.variant) in kept]


def _in_turns(samples: Sequence[Made], seed: int) -> list[Made]:
    """Return a recipe's samples in the order in which they are taken: one of each record before the next of any.

    Records come by hash, and each begins with another variant than the one before it: wherever the order is cut, two
    variants that every record has (true and false) are there in equal number, or one more of either.
    """
    by_record: dict[str, list[Made]] = defaultdict(list)
    for each in samples:
        by_record[each.record].append(each)
    order = sorted(by_record, key=lambda record: (seeded(seed, "ratio", record), record))
    most = max(map(len, by_record.values()), default=0)
    return [
        by_record[record][(turn + at) % len(by_record[record])]
        for turn in range(most)
        for at, record in enumerate(order)
        if turn < len(by_record[record])
    ]
