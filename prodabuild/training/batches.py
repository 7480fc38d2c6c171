"""Which samples make an optimiser step, and how a step is split: a function of lengths, settings, seed and epoch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = list[int]  # numbers of samples that lie in one row of a batch


class Budget(NamedTuple):
    """How much makes a step and a part of one, in tokens; packed rows are filled up to `row`, others hold a sample."""

    step: int
    part: int
    row: int | None = None


@dataclass(frozen=True)
class Epoch:
    """The steps of one epoch: an order of the samples, and where in it each step ends."""

    order: Any  # int64 tensor
    ends: list[int]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, step: int) -> list[int]:
        begin = self.ends[step - 1] if step else 0
        found: list[int] = self.order[begin : self.ends[step]].tolist()
        return found


def plan_epoch(lengths: Sequence[int], budget: Budget, seed: int, epoch: int) -> Epoch:
    """Return the steps of an epoch: samples of like length or, packed, the next ones of a shuffled order.

    How a step is split into parts makes no difference to it.
    """
    import torch

    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    sizes = torch.tensor(lengths)
    order = torch.randperm(len(sizes), generator=generator)
    if budget.row is not None:
        ends = _fill((lengths[number] for number in order.tolist()), budget.step)
        return Epoch(order, ends)
    order = order[torch.argsort(sizes[order], stable=True)]
    ends = _fill_padded((lengths[number] for number in order.tolist()), budget.step)
    shuffled = torch.randperm(len(ends), generator=generator).tolist()
    spans = list(pairwise([0, *ends]))
    order = torch.cat([order[slice(*spans[number])] for number in shuffled])
    return Epoch(order, list(accumulate(spans[number][1] - spans[number][0] for number in shuffled)))


def split(samples: Sequence[int], lengths: Sequence[int], budget: Budget) -> list[list[Row]]:
    """Return the parts of a step, each a list of rows that together fit the budget of a part."""
    if budget.row is None:
        ordered = sorted(samples, key=lambda number: lengths[number])
        ends = _fill_padded((lengths[number] for number in ordered), budget.part)
        return [[[number] for number in ordered[slice(*span)]] for span in pairwise([0, *ends])]
    ends = _fill((lengths[number] for number in samples), budget.part)
    return [pack(samples[slice(*span)], lengths, budget.row) for span in pairwise([0, *ends])]


def share(samples: Sequence[int], lengths: Sequence[int], rank: int, world: int) -> list[int]:
    """Return the samples of a step that one of `world` processes takes: every so many-th by length."""
    return sorted(samples, key=lambda number: lengths[number])[rank::world]


def pack(samples: Sequence[int], lengths: Sequence[int], room: int) -> list[Row]:
    """Return rows of samples: the longest first, each into the first row with room for it."""
    rows: list[Row] = []
    left: list[int] = []
    for number in sorted(samples, key=lambda number: -lengths[number]):
        length = lengths[number]
        at = next((at for at, free in enumerate(left) if free >= length), len(rows))
        if at == len(rows):
            rows.append([])
            left.append(max(room, length))
        rows[at].append(number)
        left[at] -= length
    return rows


def _fill(lengths: Iterable[int], most: int) -> list[int]:
    """Return where groups end whose lengths add up to `most` at most."""
    ends, total, position = [], 0, 0
    for position, length in enumerate(lengths):
        if total and total + length > most:
            ends.append(position)
            total = 0
        total += length
    return [*ends, position + 1]


def _fill_padded(lengths: Iterable[int], most: int) -> list[int]:
    """Return where groups end that, padded to the longest, hold `most` tokens; `lengths` do not fall."""
    ends, begin, position = [], 0, 0
    for position, length in enumerate(lengths):
        if position > begin and length * (position + 1 - begin) > most:
            ends.append(position)
            begin = position
    return [*ends, position + 1]
