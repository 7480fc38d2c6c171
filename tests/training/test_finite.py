"""Numbers that are not finite end a run at the step that gives them, and leave nothing behind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from prodabuild.errors import ProjectError
from prodabuild.events import silent
from prodabuild.training.base import load_base
from prodabuild.training.collate import collate
from prodabuild.training.encode import Example
from prodabuild.training.loop import Run, Schedule, Step, train
from tests.conftest import Repo

pytestmark = pytest.mark.train
HINT = "hint: lower model.train.learning_rate, or look at these samples; nothing of this model was kept"


def run(peak: float, steps: int) -> Run:
    return Run(Schedule(peak, steps, 1), "model", silent)


class Few:
    """Steps of one batch, which may be of any length."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Step:
        batch = collate([[Example((1, 5, 6, 7), 1)]], 0, packed=False)
        return Step([batch], len(batch.targets), batch.tokens, lambda: (f"zoo/{number}#define",))


def test_a_learning_rate_that_diverges_names_the_step_and_its_samples(taught: Repo) -> None:
    taught.edit("proda.yaml", "learning_rate: 1.0e-2", "learning_rate: 1.0e+30")
    before = taught.data()
    lock = taught.read("proda.lock")
    outcome = taught.run("compile", "-q")
    assert outcome.code == 1
    first, second = outcome.err.splitlines()
    assert first.startswith("error: step 2 of training the model gives the loss nan: ")
    assert first.endswith(" more) (while building model)")
    samples = first.partition("samples (")[2].partition(" and ")[0].split(", ")
    assert len(samples) == 5
    assert all("#" in sample and sample.split("/")[0] in ("zoo", "tools") for sample in samples)
    assert second == HINT
    assert b'"model"' not in taught.read("proda.lock").replace(lock, b"")
    assert not (taught.path / "build/model").exists()
    assert taught.run("test", "-q").code == 1
    assert not (taught.path / "build/results").exists()
    assert taught.run("compile", "-q").err == outcome.err  # what a checkpoint kept of it ends the same way
    assert before["samples"] > 0


def test_one_step_that_leaves_numbers_nobody_can_use_is_refused(base: Path) -> None:
    model, _ = load_base(base, "cpu", bf16=False)
    with pytest.raises(ProjectError) as raised:
        train(model, Few(1), run(1e30, 1))
    assert raised.value.message == "step 1 of training the model gives the loss after it nan: 1 sample (zoo/0#define)"


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "nan")])
def test_weights_that_are_not_finite_are_refused_at_the_first_step(base: Path, value: float, shown: str) -> None:
    import torch

    model, _ = load_base(base, "cpu", bf16=False)
    with torch.no_grad():
        model.model.embed_tokens.weight[6, 0] = value
    with pytest.raises(ProjectError) as raised:
        train(model, Few(3), run(1e-3, 3))
    assert raised.value.message == f"step 1 of training the model gives the loss {shown}: 1 sample (zoo/0#define)"


def test_a_gradient_that_is_not_finite_is_refused_though_the_loss_is(base: Path) -> None:
    model, _ = load_base(base, "cpu", bf16=False)
    weight = model.model.embed_tokens.weight
    weight.register_hook(lambda gradient: gradient * math.inf)
    kept = weight.detach().clone()
    with pytest.raises(ProjectError) as raised:
        train(model, Few(3), run(1e-3, 3))
    assert raised.value.message == ("step 1 of training the model gives the gradient norm nan: 1 sample (zoo/0#define)")
    assert weight.equal(kept)  # no step was taken


def test_a_run_that_is_finite_is_as_it_was(base: Path) -> None:
    model, _ = load_base(base, "cpu", bf16=False)
    logs: list[Any] = train(model, Few(3), run(1e-3, 3))
    assert [log.step for log in logs] == [1, 2, 3]
    assert all(math.isfinite(log.loss) for log in logs)
