"""The state of a run in one file, so that a run that was killed goes on to the same bytes.

It lies in the unit's scratch folder, which is named by everything that shapes the run: another run never finds it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.training.fsdp import laid_like, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SECONDS = 5.0  # between two checkpoints
COST = 50  # at most one part in so many of the time is spent on them
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass
class Checkpoint:
    """The file, and when it was last written. Random numbers need no place in it: each step has its own seed."""

    file: Path
    writes: bool = True  # one of the processes that train together does
    seconds: float = SECONDS
    cost: int = COST
    agree: Callable[[bool], bool] | None = None  # where weights are spread all must help to write, or none

    def __post_init__(self) -> None:
        self._last = time.monotonic()
        self._wait = self.seconds

    def load(self, parameters: Mapping[str, Any], optimizer: Any) -> Any:
        """Take up parameters and optimiser state; returns the table of log lines, a row a step done, or None."""
        from safetensors import SafetensorError, safe_open

        try:
            opened = safe_open(self.file, "pt")
        except (FileNotFoundError, SafetensorError):  # none, or what a power failure left
            return None
        import torch

        with torch.no_grad(), opened as found:
            for name, parameter in parameters.items():
                parameter.copy_(laid_like(parameter, found.get_tensor(f"weight.{name}")))
                moments = {moment: found.get_tensor(f"{moment}.{name}") for moment in _MOMENTS}
                optimizer.state[parameter] = {
                    moment: tensor if moment == "step" else laid_like(parameter, tensor)
                    for moment, tensor in moments.items()
                }
            return found.get_tensor("logs")

    def save_when_due(self, parameters: Mapping[str, Any], optimizer: Any, logs: Any) -> None:
        """Write the state when the last writing is long enough ago; `logs` makes the table of log lines."""
        began = time.monotonic()
        due = self.writes and began - self._last >= self._wait
        if not (due if self.agree is None else self.agree(due)):
            return
        self.save(parameters, optimizer, logs())
        self._last = time.monotonic()
        self._wait = max(self.seconds, self.cost * (self._last - began))

    def save(self, parameters: Mapping[str, Any], optimizer: Any, logs: Any) -> None:
        """Write the state, whole or not at all."""
        from safetensors.torch import save_file

        tensors = {"logs": logs}
        for name, parameter in parameters.items():
            state = {
                "weight": parameter.detach(),
                **{moment: optimizer.state[parameter][moment] for moment in _MOMENTS},
            }
            for what, tensor in state.items():
                complete = whole(tensor)
                if self.writes:
                    tensors[f"{what}.{name}"] = complete.to("cpu").contiguous()
        if not self.writes:
            return
        temporary = self.file.with_suffix(".part")
        save_file(tensors, temporary)
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, self.file)
