"""prodabuild itself: an input is the knowledge of a discipline, step `a` makes its shard, step `b` the dataset."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from matrix.tool import INPUTS, Tool

if TYPE_CHECKING:
    from pathlib import Path

# top, middle, leaves
TREES = (
    ("stone", "wall", "dyke", "rampart", "parapet"),
    ("water", "stream", "brook", "torrent", "rill"),
    ("wood", "chest", "coffer", "trunk", "crate"),
    ("iron", "blade", "sabre", "dagger", "scythe"),
)
RECIPE = "recipes/cases.py:brief"
CASES = """\
import time

from prodabuild.shards.sample import Sample
from recipes.shared import begin, tidy


def brief(concept):
    time.sleep(begin())
    if "FAIL" in concept.definition:
        raise RuntimeError("the recipe fails")
    yield Sample("brief", f"{concept.name.text}, in brief?", tidy(concept.definition).upper(), (concept.id,))
"""
SHARED = """\
import os


def tidy(text):
    return " ".join(text.split())


def begin():
    seconds = float(os.environ.get("SLOW", "0"))
    if seconds:
        open("ran.log", "a").close()
    return seconds
"""


class Prodabuild(Tool):
    """`prodabuild compile --to data` on a data repo of three disciplines with a suite of chains."""

    name = "prodabuild"
    edited_step = frozenset((*(f"{kind}:{name}/all" for kind in ("shard", "leaks") for name in INPUTS), "dataset"))

    def prepare(self, own_steps: bool) -> None:
        self.step.parent.mkdir(parents=True)
        self.step.write_text(CASES, "utf-8")
        self.imported.write_text(SHARED, "utf-8")
        for name in INPUTS:
            self.source(name).parent.mkdir(parents=True)
            self.write(name, f"hello {name} world")
        self._describe(list(INPUTS), ["define", *([RECIPE] if own_steps else [])])

    def command(self, keep_going: bool) -> list[str]:
        command = [sys.executable, "-m", "prodabuild", "compile", "--to", "data", "--json"]
        return [*command, *(["--keep-going"] if keep_going else [])]

    def source(self, name: str) -> Path:
        return self.folder / "knowledge" / name / "facts.yaml"

    def middle(self, name: str) -> Path:
        return self.folder / "build" / "dataset" / "train" / name / "all.jsonl"

    def final(self, name: str) -> Path:
        return self.folder / "build" / "dataset" / "dataset.json"

    @property
    def step(self) -> Path:
        return self.folder / "recipes" / "cases.py"

    @property
    def imported(self) -> Path:
        return self.folder / "recipes" / "shared.py"

    def write(self, name: str, text: str) -> None:
        self.source(name).write_text(_knowledge(name, text), "utf-8")

    def respace(self, name: str) -> None:
        text = self.source(name).read_text("utf-8")
        self.source(name).write_text(text.replace("\n- ", "\n\n- ").replace(": ", ":   "), "utf-8")

    def drop(self, name: str) -> None:
        self.source(name).unlink()
        kept = [other for other in INPUTS if self.source(other).exists()]
        self._describe(kept, ["define"])

    def result(self, name: str) -> str:
        path = self.middle(name)
        return path.read_text("utf-8").lower() if path.exists() else ""

    def actions(self, out: str) -> tuple[str, ...]:
        try:
            return tuple(json.loads(out)["built"])
        except (ValueError, KeyError):
            return ()

    def _describe(self, names: list[str], recipes: list[str]) -> None:
        disciplines = "".join(f"  {name}: {{knowledge: [knowledge/{name}]}}\n" for name in names)
        self.folder.joinpath("proda.yaml").write_text(
            f"version: 1\nname: matrix\ndisciplines:\n{disciplines}"
            f"compile: {{recipes: [{', '.join(recipes)}]}}\n"
            "model: {base: scratch:micro}\ntests:\n  chains: {from: chains}\n",
            "utf-8",
        )


def _knowledge(name: str, text: str) -> str:
    """Return four trees of concepts, with a chain from each leaf to its top; the text defines the first top."""
    concepts, chains = [], []
    for top, middle, *leaves in TREES:
        definition = text if top == TREES[0][0] else f"whatever is made of {top}"
        concepts.append(f"- id: {name}/{top}\n  name: {top}\n  definition: {json.dumps(definition)}\n")
        concepts.append(_concept(name, middle, top))
        for leaf in leaves:
            concepts.append(_concept(name, leaf, middle))
            steps = f"[{name}/{leaf}.is_a.{middle}, {name}/{middle}.is_a.{top}]"
            chains.append(f"- id: {name}/{leaf}..{top}\n  title: from {leaf} to {top}\n  steps: {steps}\n")
    return f"concepts:\n{''.join(concepts)}chains:\n{''.join(chains)}"


def _concept(discipline: str, name: str, above: str) -> str:
    return (
        f"- id: {discipline}/{name}\n  name: {name}\n  definition: something called {name}\n"
        f"  relations:\n  - {{predicate: is_a, object: {discipline}/{above}}}\n"
    )
