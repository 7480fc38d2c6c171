"""Weights on disk, written by hand: bytes of any precision, without the libraries that train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from prodabuild.insight.changes import Array

KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def to_bf16(entries: Array) -> Array:
    """Round to bfloat16, to the nearest and then to even."""
    bits = np.ascontiguousarray(entries, np.float32).view(np.uint32)
    rounded = (bits + ((bits >> 16) & 1) + 0x7FFF) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32)


def save(path: Path, tensors: Mapping[str, Array], kind: str = "F32") -> Path:
    """Write a safetensors file."""
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, entries in tensors.items():
        if kind == "BF16":
            data = (to_bf16(entries).view(np.uint32) >> 16).astype("<u2").tobytes()
        else:
            data = np.ascontiguousarray(entries, KINDS[kind]).tobytes()
        head[name] = {"dtype": kind, "shape": list(entries.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = orjson.dumps(head)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


PREFIX = "base_model.model."


def save_adapter(folder: Path, tensors: Mapping[str, Array], kind: str = "F32", **settings: Any) -> Path:
    """Write an adapter as PEFT does; returns its folder."""
    save(folder / "adapter_model.safetensors", {PREFIX + name: entries for name, entries in tensors.items()}, kind)
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "init_lora_weights": True, **settings}
    (folder / "adapter_config.json").write_bytes(orjson.dumps(config))
    return folder


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)
