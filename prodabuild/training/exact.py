"""Products of float32 matrices whose bits no CPU, library or number of threads decides.

Libraries add up a row times a column in an order of their own, which differs by vendor, instructions and threads, and
so does the rounding. Here sums are not rounded: the elements of a row (or column) are first brought to one grid, which
keeps 22 bits of its largest element (fewer in rows longer than 512), such that all products and their sums are exact
in float64. An exact sum has no order. The result is rounded once, to float32.
"""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prodabuild.training.kernels import refuse_other

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPONENT, SMALLEST = 0x7F800000, 2.0**-126  # of a float32: its bits, and the smallest that is not subnormal
_within: list[str] = []  # devices of the contexts that are open


@contextmanager
def exact(device: str) -> Iterator[None]:
    """Compute products of matrices exactly meanwhile, where the device is a CPU; raises `OutsideError`.

    Attention is computed by such products, too. The fused kernel of torch has its own order.
    """
    if device != "cpu" or _within:
        yield
        return
    refuse_other()
    import torch

    # the switches of fused attention are those of CPUs, too
    fused = torch.backends.cuda.flash_sdp_enabled()  # type: ignore[no-untyped-call]
    torch.backends.cuda.enable_flash_sdp(False)
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    library: Any = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns once of what this does on purpose
            for name, function in _products().items():
                library.impl(name, function, "CPU")
        _within.append(device)
        yield
    finally:
        _within.clear()
        library._destroy()
        torch.backends.cuda.enable_flash_sdp(fused)
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def on_grid(values: Any, dim: int, room: Any = None) -> Any:
    """Return float32 values as float64, rounded so that sums of products along a dimension are exact.

    With the largest element below a power of two, p, adding and subtracting 1.5 * p * 2**bits rounds all to multiples
    of p / 2**(23 - bits). A sum of n products of such numbers is at most n * 2**(46 - 2 * bits) <= 2**53 steps.
    """
    import torch

    room = room or _Room()
    work = room.take("work", values, torch.float32)
    largest = torch.abs(values, out=work).amax(dim, keepdim=True)
    largest.view(torch.int32).bitwise_and_(EXPONENT)  # the power of two that it reaches
    bits = max(1, math.ceil((math.log2(values.shape[dim]) - 7) / 2))
    shift = largest.clamp_(min=SMALLEST).mul_(3.0 * 2.0**bits)
    torch.add(values, shift, out=work).sub_(shift)
    return room.take(f"operand {dim}", values, torch.float64).copy_(work)


class _Room:
    """Memory that products use again: that of fresh tensors would be fetched from the system each time."""

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}

    def take(self, use: str, like: Any, dtype: Any) -> Any:
        """Return an uninitialised tensor of the shape, and the order of dimensions, of another one."""
        import torch

        held = self._held.get(use)
        if held is None or held.numel() < like.numel():
            held = self._held[use] = torch.empty(like.numel(), dtype=dtype)
        flat = held[: like.numel()]
        if like.stride(-1) != 1 and like.stride(-2) == 1:
            return flat.view(*like.shape[:-2], like.shape[-1], like.shape[-2]).transpose(-1, -2)
        return flat.view(like.shape)


def _products() -> dict[str, Any]:
    """Return what computes in place of torch's own operations, by their names there."""
    import torch

    room = _Room()

    def product(plain: Any, left: Any, right: Any) -> Any:
        found = left.new_empty((*left.shape[:-1], right.shape[-1]))
        if left.dtype != torch.float32 or not left.shape[-1] or not found.numel():
            return plain(left, right, out=found)
        sums = room.take("sums", found, torch.float64)
        return found.copy_(plain(on_grid(left, -1, room), on_grid(right, -2, room), out=sums))

    def mm(left: Any, right: Any) -> Any:
        return product(torch.mm, left, right)

    def bmm(left: Any, right: Any) -> Any:
        return product(torch.bmm, left, right)

    def addmm(added: Any, left: Any, right: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        return _sum(mm(left, right), alpha, added, beta)

    def baddbmm(added: Any, left: Any, right: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        return _sum(bmm(left, right), alpha, added, beta)

    def mv(left: Any, right: Any) -> Any:
        return mm(left, right[:, None])[:, 0]

    def dot(left: Any, right: Any) -> Any:
        return mm(left[None], right[:, None])[0, 0]

    return {"mm": mm, "bmm": bmm, "addmm": addmm, "baddbmm": baddbmm, "mv": mv, "dot": dot}


def _sum(values: Any, alpha: Any, added: Any, beta: Any) -> Any:
    """Return alpha * values + beta * added; where beta is 0, what would be added counts as nothing, NaN included."""
    values = values if alpha == 1 else values * alpha
    return values if beta == 0 else values + (added if beta == 1 else added * beta)
