"""How each system is told about the units, and how it is made to forget what it built."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENGINE = Path(__file__).parent / "engine.py"
WORDS = """
the of and a to in is for that it on as with by from at this be are or an which one has not but
""".split()  # noqa: SIM905 - a list of quoted words reads worse


@dataclass(frozen=True)
class System:
    """One system: its command, how its description is written, where outputs go, what it remembers."""

    name: str
    idiom: str
    command: tuple[str, ...]
    describe: Callable[[Path, Mapping[str, str]], None]
    outputs: str = "out"
    memory: tuple[str, ...] = ()

    def prepare(self, folder: Path, units: int, env: Mapping[str, str]) -> None:
        """Write the inputs and the description."""
        write_inputs(folder, units)
        (folder / self.outputs).mkdir()
        self.describe(folder, env)

    def forget(self, folder: Path) -> None:
        """Remove the outputs and all that is remembered of them."""
        for name in (self.outputs, *self.memory):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        (folder / self.outputs).mkdir()

    def made(self, folder: Path) -> str:
        """Return a digest of all outputs, by name."""
        whole = hashlib.sha256()
        for path in sorted((folder / self.outputs).iterdir()):
            whole.update(path.name.encode() + b"\0" + path.read_bytes())
        return whole.hexdigest()


def write_inputs(folder: Path, units: int) -> None:
    """Write the texts, the same ones everywhere."""
    draw = random.Random(7)
    (folder / "in").mkdir(parents=True)
    for number in range(units):
        words = " ".join(draw.choices(WORDS, k=draw.randint(700, 1300)))
        (folder / "in" / f"{number:05}.txt").write_text(words + "\n", "ascii")


def edit(folder: Path, number: int) -> None:
    """Add a line to one text."""
    with (folder / "in" / f"{number:05}.txt").open("a", encoding="ascii") as file:
        file.write(f"edit {number}\n")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "in").iterdir())


def _ninja(folder: Path, env: Mapping[str, str]) -> None:
    edges = "".join(f"build out/{name}: upper in/{name}\n" for name in _names(folder))
    (folder / "build.ninja").write_text(f"rule upper\n  command = tr a-z A-Z < $in > $out\n{edges}", "utf-8")


def _make(folder: Path, env: Mapping[str, str]) -> None:
    (folder / "Makefile").write_text(
        "all: $(patsubst in/%,out/%,$(wildcard in/*.txt))\nout/%.txt: in/%.txt\n\t@tr a-z A-Z < $< > $@\n", "utf-8"
    )


def _doit(folder: Path, env: Mapping[str, str]) -> None:
    (folder / "dodo.py").write_text(_DODO, "utf-8")


_DODO = """\
from pathlib import Path

DOIT_CONFIG = {"backend": "json", "dep_file": ".doit.json"}


def upper(source, target):
    Path(target).write_text(Path(source).read_text().upper())


def task_upper():
    for path in sorted(Path("in").iterdir()):
        source, target = str(path), f"out/{path.name}"
        action = (upper, [source, target])
        yield {"name": path.name, "actions": [action], "file_dep": [source], "targets": [target]}
"""


def _dvc(folder: Path, env: Mapping[str, str]) -> None:
    for command in ("git init --quiet", "dvc init --quiet", "dvc config core.check_update false"):
        subprocess.run(command.split(), cwd=folder, env=env, check=True, capture_output=True)
    (folder / "upper.py").write_text(_UPPER, "utf-8")
    (folder / "dvc.yaml").write_text(_STAGE, "utf-8")


_UPPER = """\
from pathlib import Path

Path("out").mkdir(exist_ok=True)
for path in Path("in").iterdir():
    Path(f"out/{path.name}").write_text(path.read_text().upper())
"""
_STAGE = """\
stages:
  upper:
    cmd: python3 upper.py
    deps:
    - in
    - upper.py
    outs:
    - out
"""


def _nothing(folder: Path, env: Mapping[str, str]) -> None:
    return None


SYSTEMS = (
    System("ninja", "`tr` a unit", ("ninja",), _ninja, memory=(".ninja_log", ".ninja_deps")),
    System("make", "`tr` a unit, -j4", ("make", "-j4"), _make),
    System("doit", "a Python function a unit, state in JSON", ("doit",), _doit, memory=(".doit.json",)),
    System(
        "dvc",
        "one stage on the two folders",
        ("dvc", "repro"),
        _dvc,
        memory=("dvc.lock", ".dvc/cache", ".dvc/tmp", "../home-dvc/dvc"),
    ),
    System(
        "engine",
        "prodabuild's engine, a Python function a unit",
        (sys.executable, str(ENGINE), "."),
        _nothing,
        outputs="build",
        memory=(".state",),
    ),
)
