"""Suites of lm-eval tasks, by file or by name, run by lm-eval. Log-likelihoods come from our own scorer.

lm-eval's caches stay off: they answer for the wrong model or the wrong data.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.engine.code import read_code
from prodabuild.engine.store import fresh_folder
from prodabuild.errors import OutsideError, ProjectError
from prodabuild.evaluation.encoding import Request
from prodabuild.evaluation.known import known_file, score_unknown
from prodabuild.evaluation.loading import loaded, open_candidate
from prodabuild.evaluation.results import ItemResult, choose, digest_of, rounded
from prodabuild.evaluation.run import parse_unit, results_file
from prodabuild.evaluation.scoring import not_finite, prepare, score
from prodabuild.evaluation.taskfiles import declared_by
from prodabuild.events import Note
from prodabuild.knowledge.splits import SPLITS
from prodabuild.manifest.paths import is_task_file
from prodabuild.paths import inside
from prodabuild.training.loop import restored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

BATCH_SIZE = 16  # of what the model writes itself
SEED = 1234
METRICS = ("acc", "exact_match", "acc_norm")  # the first of these that a task has says whether an item is right


class Tasks(NamedTuple):
    """Names of tasks, the folder of those that are no part of lm-eval, and whether some are."""

    names: list[str]
    folder: Path
    builtin: bool


def build_task_results(unit: str, view: View) -> Output:
    """Return the results of a suite of lm-eval tasks."""
    return results_file(unit, run_tasks(unit, view))


def run_tasks(unit: str, view: View) -> list[ItemResult]:
    """Return the results of every item of a suite's tasks."""
    read_code(view, __name__)
    suite, base = parse_unit(unit)
    candidate = open_candidate(view, adapted=not base)
    known = known_file(view)
    tasks = _open_tasks(view, suite)
    view.emit(
        Note(f"testing {'the base' if base else 'the adapted model'} on {suite}, on {candidate.device}, by lm-eval")
    )
    with loaded(candidate) as (model, tokenizer), _quiet(), _unseeded():
        samples = _evaluate(_harness(model, tokenizer, candidate.device, known), tasks)
    rows = [row for task in sorted(samples) for row in _rows(samples[task], task)]
    return _with_unique_ids(rows)


def _open_tasks(view: View, suite: str) -> Tasks:
    """Lay out a suite's task files in a folder, where each has its path in the repository."""
    folder = fresh_folder(view.scratch(), "tasks")
    entries: list[str] = view.read("manifest", f"tests.{suite}.tasks")
    files = [entry for entry in entries if is_task_file(entry)]
    beside = view.read("manifest", f"tests.{suite}.files")
    for name in (*files, *beside):
        target = inside(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(view.file(name), target)
    found = {entry: declared_by(folder, entry) for entry in files}
    names = [found[entry].name if entry in found else entry for entry in entries]
    groups = any(each.members for each in found.values())
    return Tasks(names, folder, builtin=groups or len(files) < len(entries))


def _evaluate(harness: Any, tasks: Tasks) -> dict[str, list[dict[str, Any]]]:
    """Return the samples of each task, those of a group of tasks by the tasks in it."""
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(tasks.folder), include_defaults=tasks.builtin)
    unknown = [name for name in tasks.names if name not in manager.all_tasks]
    if unknown:
        raise ProjectError(f"lm-eval knows no task {unknown[0]!r}", "`lm_eval ls tasks` lists those that it brings")
    try:
        evaluation = simple_evaluate(
            model=harness,
            tasks=tasks.names,
            task_manager=manager,
            bootstrap_iters=0,
            log_samples=True,
            random_seed=SEED,
            numpy_random_seed=SEED,
            torch_random_seed=SEED,
        )
    except (ConnectionError, HfHubHTTPError, LocalEntryNotFoundError, DatasetNotFoundError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise OutsideError(
            f"the data of {', '.join(tasks.names)} cannot be had: {reason}",
            "check the network, and HF_TOKEN where the data is gated; or keep a copy of the data beside a task file",
        ) from error
    samples: dict[str, list[dict[str, Any]]] = evaluation["samples"]
    return samples


def _harness(model: Any, tokenizer: Any, device: str, known: Path) -> Any:
    """Return what lm-eval asks: our scorer for log-likelihoods, its own code for what the model writes."""
    from lm_eval.models.huggingface import HFLM

    class Harness(HFLM):  # type: ignore[misc]
        def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            scorer = prepare(model, tokenizer)
            grouped: dict[tuple[Any, ...], list[int]] = {}
            for number, request in enumerate(requests):
                grouped.setdefault((request.task_name, request.doc_id, request.args[0]), []).append(number)
            asked = [
                Request(key[-1], tuple(requests[number].args[1] for number in numbers))
                for key, numbers in grouped.items()
            ]
            answers: dict[int, tuple[float, bool]] = {}
            found = score_unknown(known, asked, lambda unknown: score(scorer, unknown, cut=True))
            for numbers, likelihoods in zip(grouped.values(), found, strict=True):
                answers |= dict(zip(numbers, ((value, greedy) for value, greedy in likelihoods), strict=True))
            return [answers[number] for number in range(len(requests))]

        def _model_generate(self, context: Any, *arguments: Any, **asked: Any) -> Any:
            asked["logits_processor"] = [*(asked.get("logits_processor") or ()), _refuse_infinite]
            return super()._model_generate(context, *arguments, **asked)

    return Harness(pretrained=model, tokenizer=tokenizer, batch_size=BATCH_SIZE, device=device)


def _refuse_infinite(ids: Any, logits: Any) -> Any:
    """Raise `ProjectError` where a model that writes an answer gives logits that are NaN."""
    infinite = int(logits.isnan().any(-1).sum())
    if infinite:
        raise not_finite(infinite, len(logits))
    return logits


def _rows(samples: list[dict[str, Any]], task: str) -> list[ItemResult]:
    """Return one row an item. A task with several filters gives each item once for each: the first one counts."""
    first: dict[int, dict[str, Any]] = {}
    for sample in samples:
        first.setdefault(sample["doc_id"], sample)
    return [_row(sample, task) for sample in first.values()]


def _row(sample: dict[str, Any], task: str) -> ItemResult:
    metric = next((name for name in METRICS if name in sample), None)
    if metric is None:
        raise ProjectError(
            f"the task {task!r} has none of the metrics {', '.join(METRICS)}",
            "other metrics do not say of an item whether it is right: add one of these to its metric_list",
        )
    doc, responses = sample["doc"], sample["filtered_resps"]
    choices = isinstance(responses[0], (tuple, list)) and len(responses) > 1
    likelihoods = [float(response[0]) for response in responses] if choices else []
    split, discipline = doc.get("split"), doc.get("discipline")
    return ItemResult(
        id=str(doc.get("id", f"{task}/{sample['doc_id']}")),
        digest=digest_of([sample["prompt_hash"], sample["target_hash"], sample["doc_hash"]]),
        split=split if split in SPLITS else "all",
        discipline=discipline if isinstance(discipline, str) else "",
        correct=float(sample[metric]) == 1.0,
        pick=choose(likelihoods) if choices else None,
        loglikelihoods=rounded(likelihoods),
    )


def _with_unique_ids(rows: list[ItemResult]) -> list[ItemResult]:
    """Number the rows whose id another row has, too: tasks count their items each for itself."""
    seen: dict[str, int] = {}
    unique = []
    for row in rows:
        again = seen.get(row.id, 0)
        seen[row.id] = again + 1
        unique.append(replace(row, id=f"{row.id}#{again + 1}") if again else row)
    return unique


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
def _unseeded() -> Iterator[None]:
    """Give back the random numbers of Python, numpy and torch: lm-eval seeds them for the whole process."""
    import random

    import numpy as np

    python, array = random.getstate(), np.random.get_state()
    try:
        with restored():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(array)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the harness's and the data library's own bars and notes off the terminal."""
    import datasets

    before = logging.root.manager.disable
    bars = datasets.utils.logging.is_progress_bar_enabled()
    logging.disable(logging.ERROR)
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings(), _muted(1), _muted(2):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        if bars:
            datasets.enable_progress_bars()
