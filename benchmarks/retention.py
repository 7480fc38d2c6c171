"""A suite of what the base has read: definitions from its text, each to be told from those of three other words.

The text is the one that ships with the package, so the suite needs nothing from elsewhere. A model that forgets what it
knew before it was taught falls on it; it says nothing of what was taught.
"""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING

from report import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEXT = ROOT / "prodabuild/training/base_text/wordnet.txt"
DEFINITION = re.compile(r"^([A-Z][a-z -]+): (.+)$")
ITEMS, OPTIONS = 300, 4
TASK = """task: retention
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{term}}}}:"
doc_to_choice: "{{{{options}}}}"
doc_to_target: gold
metric_list:
- {{metric: acc}}
metadata: {{version: 1}}
"""


def write_retention(repo: Path) -> None:
    """Add the suite `general` to a data repo."""
    folder = repo / "tests/tasks"
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "retention.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in _rows()))
    (folder / "retention.yaml").write_text(TASK.format(data=data.resolve()))
    manifest = repo / "proda.yaml"
    manifest.write_text(f"{manifest.read_text().rstrip()}\n  general: {{tasks: [tests/tasks/retention.yaml]}}\n")


def _rows() -> list[dict[str, object]]:
    lines = (line for line in TEXT.read_text().splitlines() if not line.startswith(("Question:", "Answer:")))
    found = [match.groups() for line in lines if (match := DEFINITION.match(line))]
    draw = random.Random(7)
    rows: list[dict[str, object]] = []
    for term, definition in draw.sample(found, ITEMS):
        wrong = draw.sample([other for name, other in found if name != term], OPTIONS - 1)
        options = [f" {text}" for text in draw.sample([definition, *wrong], OPTIONS)]
        rows.append({"term": term, "options": options, "gold": options.index(f" {definition}")})
    return rows
