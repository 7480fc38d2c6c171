"""A run as plain data, so that one process does it, or several do it together: the same function either way."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodabuild.training.adapter import FULL, deprecations_hidden, prepare
from prodabuild.training.batches import Budget, Epoch, plan_epoch, share, split
from prodabuild.training.checkpoint import Checkpoint
from prodabuild.training.collate import collate
from prodabuild.training.loop import Run, Schedule, Step, set_deterministic, train
from prodabuild.training.saving import save
from prodabuild.training.tokens import Corpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.events import Emit
    from prodabuild.training.collate import Batch
    from prodabuild.training.loop import Log, Reduce

STAGE = "model"
TRAINED = "trained"  # folder of what a run saves, in its work folder
CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Job:
    """Where base, corpus and the model to begin at lie, the folder to work in, and how to train."""

    base: str
    base_name: str
    start: str | None
    corpus: str
    folder: str
    settings: dict[str, Any]
    device: str
    bf16: bool
    max_steps: int | None = None


class Planned:
    """The steps of all epochs: one epoch's plan is in memory, a sample's tokens when its step comes."""

    def __init__(self, corpus: Corpus, settings: dict[str, Any], pad_id: int, rank: int = 0, world: int = 1) -> None:
        self._corpus = corpus
        self._pad_id = pad_id
        self._rank, self._world = rank, world
        self._packed: bool = settings["train.packing"]
        whole = settings["train.batch_tokens"]
        part = min(whole, settings["train.micro_tokens"] or whole)
        self._budget = Budget(whole, part, settings["train.max_length"] if self._packed else None)
        self._seed = settings["train.seed"]
        self._ends: list[int] = []  # of each epoch, in steps
        for epoch in range(settings["train.epochs"]):
            self._ends.append(len(self._plan(epoch)) + (self._ends[-1] if self._ends else 0))
        self._present = (-1, self._plan(0))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, number: int) -> Step:
        epoch = next(epoch for epoch, end in enumerate(self._ends) if number < end)
        if self._present[0] != epoch:
            self._present = (epoch, self._plan(epoch))
        samples = self._present[1][number - (self._ends[epoch - 1] if epoch else 0)]
        lengths, starts = self._corpus.lengths, self._corpus.starts
        supervised = sum(lengths[sample] - max(1, starts[sample]) for sample in samples)
        own = samples if self._world == 1 else share(samples, lengths, self._rank, self._world)
        return Step(self._parts(own), supervised, sum(lengths[sample] for sample in samples))

    def _plan(self, epoch: int) -> Epoch:
        return plan_epoch(self._corpus.lengths, self._budget, self._seed, epoch)

    def _parts(self, samples: Sequence[int]) -> Iterator[Batch]:
        for rows in split(samples, self._corpus.lengths, self._budget) if samples else ():
            yield collate([[self._corpus[sample] for sample in row] for row in rows], self._pad_id, self._packed)


def run_job(job: Job, emit: Emit, rank: int = 0, world: int = 1, reduce: Reduce | None = None) -> list[Log]:
    """Train, and save what was trained in the job's folder; returns the log lines. The first process alone writes."""
    settings, folder = job.settings, Path(job.folder)
    set_deterministic(settings["train.seed"])
    start = Path(job.start) if job.start else None
    model, tokenizer = prepare(Path(job.base), start, settings, job.base_name, job.device)
    if settings["train.gradient_checkpointing"]:
        _checkpoint_gradients(model, settings["adapter.type"])
    pad_id = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    with closing(Corpus(Path(job.corpus))) as corpus:
        steps = Planned(corpus, settings, pad_id, rank, world)
        logs = train(model, steps, _run(job, len(steps), emit, rank, reduce))
    if rank == 0:
        save(model, folder / TRAINED)
    return logs


def _run(job: Job, steps: int, emit: Emit, rank: int, reduce: Reduce | None) -> Run:
    settings = job.settings
    return Run(
        Schedule(settings["train.learning_rate"], steps, max(1, steps // 20)),
        STAGE,
        emit,
        seed=settings["train.seed"] * 1024 + rank,
        autocast=job.bf16,
        checkpoint=Checkpoint(Path(job.folder) / CHECKPOINT, writes=rank == 0),
        stop=job.max_steps,
        reduce=reduce,
    )


def _checkpoint_gradients(model: Any, kind: str) -> None:
    with deprecations_hidden():
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if kind != FULL:
        model.enable_input_require_grads()
