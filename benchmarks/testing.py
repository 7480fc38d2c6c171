"""Items scored a second: prodabuild's scorer beside lm-eval, in turns, on the same model, items and precision.

    python benchmarks/testing.py BUILD [--runs 3] [--threads 2] [--cold] [--json | --md]

BUILD is the `build` folder of a data repo that was tested: its base, its adapter and the suite `chains`. Warm: model
and tasks are loaded, and the time is from texts to figures. `loglikelihood` is lm-eval's scoring alone, its requests
ready made; `simple_evaluate` is what its documentation calls. Cold (--cold): a process of its own, imports and loading
included; lm-eval as its command line, with `--batch_size 8` as documented.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from measure import machine, middle
from report import Table, parser, progress, tell, verdict

from prodabuild.evaluation.encoding import Request
from prodabuild.evaluation.results import choose
from prodabuild.evaluation.scoring import prepare, score
from prodabuild.shards.prompt import TEMPLATE
from prodabuild.training.adapter import load_adapter
from prodabuild.training.base import load_base

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from prodabuild.evaluation.scoring import Scorer

SUITE = "chains"
SPLITS = ("dev", "sealed")
BATCHES: tuple[int | str, ...] = (8, 64, "auto")
WHOLE = 8  # the batch size of the documentation's first example: `simple_evaluate` is timed with it alone
GOAL = 3.0
AGREE = 1e-4


class Bench(NamedTuple):
    """What all contestants get."""

    model: Any
    tokenizer: Any
    items: list[dict[str, Any]]
    folder: Path

    @property
    def requests(self) -> list[Request]:
        """Return a request for each item."""
        return [
            Request(TEMPLATE.format(question=item["question"]), tuple(f" {choice}" for choice in item["choices"]))
            for item in self.items
        ]


def main() -> None:
    asked = _arguments()
    if asked.once:
        print(json.dumps(_accuracy(_open(asked))))
        return
    import torch

    torch.set_num_threads(asked.threads)
    document: dict[str, Any] = {"machine": machine(), "runs": asked.runs, "threads": asked.threads, "goal": GOAL}
    document |= _cold(asked) if asked.cold else _warm(_open(asked), asked.runs)
    tell(asked, document, [_table(document)])
    sys.exit(0 if document["met"] else 1)


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("build", type=Path, help="the build folder of a data repo that was tested")
    options.add_argument("--runs", type=int, default=3, help="rounds; medians are told (default: 3)")
    options.add_argument("--threads", type=int, default=1, help="of torch, for all (default: 1)")
    options.add_argument("--cold", action="store_true", help="processes of their own instead")
    options.add_argument("--once", action="store_true", help="score once in this process (what --cold starts)")
    return options.parse_args()


def _open(asked: argparse.Namespace) -> Bench:
    import torch

    torch.set_num_threads(asked.threads)
    warnings.simplefilter("ignore")
    model, tokenizer = load_base(asked.build / "base", "cpu", bf16=False)
    folder = asked.build / "suites" / SUITE
    items = [
        json.loads(line) for split in SPLITS for line in (folder / f"{split}.jsonl").read_text("utf-8").splitlines()
    ]
    return Bench(load_adapter(model, asked.build / "model").eval(), tokenizer, items, folder)


def _accuracy(bench: Bench) -> float:
    found = score(prepare(bench.model, bench.tokenizer), bench.requests)
    right = [choose([one.value for one in row]) == item["gold"] for row, item in zip(found, bench.items, strict=True)]
    return float(sum(right) / len(right))


def _warm(bench: Bench, runs: int) -> dict[str, Any]:
    scorer = prepare(bench.model, bench.tokenizer)
    contestants: dict[str, Callable[[], dict[str, list[float]]]] = {"prodabuild": lambda: _ours(bench, scorer)}
    for batch in BATCHES:
        contestants |= _theirs(bench, batch)
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    found: dict[str, dict[str, list[float]]] = {}
    cpu: dict[str, list[float]] = {name: [] for name in contestants}
    score(scorer, bench.requests[:64])  # the first pass of a process is slow
    for run in range(runs):
        for name, contestant in contestants.items():
            progress(f"round {run + 1} of {runs}: {name}")
            started = time.perf_counter(), time.process_time()
            found[name] = contestant()
            seconds[name].append(time.perf_counter() - started[0])
            cpu[name].append(time.process_time() - started[1])
    rows = _rates(seconds, cpu, len(bench.items))
    for name, likelihoods in found.items():
        rows[name] |= _agreement(found["prodabuild"], likelihoods)
    agree = all(row["max_difference"] <= AGREE and row["other_picks"] == 0 for row in rows.values())
    met = agree and all(row["ratio"] >= GOAL for name, row in rows.items() if name != "prodabuild")
    return {"what": "warm", "items": len(bench.items), "rows": rows, "agree": agree, "met": met}


def _ours(bench: Bench, scorer: Scorer) -> dict[str, list[float]]:
    found = score(scorer, bench.requests)
    return {item["id"]: [one.value for one in row] for item, row in zip(bench.items, found, strict=True)}


def _theirs(bench: Bench, batch: int | str) -> dict[str, Callable[[], dict[str, list[float]]]]:
    from lm_eval import simple_evaluate
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    logging.disable(logging.WARNING)
    harness = HFLM(pretrained=bench.model, tokenizer=bench.tokenizer, batch_size=batch, device="cpu")
    manager = TaskManager(include_path=str(bench.folder), include_defaults=False)
    instances = [
        Instance("loglikelihood", {}, (request.context, option), number)
        for request in bench.requests
        for number, option in enumerate(request.continuations)
    ]

    def alone() -> dict[str, list[float]]:
        answers = iter(harness.loglikelihood(instances, disable_tqdm=True))
        return {item["id"]: [next(answers)[0] for _ in item["choices"]] for item in bench.items}

    def whole() -> dict[str, list[float]]:
        tasks: list[Any] = [f"{SUITE}_{split}" for split in SPLITS]
        result = simple_evaluate(harness, tasks=tasks, task_manager=manager, bootstrap_iters=0)
        assert result is not None
        samples = (sample for found in result["samples"].values() for sample in found)
        return {sample["doc"]["id"]: [float(one[0]) for one in sample["filtered_resps"]] for sample in samples}

    found = {f"lm-eval {batch}, loglikelihood": alone}
    return found | ({f"lm-eval {batch}, simple_evaluate": whole} if batch == WHOLE else {})


def _agreement(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> dict[str, Any]:
    assert ours.keys() == theirs.keys()
    differences = [abs(one - other) for name in ours for one, other in zip(ours[name], theirs[name], strict=True)]
    picks = sum(choose(ours[name]) != choose(theirs[name]) for name in ours)
    return {"max_difference": max(differences), "other_picks": picks}


def _cold(asked: argparse.Namespace) -> dict[str, Any]:
    build = asked.build.resolve()
    ours = [sys.executable, __file__, str(build), "--once", "--threads", str(asked.threads)]
    arguments = f"pretrained={build / 'base'},peft={build / 'model'},dtype=float32"
    tasks = ",".join(f"{SUITE}_{split}" for split in SPLITS)
    with tempfile.TemporaryDirectory(prefix="testing-") as folder:
        theirs = [
            *(sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", arguments, "--device", "cpu"),
            *("--include_path", str(build / "suites" / SUITE), "--tasks", tasks),
            *("--batch_size", "8", "--log_samples", "--output_path", folder),
        ]  # fmt: skip
        seconds: dict[str, list[float]] = {"prodabuild": [], "lm_eval run": []}
        cpu: dict[str, list[float]] = {"prodabuild": [], "lm_eval run": []}
        for run in range(asked.runs):
            for name, command in (("prodabuild", ours), ("lm_eval run", theirs)):
                progress(f"round {run + 1} of {asked.runs}: {name}")
                wall, used = _timed(command, asked.threads)
                seconds[name].append(wall)
                cpu[name].append(used)
    items = sum(len((build / "suites" / SUITE / f"{split}.jsonl").read_bytes().splitlines()) for split in SPLITS)
    rows = _rates(seconds, cpu, items)
    return {"what": "cold", "items": items, "rows": rows, "met": rows["lm_eval run"]["ratio"] >= GOAL}


def _timed(command: Sequence[str], threads: int) -> tuple[float, float]:
    """Return wall and CPU seconds of a command."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, used


def _rates(seconds: dict[str, list[float]], cpu: dict[str, list[float]], items: int) -> dict[str, dict[str, Any]]:
    own, own_cpu = (middle(taken["prodabuild"]) for taken in (seconds, cpu))
    return {
        name: {
            "seconds": middle(taken),
            "min": min(taken),
            "items_per_second": round(items / middle(taken), 1),
            "ratio": round(middle(taken) / own, 2),
            "cpu_s": middle(cpu[name]),
            "cpu_ratio": round(middle(cpu[name]) / own_cpu, 2),
        }
        for name, taken in seconds.items()
    }


def _table(document: dict[str, Any]) -> Table:
    warm = document["what"] == "warm"
    head: tuple[str, ...] = ("who", "s", "min s", "items/s", "times ours", "CPU s", "times our CPU s")
    if warm:
        head += ("largest difference", "other picks")
    rows = [
        (
            name,
            f"{row['seconds']:.2f}",
            f"{row['min']:.2f}",
            f"{row['items_per_second']:.0f}",
            f"{row['ratio']:.2f}",
            f"{row['cpu_s']:.2f}",
            f"{row['cpu_ratio']:.2f}",
            *((f"{row['max_difference']:.1e}", row["other_picks"]) if warm else ()),
        )
        for name, row in document["rows"].items()
    ]
    notes = (
        f"{document['items']} items of 4 options, medians of {document['runs']} rounds; threads: {document['threads']}",
        f"Goal: {GOAL:g} times as fast{', and the same figures' if warm else ''}: {verdict(document['met'])}.",
    )
    return Table(f"Items scored, {document['what']}", head, rows, notes)


if __name__ == "__main__":
    main()
