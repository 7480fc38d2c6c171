"""What the parts of a build cost by themselves, in the least Python: the floors that a build stands on.

    python benchmarks/floors.py REPO [--runs 5] [--json | --md]

REPO is a built data repo with its knowledge in JSONL. The files are in the page cache: a floor is about work, not
about the disk.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import xxhash
from datarepo import knowledge
from measure import checked, machine, own_environment
from report import ROOT, Table, parser, progress, seconds, tell

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = "import prodabuild.cli.main, prodabuild.cli.compile_command, prodabuild.project"
MEANING = {
    "interpreter_s": "start of the interpreter",
    "imports_s": "start and imports of the command",
    "stat_s": "stat of every source and every output",
    "hash_s": "reading and hashing (xxh3) every source",
    "parse_s": "reading every source and parsing each record (orjson)",
    "write_s": "writing every output once",
}


def measure_floors(repo: Path, runs: int) -> dict[str, float]:
    """Return the smallest seconds of each floor: what the work takes when nothing is in its way."""
    sources = knowledge(repo)
    package = list((ROOT / "prodabuild").rglob("*.py"))
    made = [path for path in (repo / "build").rglob("*") if path.is_file()]
    outputs = [path.read_bytes() for path in made]
    floors: dict[str, Callable[[], float]] = {
        "interpreter_s": lambda: _start("pass"),
        "imports_s": lambda: _start(IMPORTS),
        "stat_s": lambda: _timed(lambda: _stat([*sources, *package, *made])),
        "hash_s": lambda: _timed(lambda: _hash(sources)),
        "parse_s": lambda: _timed(lambda: _parse(sources)),
        "write_s": lambda: _write(outputs),
    }
    return {name: round(min(floor() for _ in range(runs)), 4) for name, floor in floors.items()}


def _start(code: str) -> float:
    return checked([sys.executable, "-c", code], ROOT, own_environment()).wall_s


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _stat(paths: list[Path]) -> None:
    for path in paths:
        os.stat(path)


def _hash(paths: list[Path]) -> None:
    for path in paths:
        xxhash.xxh3_128_digest(path.read_bytes())


def _parse(paths: list[Path]) -> None:
    for path in paths:
        for line in path.read_bytes().splitlines():
            orjson.loads(line)


def _write(outputs: list[bytes]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for number, data in enumerate(outputs):
            Path(folder, str(number)).write_bytes(data)
        return time.perf_counter() - started


def main() -> None:
    options = parser(__doc__)
    options.add_argument("repo", type=Path)
    options.add_argument("--runs", type=int, default=5)
    asked = options.parse_args()
    where = machine()
    progress("floors")
    found = measure_floors(asked.repo, asked.runs)
    rows = [[MEANING[name], seconds(value)] for name, value in found.items()]
    tell(asked, {"machine": where, "floors": found}, [Table(f"Floors, smallest of {asked.runs}", ("work", "s"), rows)])


if __name__ == "__main__":
    main()
