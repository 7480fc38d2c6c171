"""Weights spread over the processes of a run (torch's FSDP2): each holds its share of base, gradients and moments.

A layer is gathered while it computes, and given up after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.errors import OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterator


def spread(model: Any, device: str) -> None:
    """Keep of every weight this process's share alone, on its device; gradients will be sums over the processes.

    No process waits for another here, so they may load and spread in turn.
    """
    fully_shard = _fully_shard()
    from torch.distributed import get_world_size
    from torch.distributed.device_mesh import init_device_mesh

    mesh = init_device_mesh(device, (get_world_size(),))
    parts = [*_layers(model), model]
    for part in parts:
        fully_shard(part, mesh=mesh)
    for part in parts:  # a step's loss is divided by all of its tokens before: what is left to do is to add
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)


def _fully_shard() -> Any:
    from torch.distributed import fsdp

    if not hasattr(getattr(fsdp, "FSDPModule", None), "set_force_sum_reduction_for_comms"):
        raise OutsideError("this torch cannot spread weights (model.train.fsdp)", "pip install 'torch>=2.9'")
    return fsdp.fully_shard


def _layers(model: Any) -> Iterator[Any]:
    """Return the layers that the architecture says are computed as a whole; weights outside them go with the root."""
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    names = set(whole._no_split_modules or ())
    return (module for module in whole.modules() if type(module).__name__ in names)


def held(model: Any) -> tuple[int, int]:
    """Return how many weights this process holds, and of how many."""
    parameters = list(model.parameters())
    own = sum(each.to_local().numel() if _is_spread(each) else each.numel() for each in parameters)
    return own, sum(each.numel() for each in parameters)


def whole(tensor: Any) -> Any:
    """Return a tensor as one process would hold it. All processes that share it must ask."""
    return tensor.full_tensor() if _is_spread(tensor) else tensor


def laid_like(other: Any, tensor: Any) -> Any:
    """Return a whole tensor as another one lies: on its device, and spread if that one is. No process waits."""
    if not _is_spread(other):
        return tensor.to(other.device)
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(other.device), other.device_mesh, other.placements, src_data_rank=None)


def whole_weights(model: Any, keep: bool) -> dict[str, Any]:
    """Return all that is trained, by name, in main memory; a process that does not keep it helps to gather it."""
    found: dict[str, Any] = {}
    for module in model.modules():
        if hasattr(module, "reshard"):  # after a forward pass alone the root is gathered, in memory that goes
            module.reshard()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            tensor = whole(parameter.detach())
            if keep:
                found[name] = tensor.to("cpu")
    return found


def _is_spread(tensor: Any) -> bool:
    return hasattr(tensor, "placements")  # a DTensor: its module is slow to import, and most runs have none
