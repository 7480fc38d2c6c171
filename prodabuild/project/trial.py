"""Training before it is paid for: its samples, its first steps. It is no unit: nothing takes it for a model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from prodabuild.engine.store import fresh_folder
from prodabuild.engine.view import View, remove_work
from prodabuild.events import TrainingStep
from prodabuild.paths import read_whole
from prodabuild.project.outcome import TrialReport
from prodabuild.training.model import train_model
from prodabuild.training.showing import show

if TYPE_CHECKING:
    from prodabuild.events import Event
    from prodabuild.project.session import Session
    from prodabuild.training.showing import Shown

UNIT = "trial"
FOLDER = ".prodabuild/trial"


def run_trial(session: Session, steps: int) -> TrialReport:
    """Train some steps of the run that a compile would do, and leave what came of them in a folder of its own."""
    started = time.monotonic()
    told: list[TrainingStep] = []
    reader = session.reader()

    def emit(event: Event) -> None:
        told.extend([event] if isinstance(event, TrainingStep) else [])
        session.options.emit(event)

    reader.emit = emit
    made = train_model(View(UNIT, reader, session.space.scratch), steps)
    target = fresh_folder(session.root, FOLDER)
    for name, content in made.items():
        data = content if isinstance(content, bytes) else read_whole(content)
        (target / Path(name).name).write_bytes(data)
    remove_work(session.space.scratch, UNIT)
    last = told[-1]
    return TrialReport(
        last.step, last.planned, last.mean_loss, last.tokens_per_second, FOLDER, time.monotonic() - started
    )


def show_samples(session: Session) -> tuple[Shown, ...]:
    """Return what training would see of one sample a recipe."""
    found = show(View(UNIT, session.reader(), session.space.scratch))
    remove_work(session.space.scratch, UNIT)
    return found
