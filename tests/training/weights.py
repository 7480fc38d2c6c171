"""Model folders written by hand, so that what is examined needs no library."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

WHOLE = {"a": ("F32", [2, 3], [0, 24]), "b": ("BF16", [4], [24, 32])}
ADAPTER = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}


def packed(entries: dict[str, Any], body: int) -> bytes:
    """Return a safetensors file of entries (type, shape, offsets) and so many bytes."""
    named = {
        name: dict(zip(("dtype", "shape", "data_offsets"), entry, strict=True)) if isinstance(entry, tuple) else entry
        for name, entry in entries.items()
    }
    head = orjson.dumps(named)
    return len(head).to_bytes(8, "little") + head + bytes(body)


def handmade(folder: Path) -> Path:
    """Write a base that is sound by its files."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama", "time_step_limit": [0.0, Infinity]}')
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "tokenizer.json").write_text('{"model": {}}\n')
    (folder / "model.safetensors").write_bytes(packed(WHOLE, 32))
    return folder


def trained(folder: Path, settings: dict[str, object] | None = None, rank: int = 8) -> Path:
    """Write an adapter that is sound by its files."""
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_bytes(orjson.dumps(ADAPTER | (settings or {})))
    entries = {"m.q_proj.lora_A.weight": ("F32", [rank, 2], [0, 8 * rank])}
    (folder / "adapter_model.safetensors").write_bytes(packed(entries, 8 * rank))
    return folder


def link(folder: Path, name: str, target: Path) -> None:
    """Put a link in the place of a file."""
    (folder / name).unlink(missing_ok=True)
    os.symlink(target, folder / name)
