"""What a step computes: the same however it is split and laid out, and however often it is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prodabuild.events import Event, TrainingStep, silent
from prodabuild.training.base import load_base
from prodabuild.training.batches import Budget, pack, split
from prodabuild.training.checkpoint import Checkpoint
from prodabuild.training.collate import collate
from prodabuild.training.encode import Example
from prodabuild.training.loop import Computing, Log, Run, Schedule, Step, deterministic, train

pytestmark = pytest.mark.train
EXAMPLES = [
    Example(tuple(3 + (7 * at + 3 * length) % 300 for at in range(length)), length // 2) for length in range(4, 24)
]
LENGTHS = [len(example.ids) for example in EXAMPLES]
SUPERVISED = sum(len(example.ids) - example.start for example in EXAMPLES)


def step_of(rows: list[list[list[int]]], packed: bool) -> Step:
    parts = [collate([[EXAMPLES[at] for at in row] for row in part], 0, packed) for part in rows]
    return Step(parts, SUPERVISED, sum(LENGTHS))


def gradients(base: Path, step: Step) -> tuple[float, dict[str, Any]]:
    with deterministic(1):
        model, _ = load_base(base, "cpu", bf16=False)
        computing = Computing(model, autocast=False)
        loss = computing.gradients(step)
    return loss, {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.fixture
def alone(base: Path) -> tuple[float, dict[str, Any]]:
    """Loss and gradients as transformers computes them, a sample at a time."""
    import torch

    model, _ = load_base(base, "cpu", bf16=False)
    total = 0.0
    for example in EXAMPLES:
        ids = torch.tensor([example.ids])
        labels = ids.clone()
        labels[0, : example.start] = -100
        loss = model(input_ids=ids, labels=labels).loss * (len(example.ids) - example.start) / SUPERVISED
        loss.backward()
        total += loss.item()
    return total, {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("present", [1, 3])
def test_the_machine_does_not_decide_in_how_many_threads(base: Path, present: int) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(present)
    try:
        with deterministic(1, threads=2):
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == present
    finally:
        torch.set_num_threads(before)


EVERYTHING = list(range(len(EXAMPLES)))
LAYOUTS: dict[str, Callable[[], Step]] = {
    "padded": lambda: step_of([[[at] for at in EVERYTHING]], packed=False),
    "packed": lambda: step_of([pack(EVERYTHING, LENGTHS, 64)], packed=True),
    "packed into one row": lambda: step_of([pack(EVERYTHING, LENGTHS, 999)], packed=True),
    "padded in parts": lambda: step_of(split(EVERYTHING, LENGTHS, Budget(999, 48)), packed=False),
    "packed in parts": lambda: step_of(split(EVERYTHING, LENGTHS, Budget(999, 70, 64)), packed=True),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_loss_and_gradients_are_those_of_the_samples_alone(
    base: Path, alone: tuple[float, dict[str, Any]], layout: str
) -> None:
    import torch

    loss, found = gradients(base, LAYOUTS[layout]())
    assert loss == pytest.approx(alone[0], abs=1e-6)
    assert all(gradient is not None for gradient in found.values())
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, alone[1][name], rtol=1e-4, atol=1e-6)


def test_no_token_sees_another_sample(base: Path) -> None:
    import torch

    model, _ = load_base(base, "cpu", bf16=False)

    def last(neighbour: int) -> Any:
        other = Example((neighbour,) * 9, 4)
        batch = collate([[other, EXAMPLES[8], other]], 0, packed=True)
        return model(**batch.inputs).logits[0, 9 : 9 + LENGTHS[8]]

    assert torch.equal(last(5), last(77))


class Repeated:
    """The same step again and again, interrupted at one of them."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.killed_at = killed_at

    def __len__(self) -> int:
        return 12

    def __getitem__(self, number: int) -> Step:
        if number == self.killed_at:
            raise KeyboardInterrupt
        return step_of([[[at] for at in EVERYTHING[: 4 + number]]], packed=False)


def trained(base: Path, folder: Path, steps: Repeated, dropout: float = 0.1) -> tuple[list[Log], dict[str, Any]]:
    model, _ = load_base(base, "cpu", bf16=False)
    model.config.attention_dropout = dropout
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = dropout
    checkpoint = Checkpoint(folder / "state.safetensors", seconds=0, cost=0)
    with deterministic(1):
        logs = train(model, steps, Run(Schedule(1e-2, 12, 2), "model", silent, seed=3, checkpoint=checkpoint))
    return logs, dict(model.named_parameters())


def test_a_run_that_is_interrupted_ends_with_the_same_weights_and_record(base: Path, tmp_path: Path) -> None:
    import torch

    (tmp_path / "a").mkdir()
    logs, expected = trained(base, tmp_path / "a", Repeated())
    for at in (3, 7, 7, 11):
        with pytest.raises(KeyboardInterrupt):
            trained(base, tmp_path, Repeated(at))
        assert (tmp_path / "state.safetensors").exists()
    again, found = trained(base, tmp_path, Repeated())
    assert again == logs
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_a_checkpoint_that_is_damaged_counts_as_none(base: Path, tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").write_bytes(b"rubbish")
    assert len(trained(base, tmp_path, Repeated())[0]) == 12


def test_each_step_is_told_with_what_was_measured(base: Path) -> None:
    told: list[Event] = []
    model, _ = load_base(base, "cpu", bf16=False)
    logs = train(model, Repeated(), Run(Schedule(1e-2, 12, 2), "model", told.append, stop=3))
    assert [event.loss for event in told if isinstance(event, TrainingStep)] == [log.loss for log in logs]
    last = told[-1]
    assert isinstance(last, TrainingStep)
    assert (last.step, last.steps, last.planned, last.tokens) == (3, 3, 12, logs[-1].tokens)
    assert last.tokens_per_second > 0
    assert last.memory_mb > 100
