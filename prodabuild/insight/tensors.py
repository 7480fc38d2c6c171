"""Weights on disk: safetensors files read tensor by tensor, and the error that their precision leaves in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prodabuild.errors import ProjectError
from prodabuild.training.examine import ADAPTER
from prodabuild.training.headers import Tensor, read_header

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.insight.changes import Array

PRECISION = {"F64": 52, "F32": 23, "F16": 10, "BF16": 7}  # bits behind the point
LEAST = {"F16": -14}  # the smallest exponent of a unit; of the other types it is below all that single precision has
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def adapter_tensors(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of an adapter by name; raises `ProjectError` when it has none."""
    if not (folder / ADAPTER).is_file():
        raise ProjectError(f"{folder} has no {ADAPTER}", "save the adapter with save_pretrained")
    return read_header(folder / ADAPTER, str(folder / ADAPTER))


def model_tensors(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of a whole model by name; raises `ProjectError` when there are none."""
    files = [file for file in sorted(folder.glob("*.safetensors")) if file.name != ADAPTER]
    if not files:
        raise ProjectError(f"{folder} has no weights in safetensors", "save the model with save_pretrained")
    return {name: tensor for file in files for name, tensor in read_header(file, str(file)).items()}


def load(tensor: Tensor) -> Array:
    """Return a tensor's entries (of bfloat16 as float32); raises `ProjectError` where they are no numbers."""
    if tensor.kind not in _TYPES:
        raise ProjectError(
            f"{tensor.name} in {tensor.file} is of type {tensor.kind}", "take the model's original, unquantised weights"
        )
    count = int(np.prod(tensor.shape, dtype=np.int64))
    data = np.fromfile(tensor.file, _TYPES[tensor.kind], count, offset=tensor.start)
    if tensor.kind == "BF16":
        data = (data.astype("<u4") << 16).view("<f4")
    found: Array = data.reshape(tensor.shape)
    if not np.isfinite(found).all():
        raise ProjectError(f"{tensor.name} in {tensor.file} has entries that are not finite", "training has diverged")
    return found


def rounding_energy(entries: Array, kind: str) -> float:
    """Return the sum of squares that rounding to a type is expected to leave: a twelfth of each unit, squared."""
    bits = np.ascontiguousarray(entries, "<f4").view("<u4")
    counts = np.bincount(((bits >> 23) & 0xFF).ravel(), minlength=256)[1:]  # by exponent; nothing is lost of a zero
    exponents = np.maximum(np.arange(1, 256) - 127, LEAST.get(kind, -127))
    units = np.ldexp(1.0, 2 * (exponents - PRECISION[kind]))
    return float(counts @ units / 12)
