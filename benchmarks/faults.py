"""Does the diagnosis find what was taken away? Relations are kept from training, then the loop of repair is run.

    python benchmarks/faults.py [--faults 30] [--seeds 3] [--disciplines 6] [--epochs 10] [--threads N] [--json | --md]

Recipes of the data repo's own pass over the planted relations, which are all relations of some subjects, and over the
definitions of these: told in other words, a fact is not kept back. The knowledge, the tests and everything else stay
as they are. Twins of one seed, one with the faults and one without, tell what the model lacks anyway. Recall: planted
relations that a `concept_gap` names, of those that a failed dev item needs. Precision: named relations that were
planted, of all that are named; and of those that the twin's diagnosis does not name. Then all drafts are taken, and
items over planted relations are scored again: sealed ones had no part in any of this.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from datarepo import prodabuild
from measure import machine
from repair import copy_repo, items_of, paired, records_of, train
from report import ROOT, Table, parser, progress, tell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from repair import Run

RECIPES = ("define", "relate", "choose", "judge")
MODULE = '''"""The recipes that ship, but for relations that are kept from training."""

from prodabuild.shards import recipes

SUBJECTS = frozenset({subjects!r})


def untold(recipe, relation):
    return () if relation.subject.id in SUBJECTS else recipe(relation)


def define_known(concept):
    if concept.id not in SUBJECTS:
        yield from recipes.define(concept)


def relate_known(relation):
    yield from untold(recipes.relate, relation)


def choose_known(relation):
    yield from untold(recipes.choose, relation)


def judge_known(relation):
    yield from untold(recipes.judge, relation)
'''
MANIFEST = """version: 1
name: faults
disciplines:
{disciplines}
compile: {{seed: 7, recipes: [{recipes}], duplicates: drop, shard_size: 64}}
model:
  base: scratch:micro
  adapter: {{type: lora, r: 32, alpha: 64, targets: all-linear, save_modules: [embed_tokens, lm_head]}}
  train: {{epochs: {epochs}, learning_rate: 3.0e-3, max_length: 256, batch_tokens: 2048, seed: {seed}{threads}}}
tests:
  chains: {{from: chains, sealed: 0.3}}
"""


class Diagnosed(NamedTuple):
    """A model, the relations that its failed items need, and those that a concept gap names."""

    run: Run
    needed: set[str]
    named: set[str]


def main() -> None:
    asked = _arguments()
    rows = []
    with tempfile.TemporaryDirectory(prefix="faults-", dir=asked.below) as folder:
        repo = copy_repo(ROOT, Path(folder) / "repo")
        for seed in range(asked.first, asked.first + asked.seeds):
            rows.append(_one_seed(repo, asked, seed))
    document = {"machine": machine(), "faults": asked.faults, "epochs": asked.epochs, "runs": rows}
    tell(asked, document, _tables(document))


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--faults", type=int, default=30, help="relations kept from training (default: 30)")
    options.add_argument("--seeds", type=int, default=3, help="seeds of training and of the draw (default: 3)")
    options.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    options.add_argument("--disciplines", type=int, default=6, help="how many that name no other (default: 6)")
    options.add_argument("--threads", type=int, help="of training (default: that of prodabuild)")
    options.add_argument("--epochs", type=int, default=10, help="epochs of training (default: 10)")
    options.add_argument("--below", type=Path, help="folder for the temporary repo")
    return options.parse_args()


def _one_seed(repo: Path, asked: argparse.Namespace, seed: int) -> dict[str, Any]:
    shutil.rmtree(repo / "patches", ignore_errors=True)
    progress(f"seed {seed}: everything told")
    _declare(repo, asked, seed, ())
    whole = _diagnose(repo)
    items = items_of(repo)
    planted = _draw(items, records_of(repo)[0], asked.faults, seed)
    progress(f"seed {seed}: {len(planted)} relations kept back")
    _declare(repo, asked, seed, planted)
    faulty = _diagnose(repo)
    progress(f"seed {seed}: repaired")
    drafts = json.loads(prodabuild(repo, "debug", "--draft", "--json").out)["drafts"]
    repaired = train(repo)
    found = faulty.named & planted
    fresh = faulty.named - whole.named
    over = [item for item, row in items.items() if planted.intersection(row["nodes"])]
    sealed = [item for item in over if items[item]["split"] == "sealed"]
    return {
        "seed": seed,
        "planted": len(planted),
        "needed": len(planted & faulty.needed),
        "named": len(faulty.named),
        "fresh": len(fresh),
        "found": len(found),
        "recall": len(found) / max(1, len(planted & faulty.needed)),
        "recall_of_all": len(found) / len(planted),
        "precision": len(found) / max(1, len(faulty.named)),
        "precision_of_fresh": len(fresh & planted) / max(1, len(fresh)),
        "drafts": len(drafts),
        "sealed": {
            "n": len(sealed),
            "told": statistics.fmean(whole.run.right[item] for item in sealed),
            "kept_back": paired(whole.run, faulty.run, sealed),
            "repaired": paired(faulty.run, repaired, sealed),
        },
    }


def _declare(repo: Path, asked: argparse.Namespace, seed: int, planted: Sequence[str] | set[str]) -> None:
    most = _closed(repo / "knowledge")[: asked.disciplines]
    (repo / "recipes").mkdir(exist_ok=True)
    (repo / "recipes/known.py").write_text(MODULE.format(subjects=sorted(set(map(_subject, planted)))))
    manifest = MANIFEST.format(
        disciplines="\n".join(f"  {name}: {{knowledge: [knowledge/{name}]}}" for name in most),
        recipes=", ".join(f"recipes/known.py:{name}_known" for name in RECIPES),
        threads=f", threads: {asked.threads}" if asked.threads else "",
        epochs=asked.epochs,
        seed=seed,
    )
    (repo / "proda.yaml").write_text(manifest)


def _closed(knowledge: Path) -> list[str]:
    """Return the disciplines that name no record of another, those with most chains first."""
    texts = {
        folder.name: "".join(file.read_text() for file in sorted(folder.glob("*.yaml")))
        for folder in sorted(knowledge.iterdir())
        if folder.is_dir()
    }
    closed = [name for name, text in texts.items() if not any(f" {other}/" in text for other in texts if other != name)]
    return sorted(closed, key=lambda name: -(knowledge / name / "chains.yaml").stat().st_size)


def _diagnose(repo: Path) -> Diagnosed:
    run, items = train(repo), items_of(repo)
    findings = json.loads(prodabuild(repo, "debug", "--json").out)["findings"]
    named = {node for finding in findings if finding["cause"] == "concept_gap" for node in finding["nodes"]}
    failed = [row for item, row in items.items() if row["split"] == "dev" and not run.right[item]]
    return Diagnosed(run, {node for row in failed for node in row["nodes"]}, named)


def _draw(items: Mapping[str, Mapping[str, Any]], relations: Sequence[str], number: int, seed: int) -> set[str]:
    """Return all relations of subjects that a dev item and a sealed item need: at least so many, if there are."""
    needed: dict[str, set[str]] = {"dev": set(), "sealed": set()}
    for row in items.values():
        needed[row["split"]].update(_subject(node) for node in row["nodes"] if "." in node)
    both = sorted(needed["dev"] & needed["sealed"])
    random.Random(seed).shuffle(both)
    planted: set[str] = set()
    for subject in both:
        if len(planted) < number:
            planted.update(relation for relation in relations if _subject(relation) == subject)
    return planted


def _subject(relation: str) -> str:
    """Return the subject that the id of a relation begins with: `a/b.is_a.c` has `a/b`."""
    return relation.partition(".")[0]


def _tables(document: Mapping[str, Any]) -> list[Table]:
    names = ("seed", "planted", "needed", "named", "found", "recall", "precision", "precision_of_fresh")
    rows = [
        [f"{row[name]:.3f}" if isinstance(row[name], float) else row[name] for name in names]
        for row in document["runs"]
    ]
    sealed = [
        [
            row["seed"],
            row["sealed"]["n"],
            f"{row['sealed']['told']:.3f}",
            *(_shown(row["sealed"][name]) for name in ("kept_back", "repaired")),
        ]
        for row in document["runs"]
    ]
    note = "`needed`: planted relations that a failed dev item needs. Changes are paired, with intervals of 95 %."
    return [
        Table("Planted faults", names, rows, (note,)),
        Table("Sealed items over planted relations", ("seed", "n", "all told", "kept back", "repaired"), sealed),
    ]


def _shown(change: Mapping[str, Any]) -> str:
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(change["difference"], *change["interval"])


if __name__ == "__main__":
    main()
