"""Saving what was trained: a disk that is full is no bug, whatever library says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.errors import OutsideError
from prodabuild.training.fit import quiet

if TYPE_CHECKING:
    from pathlib import Path


def save(trained: Any, folder: Path, **asked: Any) -> None:
    """Save a model, an adapter or a tokenizer as transformers does; raises OSError or `OutsideError`."""
    from safetensors import SafetensorError

    try:
        with quiet():
            trained.save_pretrained(folder, **asked)
    except SafetensorError as error:
        raise OutsideError(f"cannot write {folder}: {error}", "make room and run the command again") from error
