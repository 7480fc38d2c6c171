"""Does repair by diagnosis beat other uses of the same budget? Several arms a seed, each with as many more samples.

    python benchmarks/repair.py [--seeds 5] [--arms diagnosed,random,shuffled,more,replay] [--repo .]
        [--first 1] [--hidden 192] [--threads N] [--json | --md]

A seed trains V1, diagnoses its failed dev items, and trains one V2 from the base for each arm: `diagnosed` with the
drafts as they are; `random` with as many samples of records drawn at random, in the same ways; `shuffled` with each
cause treated as the other one, and random records up to the budget; `more` with as many samples of random records in
other words. `replay` goes on from V1, and trains on what the drafts touch and as many other samples. Everything but the
patches is the same in all other arms of a seed. Changes are paired, item by item, with V1. Sealed items are scored, and
nothing here looks into them. `general` is a suite of what the base had read before (retention.py). `untouched` items
name no record of a draft. V1 happens to pass most of them, so they fall in every arm that trains anew: compare arms,
not with nought.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from datarepo import prodabuild
from measure import machine
from report import ROOT, Table, parser, progress, tell
from retention import TEXT, write_retention

from prodabuild.evaluation.statistics import compare, holm

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

ARMS = ("diagnosed", "random", "shuffled", "more", "replay")
GROUPS = ("target", "dev", "sealed", "general", "untouched")
GENERAL = "general/"  # before the ids of items of that suite
WAYS = ("recall", "contrast")
SLACK = 3  # samples by which arms may differ
Op = dict[str, Any]


class Run(NamedTuple):
    """One model: its samples and training tokens, and of each item whether it is right."""

    samples: int
    tokens: int
    right: dict[str, bool]


def main() -> None:
    asked = _arguments()
    where = machine()
    rows = []
    with tempfile.TemporaryDirectory(prefix="repair-", dir=asked.below) as folder:
        repo = copy_repo(asked.repo.resolve(), Path(folder) / "repo")
        if asked.hidden:
            _other_base(repo, asked.hidden)
        if asked.threads:
            _declare_threads(repo, asked.threads)
        write_retention(repo)
        for seed in range(asked.first, asked.first + asked.seeds):
            rows += _one_seed(repo, seed, asked.arms.split(","))
    document = {"machine": where, "seeds": asked.seeds, "runs": rows, "summary": _summary(rows)}
    tell(asked, document, _tables(document))


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5, help="seeds of training (default: 5)")
    options.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    options.add_argument("--threads", type=int, help="of training (default: as the manifest says)")
    options.add_argument("--hidden", type=int, help="width of a base of another size, made on the spot (micro: 128)")
    options.add_argument("--arms", default=",".join(ARMS), help="arms beside V1 (default: all)")
    options.add_argument("--repo", type=Path, default=ROOT, help="the data repo (default: this one)")
    options.add_argument("--below", type=Path, help="folder for the temporary repo")
    return options.parse_args()


def copy_repo(source: Path, target: Path) -> Path:
    """Copy the data repo as git has it, without its patches."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=source, check=True, capture_output=True, text=True).stdout
    for name in names.split("\0"):
        if name.startswith(("knowledge/", "sources/")) or name == "proda.yaml":
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, place)
    return target


def _other_base(repo: Path, hidden: int) -> None:
    """Train a base like `scratch:micro` of another width and one more layer on the same text, and teach that one."""
    from prodabuild.events import silent
    from prodabuild.training.scratch import PRESETS, build_scratch

    preset = replace(PRESETS["micro"], hidden=hidden, layers=PRESETS["micro"].layers + 1)
    build_scratch(preset, [TEXT.read_text()], repo / "models/other", "cpu", silent)
    manifest = (repo / "proda.yaml").read_text()
    (repo / "proda.yaml").write_text(manifest.replace("base: scratch:micro", "base: path:models/other"))


def _declare_threads(repo: Path, threads: int) -> None:
    manifest = (repo / "proda.yaml").read_text()
    (repo / "proda.yaml").write_text(manifest.replace("train: {", f"train: {{threads: {threads}, "))


def _one_seed(repo: Path, seed: int, arms: Sequence[str]) -> list[dict[str, Any]]:
    manifest = (repo / "proda.yaml").read_text()
    (repo / "proda.yaml").write_text(re.sub(r"(train: \{.*seed: )\d+", rf"\g<1>{seed}", manifest))
    shutil.rmtree(repo / "patches", ignore_errors=True)
    progress(f"seed {seed}: V1")
    first = train(repo)
    shutil.rmtree(repo / "models/v1", ignore_errors=True)
    shutil.copytree(repo / "build/model", repo / "models/v1")
    shutil.rmtree(repo / "drafted", ignore_errors=True)
    diagnosis = json.loads(prodabuild(repo, "debug", "--draft", "--json").out)
    drafts = [_load(repo / name) for name in diagnosis["drafts"]]
    target = {item for draft in drafts for item in draft["items"]}
    touched = {node for draft in drafts for op in draft["ops"] for node in op["emphasise"]}
    budget = _data(repo) - first.samples
    rows = []
    shutil.copytree(repo / "patches", repo / "drafted", dirs_exist_ok=True)
    for arm in arms:
        progress(f"seed {seed}: {arm}, {budget} more samples")
        shutil.rmtree(repo / "patches")
        if arm in ("diagnosed", "replay"):
            shutil.copytree(repo / "drafted", repo / "patches")
        else:
            _fill(repo, _ops_of(arm, drafts, repo, seed), first.samples + budget)
        with _going_on(repo) if arm == "replay" else nullcontext():
            found = train(repo)
        rows.append({"seed": seed, "arm": arm, "samples": found.samples, "tokens": found.tokens, "budget": budget})
        rows[-1] |= _changes(first, found, target, touched, items_of(repo))
    return rows


@contextmanager
def _going_on(repo: Path) -> Iterator[None]:
    """Train from V1 on what patches touch, and on as many other samples."""
    manifest = (repo / "proda.yaml").read_text()
    going = manifest.replace("compile: {", "compile: {replay: 1, ")
    (repo / "proda.yaml").write_text(going.replace("train: {", "train: {strategy: continue, start: models/v1, "))
    yield
    (repo / "proda.yaml").write_text(manifest)


def train(repo: Path) -> Run:
    """Compile and test a data repo."""
    compiled = json.loads(prodabuild(repo, "compile", "--json", "-q").out)
    subprocess.run([sys.executable, "-m", "prodabuild", "test", "-q"], cwd=repo, check=False, stdout=subprocess.DEVNULL)
    suites = (("", repo / "build/results/chains.json"), (GENERAL, repo / "build/results/general.json"))
    right = {
        prefix + row["id"]: row["correct"]
        for prefix, file in suites
        for row in (json.loads(file.read_bytes())["items"] if file.exists() else ())
    }
    log = (repo / "build/model/loss.csv").read_text().splitlines()
    column = log[0].split(",").index("tokens")
    tokens = int(log[-1].split(",")[column])  # counted up from the first step
    return Run(compiled["samples"], tokens, right)


def _data(repo: Path) -> int:
    samples: int = json.loads(prodabuild(repo, "compile", "--to", "data", "--json", "-q").out)["samples"]
    return samples


def items_of(repo: Path) -> dict[str, dict[str, Any]]:
    """Return split, discipline and nodes of items; their words are not kept."""
    rows = (
        json.loads(line)
        for file in (repo / "build/suites/chains").glob("*.jsonl")
        for line in file.read_text().splitlines()
    )
    return {row["id"]: {name: row[name] for name in ("split", "discipline", "nodes")} for row in rows}


def _load(file: Path) -> dict[str, Any]:
    import yaml

    document = yaml.safe_load(file.read_text())
    return {"cause": document["cause"], "items": document["evidence"]["items"], "ops": document["ops"]}


def _ops_of(arm: str, drafts: Sequence[Mapping[str, Any]], repo: Path, seed: int) -> list[Op]:
    """Return operations of an arm, one record each, more than the budget needs: they are filled in, in this order."""
    relations, concepts, free = records_of(repo)
    draw = random.Random(f"{seed}/{arm}")
    draw.shuffle(relations)
    draw.shuffle(concepts)
    draw.shuffle(free)
    if arm == "more":
        return [
            {"emphasise": [node], "ways": ["recall"]}
            for pair in zip(concepts, relations, strict=False)
            for node in pair
        ]
    ways = {draft["cause"]: draft["ops"][0]["ways"] for draft in drafts}
    lacking, practised = _nodes(drafts, "concept_gap"), _nodes(drafts, "reasoning_gap")
    if arm == "random":
        chains = sum(".." in node for node in practised)
        known, rest = relations[: len(lacking)], relations[len(lacking) :]
        others = len(practised) - chains
        steps = [*free[:chains], *rest[:others], *free[chains:], *rest[others:]]
        recalled = [{"emphasise": [node], "ways": ways["concept_gap"]} for node in known]
        return [*recalled, *({"emphasise": [node], "ways": ways["reasoning_gap"]} for node in steps)]
    swapped = [{"emphasise": [node], "ways": ways["reasoning_gap"]} for node in lacking]
    swapped += [{"emphasise": [node], "ways": ways["concept_gap"]} for node in practised if ".." not in node]
    draw.shuffle(swapped)
    return [*swapped, *({"emphasise": [node], "ways": list(WAYS)} for node in relations)]


def _nodes(drafts: Sequence[Mapping[str, Any]], cause: str) -> list[str]:
    return [node for draft in drafts if draft["cause"] == cause for op in draft["ops"] for node in op["emphasise"]]


def records_of(repo: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the relations, the concepts, and the chains of the dev split that carry no item."""
    import yaml

    from prodabuild.knowledge.records import identity_of
    from prodabuild.knowledge.splits import split_of

    found: dict[str, list[str]] = {"relations": [], "concepts": [], "chains": []}
    for file in sorted((repo / "knowledge").rglob("*.yaml")):
        document = yaml.safe_load(file.read_text()) or {}
        for concept in document.get("concepts", ()):
            found["concepts"].append(concept["id"])
            found["relations"] += [
                identity_of("relation", {"subject": concept["id"], **row}) for row in concept.get("relations", ())
            ]
        found["chains"] += [row["id"] for row in document.get("chains", ()) if "steps" in row]
    tested = items_of(repo)
    free = [chain for chain in found["chains"] if chain not in tested and split_of(chain, 0.3) == "dev"]
    return found["relations"], found["concepts"], free


def _fill(repo: Path, ops: Sequence[Op], wanted: int) -> None:
    """Write a patch with as many of the operations as give the wanted number of samples."""
    low, high = 0, len(ops)
    while low < high:
        middle = (low + high + 1) // 2
        _write(repo, ops[:middle])
        low, high = (middle, high) if _data(repo) <= wanted else (low, middle - 1)
    _write(repo, ops[:low])
    short = wanted - _data(repo)
    if short > SLACK:
        progress(f"  {short} samples short: there is no more to emphasise")


def _write(repo: Path, ops: Sequence[Op]) -> None:
    unique = {op["emphasise"][0]: op for op in ops}
    lines = ["title: an arm", "reason: a comparison", "cause: correction", "ops:"]
    lines += [f"- {json.dumps(op)}" for op in unique.values()]
    (repo / "patches").mkdir(exist_ok=True)
    (repo / "patches/0001-arm.yaml").write_text("\n".join(lines) + "\n")


def _changes(
    first: Run, found: Run, target: set[str], touched: set[str], items: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    groups = {
        "target": [item for item in items if item in target],
        "dev": [item for item, row in items.items() if row["split"] == "dev"],
        "sealed": [item for item, row in items.items() if row["split"] == "sealed"],
        "general": [item for item in first.right if item.startswith(GENERAL)],
        "untouched": [item for item, row in items.items() if not touched.intersection(row["nodes"])],
    }
    rows = {name: paired(first, found, group) for name, group in groups.items()}
    disciplines = sorted({row["discipline"] for row in items.values()})
    each = {
        name: paired(first, found, [item for item, row in items.items() if row["discipline"] == name])
        for name in disciplines
    }
    corrected = dict(zip(each, holm([row["p"] for row in each.values()]), strict=True))
    fallen = [name for name, row in each.items() if row["difference"] < 0 and corrected[name] < 0.05]
    return {"changes": rows, "disciplines": each, "fallen": fallen}


def paired(first: Run, found: Run, items: Sequence[str]) -> dict[str, Any]:
    before, now = [first.right[item] for item in items], [found.right[item] for item in items]
    pair = compare(now, before)
    share = sum(before) / max(1, len(before))
    return {"n": pair.n, "before": share, "difference": pair.difference, "interval": list(pair.interval), "p": pair.p}


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        found[arm] = {group: statistics.mean(row["changes"][group]["difference"] for row in mine) for group in GROUPS}
        found[arm]["sealed_above_zero"] = sum(row["changes"]["sealed"]["interval"][0] > 0 for row in mine)
        found[arm]["fallen"] = sorted({name for row in mine for name in row["fallen"]})
    return found


def _tables(document: Mapping[str, Any]) -> list[Table]:
    head = ("seed", "arm", "samples", "tokens", "target", "dev", "sealed", "interval", "general", "untouched", "fallen")
    rows = [
        [
            row["seed"],
            row["arm"],
            row["samples"],
            row["tokens"],
            *(f"{row['changes'][group]['difference']:+.3f}" for group in ("target", "dev", "sealed")),
            "{:+.3f} to {:+.3f}".format(*row["changes"]["sealed"]["interval"]),
            *(f"{row['changes'][group]['difference']:+.3f}" for group in ("general", "untouched")),
            ", ".join(row["fallen"]) or "none",
        ]
        for row in document["runs"]
    ]
    means = [
        [
            arm,
            *(f"{found[group]:+.3f}" for group in GROUPS),
            found["sealed_above_zero"],
        ]
        for arm, found in document["summary"].items()
    ]
    note = "Change of accuracy against V1 of the seed; the interval is the paired bootstrap's of sealed items, 95 %."
    return [
        Table("Repair, run by run", head, rows, (note,)),
        Table("Means", ("arm", *GROUPS, "seeds above zero"), means),
    ]


if __name__ == "__main__":
    main()
