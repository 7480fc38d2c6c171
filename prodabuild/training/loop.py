"""The training loop: AdamW, warm-up and cosine, gradients clipped at 1. Same inputs and seed, same weights."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from prodabuild.events import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prodabuild.events import Emit

FLOOR = 0.05  # the schedule ends at this share of the peak


class Batches(Protocol):
    """A known number of batches, each made when its turn comes."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[dict[str, Any]]: ...


@dataclass(frozen=True)
class Schedule:
    """Learning rate by step: linear warm-up, then cosine down to `FLOOR` of the peak."""

    peak: float
    steps: int
    warmup: int

    def at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * done)))


@dataclass(frozen=True)
class Log:
    """One line of the record of a run."""

    step: int
    loss: float
    learning_rate: float
    tokens: int


def set_deterministic(seed: int) -> None:
    """Seed torch and forbid operations whose result depends on timing."""
    import torch

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=False)
    torch.backends.cudnn.benchmark = False


def train(
    model: Any, batches: Batches, schedule: Schedule, emit: Emit, stage: str, autocast: bool, weight_decay: float = 0.0
) -> list[Log]:
    """Train the parameters that require it on the batches in order; each gives `input_ids`, `labels`, `attention_mask`.

    Loss is the mean over supervised tokens. Returns one log line a step.
    """
    import torch

    device = next(model.parameters()).device
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=schedule.peak, betas=(0.9, 0.95), weight_decay=weight_decay)
    model.train()
    logs: list[Log] = []
    started, tokens = time.monotonic(), 0
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = schedule.at(step)
        moved = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            loss = model(**moved, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += int(batch["attention_mask"].sum())
        logs.append(Log(step + 1, loss.item(), schedule.at(step), tokens))
        speed = tokens / (time.monotonic() - started)
        emit(Progress(stage, step + 1, len(batches), f"loss {_recent(logs):.3f}  {speed:,.0f} tokens/s"))
    model.eval()
    return logs


def _recent(logs: Sequence[Log]) -> float:
    last = logs[-20:]
    return sum(log.loss for log in last) / len(last)


def pad(rows: Iterable[tuple[Sequence[int], int]], pad_id: int) -> dict[str, Any]:
    """Return one batch of (token ids, first supervised position), padded on the right."""
    import torch

    rows = list(rows)
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), longest), pad_id)
    labels = torch.full((len(rows), longest), -100)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for number, (row, start) in enumerate(rows):
        length = len(row)
        ids[number, :length] = torch.tensor(row)
        labels[number, start:length] = torch.tensor(row[start:])
        mask[number, :length] = 1
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def cut_blocks(documents: Iterable[Sequence[int]], eos: int, length: int) -> Iterator[list[int]]:
    """Return whole blocks of the documents laid end to end, each closed by the end-of-text token."""
    block: list[int] = []
    for document in documents:
        block += [*document, eos]
        while len(block) >= length:
            yield block[:length]
            block = block[length:]
