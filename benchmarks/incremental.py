"""What an edit costs: build the data of this repository's knowledge, then edit one definition, again and again.

    python benchmarks/incremental.py [--runs 7]

Prints the median wall time of whole `prodabuild compile --to data` processes, and how many shards each ran.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
EDITED = "knowledge/chemistry/acid.yaml"


def timed(repo: Path) -> tuple[float, int]:
    """Compile the data; return seconds and the number of shards that were built."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "prodabuild", "compile", "--to", "data", "--json", "-q"]
    done = subprocess.run(command, cwd=repo, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    return seconds, json.loads(done.stdout)["shards"]["built"]


def edit(repo: Path, number: int) -> None:
    """Add a word to the first definition of a file."""
    file = repo / EDITED
    lines = file.read_text("utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("  definition:"))
    lines[at] = lines[at].partition(" (edit")[0] + f" (edit {number})"
    file.write_text("\n".join(lines) + "\n", "utf-8")


def fresh(repo: Path) -> None:
    """Forget everything that was built."""
    for name in ("build", ".prodabuild", ".dvc"):
        shutil.rmtree(repo / name, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder)
        shutil.copytree(ROOT / "knowledge", repo / "knowledge")
        shutil.copy(ROOT / "proda.yaml", repo)
        figures: dict[str, list[tuple[float, int]]] = {"full": [], "nothing": [], "one definition": []}
        for number in range(runs):
            fresh(repo)
            figures["full"].append(timed(repo))
            figures["nothing"].append(timed(repo))
            edit(repo, number)
            figures["one definition"].append(timed(repo))
    print(f"{'change':<18}{'median s':>10}{'min s':>8}{'max s':>8}{'shards built':>14}")
    for name, found in figures.items():
        seconds = [second for second, _ in found]
        print(
            f"{name:<18}{statistics.median(seconds):>10.2f}{min(seconds):>8.2f}{max(seconds):>8.2f}{found[-1][1]:>14}"
        )


if __name__ == "__main__":
    main()
