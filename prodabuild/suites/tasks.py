"""A suite as lm-eval tasks that anyone can run with lm-eval alone: two task files, their items, one loader.

    lm_eval --model hf --model_args pretrained=build/base,peft=build/model,dtype=float32 \\
            --include_path build/suites/chains --tasks chains_sealed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.code import read_code
from prodabuild.events import Note
from prodabuild.knowledge.splits import SPLITS
from prodabuild.shards.prompt import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

_TASK = """task: {task}
custom_dataset: !function items.load
dataset_kwargs: {{file: {split}.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: {prompt}
doc_to_choice: "{{{{choices}}}}"
doc_to_target: gold
target_delimiter: " "
metric_list:
- {{metric: acc, aggregation: mean, higher_is_better: true}}
metadata: {{version: 1}}
"""

_LOADER = '''"""Loads the items that stand beside this file, wherever it is."""

import json
from pathlib import Path


def load(file, **metadata):
    """Return the items as the one split of a dataset."""
    from datasets import Dataset

    lines = (Path(__file__).parent / file).read_text("utf-8").splitlines()
    return {"test": Dataset.from_list([json.loads(line) for line in lines])}
'''


def _remarks(view: View, name: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Return what a reader of the scores must know: a suite that tests nothing stops no training."""
    if not any(counts.values()):
        yield f"the suite {name!r} has no item: nothing will be tested, `prodabuild check` says why"
        return
    if view.read("manifest", "chains.sealed") and not counts["sealed"]:
        yield f"the suite {name!r} has no sealed item: `prodabuild check` says why"
    unbalanced = sorted(
        {prefix_of(bucket)[0].partition(":")[2] for bucket in view.units("items") if view.summary_of(bucket)}
    )
    if unbalanced:
        yield f"too few chains to balance their items in {', '.join(unbalanced)}: what comes often may tell an answer"


def build_suite(unit: str, view: View) -> Output:
    """Return the task files of the suite made from chains, below `suites/NAME/`."""
    read_code(view, __name__)
    name = unit.partition(":")[2]
    buckets = [view.output(bucket) for bucket in view.units("items")]
    prompt = TEMPLATE.replace("{question}", "{{question}}").replace("\n", "\\n")
    output: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    for split in SPLITS:
        files = [stored for bucket in buckets for stored in bucket if stored.path.startswith(f"items/{split}/")]
        items = b"".join(view.path(stored).read_bytes() for stored in files)
        counts[split] = items.count(b"\n")
        if items:
            task = _TASK.format(task=f"{name}_{split}", split=split, prompt=f'"{prompt}"')
            output[f"suites/{name}/{name}_{split}.yaml"] = task.encode()
            output[f"suites/{name}/{split}.jsonl"] = items
    view.summary = counts
    for note in _remarks(view, name, counts):
        view.emit(Note(note, warning=True))
    return {**output, f"suites/{name}/items.py": _LOADER.encode()}
