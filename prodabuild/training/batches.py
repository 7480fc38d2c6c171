"""Batches by a token budget: samples of like length together, so that little is spent on padding."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.training.encode import Example


def plan_epoch(examples: Sequence[Example], batch_tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the batches of one epoch as positions in `examples`; padded to its longest, each fits the budget.

    A property of the arguments alone: the same seed and epoch give the same batches on any machine.
    """
    order = list(range(len(examples)))
    draw = random.Random(f"{seed}/{epoch}")
    draw.shuffle(order)
    order.sort(key=lambda position: len(examples[position].ids))
    batches: list[list[int]] = []
    longest = 0
    for position in order:
        longest = max(longest, len(examples[position].ids))
        if batches and longest * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(position)
        else:
            batches.append([position])
            longest = len(examples[position].ids)
    draw.shuffle(batches)
    return batches
