"""The dataset: a folder that `datasets.load_dataset` reads, made of the shards; its index says what is in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from prodabuild.digest import canonical
from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.code import read_code
from prodabuild.errors import ProjectError
from prodabuild.events import Note
from prodabuild.problems import Problem, raise_errors
from prodabuild.shards.replay import make_round, touched

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.shards.replay import Round

INDEX = "dataset/dataset.json"
CARD = "dataset/README.md"
ROUND = "dataset/round.jsonl"  # what is trained on where `compile.replay` is set, and there are patches


def build_dataset(unit: str, view: View) -> Output:
    """Return the index (shards with digests, counts per discipline and recipe) and the card of the dataset."""
    read_code(view, __name__)
    _refuse_leaks(view)
    name = view.read("manifest", "name")
    shards = []
    by_discipline: Counter[str] = Counter()
    by_recipe: Counter[str] = Counter()
    left_out = 0
    for shard in view.units("shards"):
        (stored,) = view.output(shard)
        summary = view.summary_of(shard)
        counts: dict[str, int] = summary["samples"]
        left_out += summary["left_out"]
        samples = sum(counts.values())
        by_discipline[prefix_of(shard)[0].partition(":")[2]] += samples
        by_recipe.update(counts)
        shards.append({"path": stored.path.removeprefix("dataset/"), "sha256": stored.sha256, "samples": samples})
    if not by_recipe.total():
        scarce = "in every shard one of compile.recipes makes fewer samples than its share in compile.ratios"
        none = "no record of the knowledge is taken by any of compile.recipes"
        raise ProjectError("the dataset has no sample", scarce if left_out else none)
    if left_out:
        view.emit(Note(f"compile.ratios leave out {left_out} of {left_out + by_recipe.total()} samples"))
    index = {
        "name": name,
        "samples": by_recipe.total(),
        "disciplines": by_discipline,
        "recipes": by_recipe,
        "shards": shards,
    }
    if ratios := view.read("manifest", "compile.ratios"):
        index |= {"ratios": ratios, "left_out": left_out}
    view.summary = {"samples": by_recipe.total()}
    found = _round(view)
    files: dict[str, bytes | Path] = {CARD: _card(name, by_discipline, by_recipe).encode()}
    if found is not None:
        view.emit(Note(f"compile.replay: {found.patched} samples that patches touch, {found.replayed} of the others"))
        index["round"] = {"patched": found.patched, "replayed": found.replayed}
        files[ROUND] = b"".join(canonical(row) + b"\n" for row in found.rows)
    return files | {INDEX: canonical(index) + b"\n"}


def _round(view: View) -> Round | None:
    """Return the samples of a round of repair, None where the whole dataset is trained on."""
    ratio = view.read("manifest", "compile.replay")
    nodes = touched(view) if ratio is not None else set()
    if not nodes:
        return None
    files = (view.path(view.output(shard)[0]) for shard in view.units("shards"))
    rows = (orjson.loads(line) for file in files for line in file.read_bytes().splitlines())
    return make_round(rows, nodes, ratio, view.read("manifest", "compile.seed"))


def _refuse_leaks(view: View) -> None:
    """Raise `ProblemsError` when a sample gives a test item away."""
    problems = []
    for unit in view.units("leaks"):
        for line, sample, item, code, shared in view.summary_of(unit):
            (shard,) = view.output(f"shard:{unit.partition(':')[2]}")
            how = f"shares the words {shared!r} with" if code == "L001" else f"has {shared} of its words in common with"
            message = f"the sample {sample} {how} the test item {item}"
            problems.append(
                Problem(code, message, f"build/{shard.path}", line, hint="reword a record, or drop the chain")
            )
    raise_errors(problems)


def _card(name: str, by_discipline: Counter[str], by_recipe: Counter[str]) -> str:
    rows = "\n".join(f"| {discipline} | {number} |" for discipline, number in sorted(by_discipline.items()))
    kinds = ", ".join(f"{recipe} {number}" for recipe, number in sorted(by_recipe.items()))
    return f"""---
pretty_name: {name}
configs:
- config_name: default
  data_files:
  - split: train
    path: train/**/*.jsonl
---

# {name}

{by_discipline.total()} training samples, built by prodabuild from the knowledge of {len(by_discipline)} disciplines.
Each row has `messages`, and the `recipe`, `discipline` and `nodes` (ids of records) that it was made from.

Samples by recipe: {kinds}.

| discipline | samples |
|---|---|
{rows}
"""
