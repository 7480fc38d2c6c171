"""What a safetensors file states of itself: its header, checked without a look at the weights, without torch."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.errors import ProjectError
from prodabuild.paths import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

AGAIN = "save or download it again"
BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F6_E2M3": 6, "F6_E3M2": 6,
    "F4": 4, "C64": 64, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8,
}  # fmt: skip
POINTER = b"version https://git-lfs"
NAMED = 5  # names that a message lists
_LENGTH = 8  # bytes of the length that a file begins with
_LONGEST = 100_000_000  # bytes of a header, the limit of the format


class Tensor(NamedTuple):
    """Where a tensor lies, and what it is: `start` and `stop` are bytes of the file."""

    name: str
    kind: str
    shape: tuple[int, ...]
    file: Path
    start: int
    stop: int


def read_header(file: Path, shown: str) -> dict[str, Tensor]:
    """Return the tensors of a file by name; raises `ProjectError` unless its header describes the whole file."""
    size = file.stat().st_size
    with open_regular(file) as handle:
        first = handle.read(len(POINTER))
        if first == POINTER:
            raise pointer(shown)
        if size < _LENGTH:
            raise ProjectError(f"{shown} is cut short: it has {size} bytes", AGAIN)
        length = int.from_bytes(first[:_LENGTH], "little")
        if length > _LONGEST:
            raise ProjectError(f"{shown} is not a safetensors file: its header would have {length} bytes", AGAIN)
        if _LENGTH + length > size:
            raise ProjectError(f"{shown} is cut short: it has {size} bytes, its header alone {length}", AGAIN)
        handle.seek(_LENGTH)
        entries = _entries(handle.read(length), shown)
    found = {name: _tensor(name, entry, file, _LENGTH + length, shown) for name, entry in entries.items()}
    _refuse_gaps(found.values(), _LENGTH + length, size, shown)
    return found


def pointer(shown: str) -> ProjectError:
    """Return the error about a file that Git LFS has not fetched."""
    return ProjectError(f"{shown} is a Git LFS pointer, not the file itself", "run `git lfs pull`")


def listed(names: Iterable[str]) -> str:
    """Return sorted names for a message: how many there are, and the first of them."""
    found = sorted(names)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(map(printable, found[:NAMED])) + more


def printable(name: str) -> str:
    """Return a name for a message, on one line and not endless."""
    short = name if len(name) <= 120 else f"{name[:120]}..."
    return short if short.isprintable() else repr(short)


def _entries(head: bytes, shown: str) -> dict[str, Any]:
    try:
        entries = orjson.loads(head)
    except orjson.JSONDecodeError:
        entries = None
    if not isinstance(entries, dict):
        raise ProjectError(f"{shown} is not a safetensors file: its header is not a JSON object", AGAIN)
    entries.pop("__metadata__", None)
    return entries


def _tensor(name: str, entry: Any, file: Path, body: int, shown: str) -> Tensor:
    named = f"{shown}: {printable(name)}"
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    kind, shape, offsets = fields.get("dtype"), _sizes(fields.get("shape")), _sizes(fields.get("data_offsets"))
    if not isinstance(kind, str) or shape is None or offsets is None or len(offsets) != 2:
        raise ProjectError(f"{named} has no dtype, shape and data_offsets in the header", AGAIN)
    if kind not in BITS:
        raise ProjectError(f"{named} has the unknown type {printable(kind)}", "save it as F32, F16 or BF16")
    start, stop = offsets
    if BITS[kind] * prod(shape) != 8 * (stop - start):
        raise ProjectError(f"{named} has the shape {list(shape)} of {kind}, and {stop - start} bytes", AGAIN)
    return Tensor(name, kind, shape, file, body + start, body + stop)


def _sizes(found: Any) -> tuple[int, ...] | None:
    return tuple(found) if isinstance(found, list) and all(type(each) is int and each >= 0 for each in found) else None


def _refuse_gaps(tensors: Iterable[Tensor], body: int, size: int, shown: str) -> None:
    """Raise `ProjectError` unless tensors lie one behind the other from the header to the end of the file."""
    ordered = sorted(tensors, key=lambda tensor: (tensor.start, tensor.stop))
    end = ordered[-1].stop if ordered else body
    if end > size:
        raise ProjectError(f"{shown} is cut short: it has {size} bytes, its tensors end at {end}", AGAIN)
    for before, after in pairwise(ordered):
        if before.stop != after.start:
            how = "overlap" if before.stop > after.start else "do not follow each other"
            raise ProjectError(f"{shown}: {printable(before.name)} and {printable(after.name)} {how}", AGAIN)
    if (ordered and ordered[0].start != body) or end != size:
        raise ProjectError(f"{shown} has bytes that belong to no tensor", AGAIN)
