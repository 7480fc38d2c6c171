"""What processes that train together do as one: add up gradients and losses, agree, take turns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK = 1 << 24  # gradients that are sent at once


class Group(NamedTuple):
    """One process of so many. Sums are taken in the order of the processes: the same bytes each time."""

    rank: int = 0
    world: int = 1

    def add(self, parameters: Sequence[Any], loss: float) -> float:
        """Give every process the sums of the gradients; returns the sum of the losses."""
        import torch

        for parameter in parameters:
            if parameter.grad is None:  # this process had no sample of the step
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
        for chunk in torch.split(flat, CHUNK):
            chunk.copy_(self._sum(chunk))
        at = 0
        for parameter in parameters:
            parameter.grad.copy_(flat[at : at + parameter.numel()].view_as(parameter))
            at += parameter.numel()
        return self.total(parameters, loss)

    def total(self, parameters: Sequence[Any], loss: float) -> float:
        """Return the sum of the losses; where weights are sharded, their gradients are added up already."""
        import torch

        found: float = self._sum(torch.tensor([loss], dtype=torch.float64, device=parameters[0].device)).item()
        return found

    def agree(self, said: bool, device: str) -> bool:
        """Return what the first process said."""
        import torch

        word = torch.tensor([said], dtype=torch.uint8, device=device)
        torch.distributed.broadcast(word, 0)
        return bool(word.item())

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the processes before this one; those after it wait until this one is done."""
        import torch

        for _ in range(self.rank):
            torch.distributed.barrier()
        yield
        for _ in range(self.rank, self.world):
            torch.distributed.barrier()

    def _sum(self, own: Any) -> Any:
        import torch

        found = [torch.empty_like(own) for _ in range(self.world)]
        torch.distributed.all_gather(found, own.contiguous())
        total = found[0]
        for other in found[1:]:
            total += other
        return total
