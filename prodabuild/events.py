"""Typed progress events: the library's only voice. Whoever calls passes an `Emit` and decides what to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage begins; `total` units are to be looked at."""

    stage: str
    total: int


@dataclass(frozen=True, slots=True)
class UnitDone:
    """One unit of a stage was built or restored."""

    stage: str
    unit: str
    how: str


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage is over. `blocked` units read one that failed."""

    stage: str
    built: int
    restored: int
    clean: int
    failed: int
    blocked: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Work inside one unit: `done` of `total` steps, and what they measure (loss, tokens per second)."""

    stage: str
    done: int
    total: int
    detail: str


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One optimiser step of those that this run does; a trial does fewer than are planned.

    `mean_loss` is over the last twenty, `memory_mb` the most that was held so far.
    """

    stage: str
    step: int
    steps: int
    planned: int
    loss: float
    mean_loss: float
    learning_rate: float
    tokens: int
    tokens_per_second: float
    seconds_left: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line: which device is used, what was healed."""

    message: str
    warning: bool = False


Event = StageStarted | UnitDone | StageFinished | Progress | TrainingStep | Note
Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """Drop an event."""
