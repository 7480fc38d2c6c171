"""Run a suite through lm-eval. Its caches stay off: they answer for the wrong model or the wrong data."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from typing import TYPE_CHECKING, Any

from prodabuild.errors import ProjectError
from prodabuild.evaluation.results import ItemResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH_SIZE = 64  # part of the figures: another size moves log-likelihoods in the sixth decimal
SEED = 1234


def run_tasks(model: Any, tokenizer: Any, device: str, folder: Path, tasks: list[str]) -> list[ItemResult]:
    """Return the result of every item of some tasks whose files lie in `folder`."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    with _quiet():
        manager = TaskManager(include_path=str(folder), include_defaults=False)
        harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=BATCH_SIZE, device=device)
        evaluation = simple_evaluate(
            model=harness,
            tasks=tasks,
            task_manager=manager,
            bootstrap_iters=0,
            log_samples=True,
            random_seed=SEED,
            numpy_random_seed=SEED,
            torch_random_seed=SEED,
        )
    return [_row(sample, task) for task in tasks for sample in evaluation["samples"][task]]


def _row(sample: dict[str, Any], task: str) -> ItemResult:
    responses = sample["filtered_resps"]
    if "acc" not in sample or not isinstance(responses[0], (tuple, list)):
        raise ProjectError(
            f"the task {task!r} is not multiple choice with the metric acc", "other kinds of tasks are not scored here"
        )
    likelihoods = tuple(round(float(response[0]), 5) for response in responses)
    doc = sample["doc"]
    pick = max(range(len(likelihoods)), key=lambda choice: sample["filtered_resps"][choice][0])
    identity = str(doc.get("id", f"{task}/{sample['doc_id']}"))
    return ItemResult(
        identity, doc.get("split", "all"), doc.get("discipline", ""), bool(sample["acc"]), pick, likelihoods
    )


@contextlib.contextmanager
def _muted(descriptor: int) -> Iterator[None]:
    """Drop what is written to a file descriptor, by this process or by one it starts (lm-eval runs git)."""
    kept = os.dup(descriptor)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the harness's and the data library's own bars and notes off the terminal."""
    import datasets

    before = logging.root.manager.disable
    bars = datasets.utils.logging.is_progress_bar_enabled()
    logging.disable(logging.ERROR)
    datasets.disable_progress_bars()
    try:
        with (
            warnings.catch_warnings(),
            _muted(1),
            _muted(2),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        if bars:
            datasets.enable_progress_bars()
