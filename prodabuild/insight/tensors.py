"""Weights on disk: safetensors files read tensor by tensor, and the error that their precision leaves in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import orjson

from prodabuild.errors import ProjectError
from prodabuild.paths import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.insight.changes import Array

ADAPTER = "adapter_model.safetensors"
PRECISION = {"F64": 52, "F32": 23, "F16": 10, "BF16": 7}  # bits behind the point
LEAST = {"F16": -14}  # the smallest exponent of a unit; of the other types it is below all that single precision has
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LENGTH = 8  # bytes of the length that a file begins with
_LONGEST = 100_000_000


class Tensor(NamedTuple):
    """Where a tensor lies, and what it is."""

    name: str
    kind: str
    shape: tuple[int, ...]
    file: Path
    start: int
    stop: int


def adapter_tensors(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of an adapter by name; raises `ProjectError` when it has none."""
    if not (folder / ADAPTER).is_file():
        raise ProjectError(f"{folder} has no {ADAPTER}", "save the adapter with save_pretrained")
    return _index(folder / ADAPTER)


def model_tensors(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of a whole model by name; raises `ProjectError` when there are none."""
    files = [file for file in sorted(folder.glob("*.safetensors")) if file.name != ADAPTER]
    if not files:
        raise ProjectError(f"{folder} has no weights in safetensors", "save the model with save_pretrained")
    return {name: tensor for file in files for name, tensor in _index(file).items()}


def _index(file: Path) -> dict[str, Tensor]:
    size = file.stat().st_size
    with open_regular(file) as handle:
        length = int.from_bytes(handle.read(_LENGTH), "little")
        head = handle.read(length) if length <= min(size, _LONGEST) else b""
    try:
        entries = orjson.loads(head)
        entries.pop("__metadata__", None)
        found = {name: _tensor(name, entry, file, _LENGTH + length) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        found = None
    if found is None or any(not _fits(tensor, size) for tensor in found.values()):
        raise ProjectError(f"{file} is no whole safetensors file", "save it again")
    return found


def _tensor(name: str, entry: dict[str, list[int]], file: Path, body: int) -> Tensor:
    start, stop = entry["data_offsets"]
    return Tensor(name, str(entry["dtype"]), tuple(map(int, entry["shape"])), file, body + start, body + stop)


def _fits(tensor: Tensor, size: int) -> bool:
    if not 0 <= tensor.start <= tensor.stop <= size or min(tensor.shape, default=0) < 0:
        return False
    each = np.dtype(_TYPES[tensor.kind]).itemsize if tensor.kind in _TYPES else 0
    return not each or each * int(np.prod(tensor.shape, dtype=np.int64)) == tensor.stop - tensor.start


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
