"""Rows of samples as tensors. A token sees its own sample only, whether its row holds one or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.training.encode import Example


class Batch(NamedTuple):
    """What a model is called with, the flat positions that predict a supervised token, and these tokens."""

    inputs: dict[str, Any]
    predict: Any
    targets: Any
    tokens: int


def collate(rows: Sequence[Sequence[Example]], pad_id: int, packed: bool) -> Batch:
    """Return one batch of rows, padded on the right.

    One sample a row needs no mask: what is causal never looks at the padding behind it. Several samples a row have
    positions that begin anew, and a mask of their own squares below the diagonal.
    """
    import torch

    width = max(sum(len(sample.ids) for sample in row) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    positions = torch.zeros((len(rows), width), dtype=torch.long)
    owner = torch.zeros((len(rows), width), dtype=torch.int32)  # 0 is padding
    predict: list[int] = []
    targets: list[int] = []
    for number, row in enumerate(rows):
        at = 0
        for place, sample in enumerate(row, 1):
            length, first = len(sample.ids), max(1, sample.start)
            ids[number, at : at + length] = torch.tensor(sample.ids)
            positions[number, at : at + length] = torch.arange(length)
            owner[number, at : at + length] = place
            predict.extend(range(number * width + at + first - 1, number * width + at + length - 1))
            targets.extend(sample.ids[first:])
            at += length
    inputs = {"input_ids": ids}
    if packed:
        below = torch.ones((width, width), dtype=torch.bool).tril()
        mask = (owner[:, :, None] == owner[:, None, :]) & below
        inputs |= {"position_ids": positions, "attention_mask": mask[:, None]}
    tokens = sum(len(sample.ids) for row in rows for sample in row)
    return Batch(inputs, torch.tensor(predict), torch.tensor(targets), tokens)


def idle(pad_id: int) -> Batch:
    """Return a batch that asks for nothing: its loss is 0, and so are its gradients."""
    import torch

    nothing = torch.tensor([], dtype=torch.long)
    return Batch({"input_ids": torch.full((1, 1), pad_id)}, nothing, nothing, 0)
