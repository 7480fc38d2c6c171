"""Training beside busy neighbours: tokens a second, with threads that spin (the default) and as the build sets them.

    python benchmarks/neighbours.py [--loads 0,2,4,6] [--threads 2] [--seconds 8] [--runs 3] [--json | --md]

The load is so many busy loops, started and ended here. Each run trains the scratch base `micro` for some seconds in
a process of its own; settings take turns, medians count. `before` has OMP_WAIT_POLICY and GOMP_SPINCOUNT unset.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from measure import machine
from report import ROOT, Table, parser, progress, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
# Settings by name: None leaves to prodabuild what it sets; else OpenMP is loaded under these before prodabuild is.
SETTINGS: dict[str, dict[str, str] | None] = {
    "before": {},
    "after": None,
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin 10000": {"GOMP_SPINCOUNT": "10000"},
}
PROGRAM = """
import sys, tempfile, time
from pathlib import Path
if sys.argv[1] == "first":
    import torch
from prodabuild.training import scratch
from prodabuild.training.base import TEXT_FOLDER
from prodabuild.training.loop import deterministic

threads, seconds = int(sys.argv[2]), float(sys.argv[3])
scratch.deterministic = lambda seed: deterministic(seed, threads)
began, paces = [], []


class Enough(Exception):
    pass


def emit(event):
    began.append(time.monotonic())
    paces.append(event.tokens)
    if began[-1] - began[0] > seconds and len(began) > 2:
        raise Enough


texts = [path.read_text("utf-8") for path in sorted(TEXT_FOLDER.glob("*.txt"))]
try:
    scratch.build_scratch(scratch.PRESETS["micro"], texts, Path(tempfile.mkdtemp()), "cpu", emit)
except Enough:
    pass
print((paces[-1] - paces[0]) / (began[-1] - began[0]))
"""


@contextlib.contextmanager
def neighbours(number: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def pace(name: str, threads: int, seconds: float) -> float:
    """Return tokens a second of one run under a setting."""
    setting = SETTINGS[name]
    kept = {key: value for key, value in os.environ.items() if key not in (*WAITING, "OMP_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "later" if setting is None else "first", str(threads), str(seconds)],
        env=kept | (setting or {}) | {"ATEN_CPU_CAPABILITY": "avx2", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)


def main() -> None:
    asking = parser(__doc__)
    asking.add_argument("--loads", default="0,2,4,6", help="numbers of busy loops, separated by commas")
    asking.add_argument("--threads", type=int, default=2)
    asking.add_argument("--seconds", type=float, default=8.0, help="training time of one run")
    asking.add_argument("--runs", type=int, default=3)
    asked = asking.parse_args()
    found: dict[str, dict[str, float]] = {}
    for load in asked.loads.split(","):
        paces: dict[str, list[float]] = {name: [] for name in SETTINGS}
        with neighbours(int(load)):
            for run in range(asked.runs):
                for name, runs in paces.items():
                    progress(f"load {load}, run {run + 1}, {name}")
                    runs.append(pace(name, asked.threads, asked.seconds))
        found[load] = {name: statistics.median(runs) for name, runs in paces.items()}
    document: dict[str, Any] = {"machine": machine(), "threads": asked.threads, "tokens_per_second": found}
    rows = [(load, *(f"{value:,.0f}" for value in each.values())) for load, each in found.items()]
    title = f"Tokens a second with {asked.threads} threads, by busy loops beside them"
    tell(asked, document, [Table(title, ("load", *SETTINGS), rows)])


if __name__ == "__main__":
    main()
