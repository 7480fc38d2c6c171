"""Proofs about test items: nobody answers them without the knowledge, and no wrong option is true as well.

    python benchmarks/items.py REPO [--json | --md]
    python benchmarks/items.py --wordnet /usr/share/wordnet [--chains 1800] [--json | --md]

REPO is a data repo whose data are built; with --wordnet, all of WordNet is imported and built in a temporary one.
Rules of thumb, and a model trained on options without questions, have to score within 0.05 of chance, or within three
standard errors where items are few. A solver of its own (closure.py) closes the relations and looks at every option.
Whatever is broken exits 1.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from closure import read_knowledge, unsound
from datarepo import compile_data
from guessing import CHANCE, NEAR, folded, rules_of_thumb, without_question
from measure import machine
from report import Table, parser, progress, tell, verdict
from wordnet import import_wordnet

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from guessing import Score

SPLITS = ("dev", "sealed")
SHOWN = 10  # unsound items in the table
WHY = (
    "5 folds by chain, no bound: a concept is right in exactly a quarter of its options of a split, so whoever sees "
    "most of them knows what is left."
)


def main() -> None:
    asked = _arguments()
    if asked.wordnet:
        with tempfile.TemporaryDirectory(prefix="items-", dir=asked.below) as folder:
            progress("importing and building WordNet")
            import_wordnet(Path(folder), asked.wordnet.resolve(), asked.chains)
            compile_data(Path(folder))
            found = proofs(Path(folder))
    else:
        found = proofs(asked.repo)
    document = {"machine": machine(), "chance": CHANCE, "near": NEAR, **found}
    tell(asked, document, _tables(document))
    sys.exit(0 if found["met"] else 1)


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("repo", type=Path, nargs="?", help="a data repo whose data are built")
    options.add_argument("--wordnet", type=Path, help="folder with data.noun; instead of a repo")
    options.add_argument("--chains", type=int, default=1800, help="chains a discipline, at most (default: 1800)")
    options.add_argument("--below", type=Path, help="folder for the temporary repo")
    asked = options.parse_args()
    if (asked.repo is None) == (asked.wordnet is None):
        options.error("give a data repo or --wordnet")
    return asked


def proofs(repo: Path) -> dict[str, Any]:
    """Return each score of each split, and the items that are not sound."""
    items = {split: _items(repo, split) for split in SPLITS}
    scores: dict[str, dict[str, Score]] = {}
    anti: dict[str, dict[str, Any]] = {}
    for split, other in (SPLITS, SPLITS[::-1]):
        progress(f"answering the {split} items without knowledge")
        scores[split] = rules_of_thumb(items[split])
        scores[split]["trained on options, other split"] = without_question(items[other], items[split])
        scores[split]["trained on options, other disciplines"] = folded(items[split], lambda item: item["discipline"])
        anti[split] = {
            name: _row(folded(items[split], lambda item: item["id"], least))
            for name, least in (("likeliest option", False), ("least likely option", True))
        }
    progress("closing the relations")
    known, every = read_knowledge(repo / "knowledge"), [item for split in SPLITS for item in items[split]]
    wrong, plain = unsound(known, every), unsound(known, every, composed=False)
    return {
        "n": {split: len(items[split]) for split in SPLITS},
        "scores": {split: {name: _row(one) for name, one in found.items()} for split, found in scores.items()},
        "same_split": anti,
        "unsound": [one._asdict() for one in wrong],
        "unsound_items": {"one predicate": len({one.item for one in plain}), "all": len({one.item for one in wrong})},
        "met": not wrong and all(one.at_chance for found in scores.values() for one in found.values()),
    }


def _items(repo: Path, split: str) -> list[dict[str, Any]]:
    files = sorted((repo / "build" / "suites").glob(f"*/{split}.jsonl"))
    if not files:
        sys.exit(f"error: {repo} has no {split} items: compile its data first")
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def _row(score: Score) -> dict[str, Any]:
    return {"accuracy": round(score.accuracy, 4), "error": round(score.error, 4), "met": score.at_chance}


def _tables(document: Mapping[str, Any]) -> list[Table]:
    scores, same, n, wrong = (document[name] for name in ("scores", "same_split", "n", "unsound"))
    columns = ("accuracy", "±", "bound")
    head = ("who answers", *(f"{split} {column}" for split in SPLITS for column in columns))
    unsound_items = document["unsound_items"]
    total = (
        f"{unsound_items['all']} of {sum(n.values())} items are not sound, "
        f"{unsound_items['one predicate']} without the rules that compose different predicates."
    )
    near = f"Chance is {CHANCE}; ± is one standard error."
    return [
        Table("Test items", ("split", "n"), [[split, n[split]] for split in SPLITS]),
        Table("Answered without knowledge", head, _score_rows(scores), (near,)),
        Table(
            "Trained on the right answers of the same split",
            (head[0], *head[1:3], *head[4:6]),
            _score_rows(same, bound=False),
            (WHY,),
        ),
        Table("Not sound", ("item", "option", "why"), [[*one.values()] for one in wrong[:SHOWN]], (total,)),
    ]


def _score_rows(scores: Mapping[str, Any], bound: bool = True) -> list[list[str]]:
    rows = []
    for name in scores["dev"]:
        both = [scores[split][name] for split in SPLITS]
        cells = [[f"{one['accuracy']:.3f}", f"{one['error']:.3f}", verdict(one["met"])] for one in both]
        rows.append([name, *(cell for row in cells for cell in row[: 3 if bound else 2])])
    return rows


if __name__ == "__main__":
    main()
