"""What `kill -9` costs: kill compiles of made-up knowledge at random instants, start them again, compare every byte.

    python benchmarks/kill.py [--kills 200] [--concepts 12000] [--jobs 2] [--seed 7] [--json]

A compile is started, killed with all of its processes after a random time, started again and so on until one ends; then
`build/`, `proda.lock` and the stored objects are compared with those of an undisturbed build, everything is forgotten,
and the next compile begins. Prints kills, builds, wrong builds, runs that did not go on by themselves, and how many
units were begun more often than once (goal: 0 wrong, 0 manual steps, at most 1 % of units repeated).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILT = ("build", ".prodabuild", "proda.lock")
MANIFEST = """version: 1
name: words
disciplines:
  words: {knowledge: [knowledge/words]}
compile: {seed: 7, recipes: [define, relate, choose, judge], shard_size: 32}
model:
  base: scratch:micro
tests:
  chains: {from: chains, sealed: 0.3}
"""
# The program under test; each unit whose build begins is written down first.
PROGRAM = """
import os, sys
from prodabuild.cli.main import main
from prodabuild.engine import executors

begun = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND | os.O_CREAT)

class Noted(executors.View):
    def __init__(self, unit, *others):
        os.write(begun, unit.encode() + b"\\n")
        super().__init__(unit, *others)

executors.View = Noted
main()
"""


@dataclass
class Figures:
    """What was counted."""

    kills: int = 0
    builds: int = 0
    wrong: int = 0
    manual_steps: int = 0
    units_built: int = 0
    units_repeated: int = 0
    seconds: float = 0.0
    trouble: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Return the share of units that were begun once more."""
        return self.units_repeated / max(1, self.units_built)


def word(number: int) -> str:
    """Return a word of eight letters, another one for each number."""
    letters = ""
    for _ in range(4):
        number, rest = divmod(number, 105)
        letters += "bcdfghjklmnpqrstvwxyz"[rest // 5] + "aeiou"[rest % 5]
    return letters


def fill(repo: Path, concepts: int) -> None:
    """Write a data repo: a tree of concepts, six children each, and 300 chains up the tree."""
    names = [word(7919 * number + 13) for number in range(concepts)]
    rows: list[dict[str, object]] = []
    for number, name in enumerate(names):
        definition = f"the word that stands in place {number} of all"
        rows.append({"level": "concept", "id": f"words/{name}", "name": name, "definition": definition})
        if number:
            rows.append({"level": "relation", "id": f"words/{name}.is_a", "predicate": "is_a"})
            rows[-1] |= {"subject": f"words/{name}", "object": f"words/{names[(number - 1) // 6]}"}
    for number in range(50, concepts, max(1, concepts // 300)):
        steps = [f"words/{names[number]}.is_a", f"words/{names[(number - 1) // 6]}.is_a"]
        rows.append({"level": "chain", "id": f"words/{names[number]}..", "title": "two steps up", "steps": steps})
    (repo / "knowledge/words").mkdir(parents=True)
    (repo / "knowledge/words/all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (repo / "proda.yaml").write_text(MANIFEST, "utf-8")


def compiling(repo: Path, jobs: int, program: str = PROGRAM) -> subprocess.Popen[bytes]:
    """Start a compile in a process group of its own."""
    arguments = ["compile", "--to", "data", "--device", "cpu", "--jobs", str(jobs), "-q"]
    return subprocess.Popen(
        [sys.executable, "-c", program, str(repo / "begun"), *arguments],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def digests(repo: Path) -> dict[str, str]:
    """Return the sha256 of every file that counts: build/, the lock, stored objects."""
    objects = (repo / ".prodabuild/cache").rglob("*")
    files = [*(repo / "build").rglob("*"), *objects, repo / "proda.lock"]
    return {
        file.relative_to(repo).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }


def forget(repo: Path) -> None:
    """Forget everything that was built."""
    for name in BUILT:
        path = repo / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (repo / "begun").unlink(missing_ok=True)


def begun(repo: Path) -> list[str]:
    """Return the units whose build began, once for each time."""
    path = repo / "begun"
    return path.read_text("utf-8").split() if path.exists() else []


def kill_group(process: subprocess.Popen[bytes], after: float) -> bool:
    """Kill a process and its children after some seconds; tell whether it was still there."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def measure(repo: Path, kills: int, jobs: int, seed: int) -> Figures:
    """Kill until enough were killed, and go on until the last build is done."""
    draw = random.Random(seed)
    figures = Figures()
    forget(repo)
    started = time.perf_counter()
    compiling(repo, jobs).communicate()
    length = time.perf_counter() - started
    expected, units = digests(repo), len(begun(repo))
    forget(repo)
    started = time.perf_counter()
    while True:
        with compiling(repo, jobs) as process:
            if figures.kills < kills and kill_group(process, draw.uniform(0, length)):
                figures.kills += 1
                continue
            said = process.communicate()[1].decode()
        if process.returncode:
            figures.manual_steps += 1
            figures.trouble.append(said)
        figures.builds += 1
        figures.wrong += digests(repo) != expected
        figures.units_built += len(begun(repo))
        figures.units_repeated += len(begun(repo)) - units
        forget(repo)
        if figures.kills >= kills:
            figures.seconds = time.perf_counter() - started
            return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--concepts", type=int, default=12000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), asked.concepts)
        figures = measure(Path(folder), asked.kills, asked.jobs, asked.seed)
    if asked.json:
        print(json.dumps({**asdict(figures), "repeated_share": figures.share}, indent=2))
        return
    print(f"{'kills':>7}{'builds':>8}{'wrong':>7}{'manual steps':>14}{'units built':>13}{'repeated':>10}{'share':>8}")
    print(
        f"{figures.kills:>7}{figures.builds:>8}{figures.wrong:>7}{figures.manual_steps:>14}{figures.units_built:>13}"
        f"{figures.units_repeated:>10}{figures.share:>8.2%}"
    )
    print("\n".join(figures.trouble))


if __name__ == "__main__":
    main()
