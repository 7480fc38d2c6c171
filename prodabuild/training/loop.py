"""The training loop: AdamW, warm-up and cosine, gradients clipped at 1. Same inputs and seed, same weights.

A step is as many tokens as the settings say, in parts that fit the memory. Its loss is the mean over its supervised
tokens, however it is split.
"""

from __future__ import annotations

import math
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from prodabuild.errors import ProjectError
from prodabuild.events import TrainingStep
from prodabuild.training.encode import named
from prodabuild.training.fsdp import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prodabuild.events import Emit
    from prodabuild.training.checkpoint import Checkpoint
    from prodabuild.training.collate import Batch

    Reduce = Callable[[Sequence[Any], float], float]  # gradients of parameters, and a loss, of all processes in sum

THREADS = 2  # of a process, on a CPU
FLOOR = 0.05  # the schedule ends at this share of the peak


class Step(NamedTuple):
    """One optimiser step: the parts of it that this process computes, and the supervised tokens of the whole of it.

    `names` gives the ids of its samples, where they have some.
    """

    parts: Iterable[Batch]
    supervised: int
    tokens: int
    names: Callable[[], Sequence[str]] = tuple


class Steps(Protocol):
    """A known number of steps, each made when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Step: ...


@dataclass(frozen=True)
class Schedule:
    """Learning rate by step: linear warm-up, then cosine down to `FLOOR` of the peak."""

    peak: float
    steps: int
    warmup: int

    def at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * done)))


class Log(NamedTuple):
    """One line of the record of a run."""

    step: int
    loss: float
    learning_rate: float
    tokens: int


@dataclass(frozen=True)
class Run:
    """How a model is trained; `stop` ends a trial run early, `reduce` adds up what several processes computed."""

    schedule: Schedule
    stage: str
    emit: Emit
    seed: int = 0
    autocast: bool = False
    weight_decay: float = 0.0
    checkpoint: Checkpoint | None = None
    stop: int | None = None
    reduce: Reduce | None = None


@contextmanager
def deterministic(seed: int, threads: int = THREADS) -> Iterator[None]:
    """Seed torch, forbid operations whose result depends on timing, and compute in so many threads meanwhile.

    How a sum is split among threads is part of what it comes to: what the machine happens to have may not decide it.
    """
    import torch

    with restored():
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=False)
        torch.backends.cudnn.benchmark = False
        torch.set_num_threads(threads)
        yield


@contextmanager
def restored() -> Iterator[None]:
    """Give back what this process has set of torch, and its random numbers, as they were before a block."""
    import torch

    forbidden = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, threads = torch.backends.cudnn.benchmark, torch.get_num_threads()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(forbidden[0], warn_only=forbidden[1])
            torch.backends.cudnn.benchmark = benchmark
            torch.set_num_threads(threads)


def train(model: Any, steps: Steps, run: Run) -> list[Log]:
    """Train the parameters that require it; returns one log line a step. Goes on from a checkpoint."""
    import torch

    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    parameters = list(trained.values())
    optimizer = torch.optim.AdamW(
        parameters, lr=run.schedule.peak, betas=(0.9, 0.95), weight_decay=run.weight_decay, fused=True
    )
    logs = _taken_up(run, trained, optimizer)
    last = min(len(steps), run.stop or len(steps))
    pace = _Pace(run, last, len(logs))
    compute = Computing(model, run.autocast)
    model.train()
    for number in range(len(logs), last):
        torch.manual_seed(run.seed * 1_000_003 + number)
        step = steps[number]
        for group in optimizer.param_groups:
            group["lr"] = run.schedule.at(number)
        loss = compute.gradients(step)
        if run.reduce is not None:
            loss = run.reduce(parameters, loss)
        norm = whole(torch.nn.utils.clip_grad_norm_(parameters, 1.0)).item()
        _require_finite(run.stage, number, step, {"loss": loss, "gradient norm": norm})
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        before = logs[-1].tokens if logs else 0
        logs.append(Log(number + 1, loss, run.schedule.at(number), before + step.tokens))
        pace.tell(logs)
        if run.checkpoint is not None and number + 1 < last:
            run.checkpoint.save_when_due(trained, optimizer, lambda: torch.tensor(logs, dtype=torch.float64))
    model.eval()
    if len(logs) == last and last:
        _require_finite(run.stage, last - 1, steps[last - 1], {"loss after it": compute.loss(steps[last - 1])})
    compute.close()
    return logs


def _require_finite(stage: str, number: int, step: Step, figures: Mapping[str, float]) -> None:
    """Raise `ProjectError` that names the step and its samples where a figure of it is NaN or infinite."""
    for name, value in figures.items():
        if not math.isfinite(value):
            samples = step.names()
            of = f": {named(samples)}" if samples else ""
            raise ProjectError(
                f"step {number + 1} of training the {stage} gives the {name} {value}{of}",
                "lower model.train.learning_rate, or look at these samples; nothing of this model was kept",
            )


def _taken_up(run: Run, trained: dict[str, Any], optimizer: Any) -> list[Log]:
    table = run.checkpoint.load(trained, optimizer) if run.checkpoint is not None else None
    rows = [] if table is None else table.tolist()
    return [Log(int(step), loss, rate, int(tokens)) for step, loss, rate, tokens in rows]


class Computing:
    """A model whose head sees only the positions that predict a supervised token: the others' logits cost most."""

    def __init__(self, model: Any, autocast: bool) -> None:
        self._model = model
        self._autocast = autocast
        self._predict: Any = None
        self._hook = head_of(model).register_forward_pre_hook(self._select)

    def gradients(self, step: Step) -> float:
        """Add the gradients of a step's parts; returns their share of the step's loss."""
        return sum(self._part(batch, step.supervised) for batch in step.parts)

    def loss(self, step: Step) -> float:
        """Return the loss of a step's first part as the model is now; 0.0 where this process has none."""
        import torch

        first = next(iter(step.parts), None)
        if first is None:
            return 0.0
        with torch.no_grad():
            found: float = self._sum(first).item()
        return found

    def close(self) -> None:
        """Give the head back all positions."""
        self._hook.remove()

    def _part(self, batch: Batch, supervised: int) -> float:
        loss = self._sum(batch) / supervised
        loss.backward()
        found: float = loss.item()
        return found

    def _sum(self, batch: Batch) -> Any:
        """Return the summed loss of a part."""
        import torch

        device = next(self._model.parameters()).device
        self._predict = batch.predict.to(device)
        inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=self._autocast):
            logits = self._model(**inputs, use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.float(), batch.targets.to(device), reduction="sum")

    def _select(self, head: Any, hidden: tuple[Any, ...]) -> tuple[Any, ...]:
        return (hidden[0].flatten(0, 1).index_select(0, self._predict),)


def head_of(model: Any) -> Any:
    """Return the module that turns hidden states into logits, adapted or not."""
    found = model.get_base_model() if hasattr(model, "get_base_model") else model
    return found.get_output_embeddings()


class _Pace:
    """What a run measures of itself: nothing of it is ever part of an output."""

    def __init__(self, run: Run, last: int, done: int) -> None:
        self._run = run
        self._last = last
        self._first = done
        self._began = time.monotonic()
        self._tokens: int | None = None

    def tell(self, logs: Sequence[Log]) -> None:
        """Report the latest step."""
        log = logs[-1]
        if self._tokens is None:
            self._tokens = logs[-2].tokens if len(logs) > 1 else 0
        seconds = time.monotonic() - self._began
        recent = logs[-20:]
        self._run.emit(
            TrainingStep(
                stage=self._run.stage,
                step=log.step,
                steps=self._last,
                planned=self._run.schedule.steps,
                loss=log.loss,
                mean_loss=sum(each.loss for each in recent) / len(recent),
                learning_rate=log.learning_rate,
                tokens=log.tokens,
                tokens_per_second=(log.tokens - self._tokens) / seconds,
                seconds_left=seconds / (log.step - self._first) * (self._last - log.step),
                memory_mb=_memory_mb(),
            )
        )


def _memory_mb() -> float:
    """Return the most memory held so far: of the GPU where there is one in use, else of this process, else 0."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return torch.cuda.max_memory_allocated() / 1e6
    try:
        import resource
    except ImportError:  # a system without it
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def cut_blocks(documents: Iterable[Sequence[int]], eos: int, length: int) -> Iterator[list[int]]:
    """Return whole blocks of the documents laid end to end, each closed by the end-of-text token."""
    block: list[int] = []
    for document in documents:
        block += [*document, eos]
        while len(block) >= length:
            yield block[:length]
            block = block[length:]
