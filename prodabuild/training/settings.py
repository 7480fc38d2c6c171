"""The settings of a run, read one by one: a model depends on each of them, and on no other key of the manifest.

They are named here, not taken from the manifest's models: another key there is no reason to train again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.training.fit import Allowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prodabuild.engine.view import View

ALWAYS = (
    *(f"adapter.{name}" for name in ("type", "r", "alpha", "dropout", "targets", "save_modules")),
    *(f"train.{name}" for name in ("epochs", "learning_rate", "max_length", "batch_tokens", "precision", "seed")),
)
LATER: dict[str, Any] = {  # settings that a lock does not know while they are at these defaults
    "train.overlong": "error",
    "train.micro_tokens": None,
    "train.packing": False,
    "train.gradient_checkpointing": False,
    "train.strategy": "from_base",
    "train.start": None,
    "train.world_size": 1,
    "train.fsdp": False,
    "train.threads": None,
    "allow_missing": [],
    "allow_unexpected": [],
}


def read_settings(view: View, instead: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return adapter and training settings by `adapter.NAME` and `train.NAME`; those given `instead` are not read."""
    given = dict(instead or {})
    found = {name: view.read("manifest", f"model.{name}") for name in (*ALWAYS, *LATER) if name not in given}
    return found | {name: default for name, default in LATER.items() if found.get(name) is None} | given


def allowed_by(settings: Mapping[str, Any]) -> Allowed:
    """Return what settings allow the weights of the base to be without, and to have beside."""
    return Allowed(settings["allow_missing"], settings["allow_unexpected"])
