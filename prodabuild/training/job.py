"""A run as plain data, so that one process does it, or several do it together: the same function either way."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodabuild.events import Note
from prodabuild.training.adapter import FULL, deprecations_hidden, prepare
from prodabuild.training.batches import Budget, Epoch, plan_epoch, share, split
from prodabuild.training.checkpoint import SECONDS, Checkpoint
from prodabuild.training.collate import collate, idle
from prodabuild.training.exact import exact
from prodabuild.training.fsdp import held, spread, whole_weights
from prodabuild.training.group import Group
from prodabuild.training.loop import THREADS, Run, Schedule, Step, deterministic, train
from prodabuild.training.saving import save
from prodabuild.training.tokens import Corpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.events import Emit
    from prodabuild.training.batches import Row
    from prodabuild.training.collate import Batch
    from prodabuild.training.loop import Log

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
    checkpoint_seconds: float = SECONDS


ALONE = Group()


class Planned:
    """The steps of all epochs: one epoch's plan is in memory, a sample's tokens when its step comes."""

    def __init__(self, corpus: Corpus, settings: dict[str, Any], pad_id: int, group: Group = ALONE) -> None:
        self._corpus = corpus
        self._pad_id = pad_id
        self._group = group
        self._even: bool = settings["train.fsdp"]  # a layer is gathered by all processes, or by none
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
        tokens = sum(lengths[sample] for sample in samples)
        return Step(self._parts(samples), supervised, tokens, partial(self._corpus.names, samples))

    def _plan(self, epoch: int) -> Epoch:
        return plan_epoch(self._corpus.lengths, self._budget, self._seed, epoch)

    def _parts(self, samples: Sequence[int]) -> Iterator[Batch]:
        own = self._split(samples, self._group.rank)
        for rows in own:
            yield collate([[self._corpus[sample] for sample in row] for row in rows], self._pad_id, self._packed)
        if self._even:
            most = max(len(self._split(samples, rank)) for rank in range(self._group.world))
            yield from (idle(self._pad_id) for _ in range(most - len(own)))

    def _split(self, samples: Sequence[int], rank: int) -> list[list[Row]]:
        """Return the parts of a step that a process computes."""
        lengths, world = self._corpus.lengths, self._group.world
        own = samples if world == 1 else share(samples, lengths, rank, world)
        return split(own, lengths, self._budget) if own else []


def run_job(job: Job, emit: Emit, group: Group = ALONE) -> list[Log]:
    """Train, and save what was trained in the job's folder; returns the log lines. The first process alone writes."""
    settings = job.settings
    threads = settings["train.threads"] or (THREADS if group.world == 1 else 1)
    with deterministic(settings["train.seed"], threads), exact(job.device):
        return _train(job, emit, group)


def _train(job: Job, emit: Emit, group: Group) -> list[Log]:
    settings = job.settings
    model, tokenizer = _spread(job, emit, group) if settings["train.fsdp"] else _prepare(job, job.device)
    pad_id = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    with closing(Corpus(Path(job.corpus))) as corpus:
        steps = Planned(corpus, settings, pad_id, group)
        logs = train(model, steps, _run(job, len(steps), emit, group))
    weights = {"state_dict": whole_weights(model, keep=group.rank == 0)} if settings["train.fsdp"] else {}
    if group.rank == 0:
        save(model, Path(job.folder) / TRAINED, **weights)
    return logs


def _prepare(job: Job, device: str) -> tuple[Any, Any]:
    start = Path(job.start) if job.start else None
    model, tokenizer = prepare(Path(job.base), start, job.settings, job.base_name, device)
    if job.settings["train.gradient_checkpointing"]:
        _checkpoint_gradients(model, job.settings["adapter.type"])
    return model, tokenizer


def _spread(job: Job, emit: Emit, group: Group) -> tuple[Any, Any]:
    """Load in turn, so that one process at a time holds all of the weights, and in main memory only."""
    with group.turn():
        model, tokenizer = _prepare(job, "cpu")
        spread(model, job.device)
    own, total = held(model)
    emit(Note(f"weights over {group.world} processes: {own} of {total} in the first"))
    return model, tokenizer


def _run(job: Job, steps: int, emit: Emit, group: Group) -> Run:
    settings = job.settings
    spread_out: bool = settings["train.fsdp"]
    return Run(
        Schedule(settings["train.learning_rate"], steps, max(1, steps // 20)),
        STAGE,
        emit,
        seed=settings["train.seed"] * 1024 + group.rank,
        autocast=job.bf16,
        checkpoint=Checkpoint(
            Path(job.folder) / CHECKPOINT,
            writes=group.rank == 0,
            seconds=job.checkpoint_seconds,
            agree=partial(group.agree, device=job.device) if spread_out else None,
        ),
        stop=job.max_steps,
        reduce=None if group.world == 1 else group.total if spread_out else group.add,
    )


def _checkpoint_gradients(model: Any, kind: str) -> None:
    with deprecations_hidden():
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if kind != FULL:
        model.enable_input_require_grads()
