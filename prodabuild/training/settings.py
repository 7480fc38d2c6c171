"""The settings of a run, read one by one: a model depends on each of them, and on no other key of the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.manifest.model import Adapter, Train

if TYPE_CHECKING:
    from prodabuild.engine.view import View

_PARTS: dict[str, type[Adapter | Train]] = {"adapter": Adapter, "train": Train}


def read_settings(view: View) -> dict[str, Any]:
    """Return adapter and training settings by `adapter.NAME` and `train.NAME`."""
    found = {}
    for part, model in _PARTS.items():
        for name, field in model.model_fields.items():
            value = view.read("manifest", f"model.{part}.{name}")
            found[f"{part}.{name}"] = field.get_default() if value is None else value
    return found
