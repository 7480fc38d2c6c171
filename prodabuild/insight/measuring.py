"""What a run of an experiment came to: scores of items as asked and in other formats, text, probes, weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from prodabuild.digest import canonical
from prodabuild.engine.code import read_code
from prodabuild.errors import ProjectError
from prodabuild.evaluation.encoding import request_of
from prodabuild.evaluation.loading import loaded, open_candidate
from prodabuild.evaluation.results import choose
from prodabuild.evaluation.run import read_items
from prodabuild.evaluation.scoring import prepare, score
from prodabuild.events import Note
from prodabuild.insight.experiments import ARM, RUN, parse_unit
from prodabuild.insight.footprint import make_footprint
from prodabuild.insight.ladder import rung_of
from prodabuild.insight.reading import forward_of
from prodabuild.insight.rungs import ProbeRequest
from prodabuild.insight.summary import measures_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.evaluation.loading import Candidate
    from prodabuild.insight.reading import Forward

DECIMALS = 4  # of what is measured: what batching and processors do to it shows in the fifth
TEXTS = "insight.texts"  # the setting that names the files of general text
BATCH = 8  # rows of text computed together
ROWS, LENGTH = 64, 128  # of general text, in tokens
SCORES = ("dev", "sealed")
FORMATS = {  # in which no recipe asks anything
    "framed": "Here is a line of an examination. {question} What is the answer?",
    "listed": "Options: {options}. {question}",
}
FIGURES = ("erank_1", "erank_2", "stable", "participation")  # told as shares of what their null gives
EFFECTS = ("size", "largest", "erank_1_change", "intruder_energy", "alignment")


def build_measured(unit: str, view: View) -> Output:
    """Return the one file of what a run came to, or of what its base does."""
    read_code(view, __name__)
    named = parse_unit(unit)
    run = named.unit(RUN) if named.arm else ""
    candidate = open_candidate(view, bool(run), run)
    view.emit(Note(f"measuring {named.experiment}: {f'arm {named.arm}, seed {named.seed}' if run else 'the base'}"))
    found: dict[str, Any] = {"experiment": named.experiment, "arm": named.arm, "seed": named.seed}
    with loaded(candidate) as (model, tokenizer):
        found["scores"] = _scores(view, model, tokenizer)
        found["text"] = _text(view, forward_of(model), tokenizer, candidate.device)
        found["probe"] = _probed(view.read("manifest", named.setting("probe")), model, tokenizer, candidate.device)
    if run:
        found["data"] = view.summary_of(named.unit(ARM))
        found["footprint"] = figures_of_run(candidate)
    return {f"{named.folder}.json": canonical(_rounded(found)) + b"\n"}


def _scores(view: View, model: Any, tokenizer: Any) -> dict[str, dict[str, float]]:
    """Return accuracy and number of items: of each split, and of dev items in other formats."""
    items = [item for unit in view.units("suites") for item in read_items(view, unit.partition(":")[2])]
    scorer = prepare(model, tokenizer)

    def share(rows: Sequence[Mapping[str, Any]], template: str) -> dict[str, float]:
        requests = [request_of(_in(template, row), row["choices"]) for row in rows]
        picks = [choose([one.value for one in found]) for found in score(scorer, requests)]
        right = sum(pick == row["gold"] for pick, row in zip(picks, rows, strict=True))
        return {"acc": right / len(rows), "n": len(rows)}

    splits = {split: [item for item in items if item["split"] == split] for split in SCORES}
    found = {split: share(rows, "{question}") for split, rows in splits.items() if rows}
    return found | {name: share(splits["dev"], template) for name, template in FORMATS.items() if splits["dev"]}


def _in(template: str, item: Mapping[str, Any]) -> str:
    """Return an item's question in a format; its answer is in the options, at its own place."""
    options = "; ".join(choice.removesuffix(".") for choice in item["choices"])
    return template.format(question=item["question"], options=options)


def _text(view: View, forward: Forward, tokenizer: Any, device: str) -> float:
    """Return the bits that a token of general text costs, over pieces that lie evenly in it."""
    import torch

    lines = [line for name in view.read("manifest", TEXTS) for line in view.file(name).read_text("utf-8").splitlines()]
    tokens = tokenizer([line for line in lines if line], add_special_tokens=False)["input_ids"]
    ids = np.array([token for line in tokens for token in line])
    starts = np.linspace(0, len(ids) - LENGTH, ROWS).astype(int)
    rows = torch.tensor(ids[starts[:, None] + np.arange(LENGTH)], device=device)
    total = 0.0
    with torch.inference_mode():
        for at in range(0, ROWS, BATCH):
            part = rows[at : at + BATCH]
            chances = forward(part)[:, :-1].float().log_softmax(-1)
            total -= float(chances.gather(-1, part[:, 1:, None]).double().sum())
    if not math.isfinite(total):
        raise ProjectError("what the model pays for general text is no finite number", "its training has diverged")
    return total / math.log(2) / (ROWS * (LENGTH - 1))


def _probed(sources: Sequence[str], model: Any, tokenizer: Any, device: str) -> dict[str, dict[str, float]]:
    """Return what each source costs within a context above what it allows, in bits a symbol."""
    rungs = {text: rung_of(text, ProbeRequest(), model, tokenizer, device) for text in sources}
    return {
        text: {"excess": rung.context.excess.mean, "error": rung.context.excess.error} for text, rung in rungs.items()
    }


def figures_of_run(candidate: Candidate) -> dict[str, float]:
    """Return the figures of what was trained, over the matrices within layers; ranks as shares of their nulls."""
    base, adapter = _weights(candidate.base_folder), candidate.adapter_folder
    footprint = make_footprint("run", adapter, base, lambda done, total: None)
    rows = [row for row in footprint.rows if not row.apart]
    found = measures_of(rows, footprint)
    spread = footprint.spread()
    figures = {name: found[name].value for name in EFFECTS if name in found}
    figures |= {name: found[name].value / null for name in FIGURES if name in found and (null := found[name].null)}
    return figures | {"layers": spread.effective if spread else 0.0, "in_layers": found["share"].value}


def _weights(folder: Path) -> Path | None:
    return folder if any(folder.glob("*.safetensors")) else None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS)
    return {key: _rounded(each) for key, each in value.items()} if isinstance(value, dict) else value
