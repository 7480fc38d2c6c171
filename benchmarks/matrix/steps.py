"""The project that the other systems build: texts, two step functions in files of their own, a module both import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrix.tool import INPUTS, Tool

if TYPE_CHECKING:
    from pathlib import Path

# An unchanged output is left alone, which is what ninja's `restat` asks of a command.
SHARED = """\
import os


def tidy(text):
    return " ".join(text.split())


def begin(step, path):
    with open("ran.log", "a") as log:
        log.write(f"{step} {os.path.basename(path)[0]}\\n")


def store(path, text):
    if not os.path.exists(path) or open(path).read() != text:
        with open(path, "w") as out:
            out.write(text)
"""
IMPORTS = """\
import os
import sys
import time

sys.path.insert(0, os.getcwd())
from shared import begin, store, tidy


"""
STEPS = {
    "a": """\
def a(source, target):
    begin("a", source)
    text = open(source).read()
    time.sleep(float(os.environ.get("SLOW", "0")))
    if "FAIL" in text:
        store(target, "PARTIAL")
        raise RuntimeError("the step fails half way")
    store(target, tidy(text))
""",
    "b": """\
def b(source, target):
    begin("b", source)
    store(target, tidy(open(source).read()).upper())
""",
}


class FileTool(Tool):
    """A system that builds files from files. `call` is how a step's file is told what to do."""

    call = "\n\n{step}(*sys.argv[1:])\n"
    edited_step = frozenset(f"b {name}" for name in INPUTS)

    def prepare(self, own_steps: bool) -> None:
        for below in ("in", "mid", "out", "steps"):
            (self.folder / below).mkdir(parents=True)
        for name in INPUTS:
            self.write(name, f"hello {name} world\n")
        self.imported.write_text(SHARED, "utf-8")
        for step, code in STEPS.items():
            path = self.folder / "steps" / f"{step}.py"
            path.write_text(IMPORTS + code + self.call.format(step=step), "utf-8")
        self.describe()

    def describe(self) -> None:
        """Write the file that tells the system what to build from what."""
        raise NotImplementedError

    def source(self, name: str) -> Path:
        return self.folder / "in" / f"{name}.txt"

    def middle(self, name: str) -> Path:
        return self.folder / "mid" / f"{name}.txt"

    def final(self, name: str) -> Path:
        return self.folder / "out" / f"{name}.txt"

    @property
    def step(self) -> Path:
        return self.folder / "steps" / "b.py"

    @property
    def imported(self) -> Path:
        return self.folder / "shared.py"

    def write(self, name: str, text: str) -> None:
        self.source(name).write_text(text, "utf-8")

    def respace(self, name: str) -> None:
        self.write(name, self.source(name).read_text("utf-8") + "\n\n")

    def drop(self, name: str) -> None:
        self.source(name).unlink()
        self.describe()

    @property
    def names(self) -> list[str]:
        """Return the inputs that are there."""
        return [name for name in INPUTS if self.source(name).exists()]
