"""The training of a run of an experiment: as the model is trained, but on its arm's samples and from its own seed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from prodabuild.engine.code import read_code
from prodabuild.events import Note
from prodabuild.insight.experiments import ARM, parse_unit
from prodabuild.training.model import train_on, write_file
from prodabuild.training.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.training.tokens import Writing


def build_run(unit: str, view: View) -> Output:
    """Return the files of what a run trained, and the record of its training."""
    read_code(view, __name__)
    named = parse_unit(unit)
    instead: dict[str, Any] = {"train.seed": named.seed}
    for key, setting in (("train.epochs", "epochs"), ("train.learning_rate", f"arms.{named.arm}.learning_rate")):
        value = view.read("manifest", named.setting(setting))
        instead |= {} if value is None else {key: value}
    view.emit(Note(f"experiment {named.experiment}: arm {named.arm}, seed {named.seed}"))
    return train_on(view, read_settings(view, instead), partial(_corpus, named.unit(ARM)), named.folder)


def _corpus(arm: str, view: View, base: Path, settings: dict[str, Any]) -> Writing:
    (stored,) = view.output(arm)
    return write_file(view, base, settings, stored)
