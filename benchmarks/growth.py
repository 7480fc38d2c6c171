"""Growth: made-up data repos of 10 000, 200 000 and a million nodes, built in full, again, and after one edit.

    python benchmarks/growth.py [--sizes 10000,200000,1000000] [--runs 3] [--limit-mb 8000] [--json | --md]

A node is a concept or a relation. The goal is that a node costs at most 1.3 times what it costs in the smallest repo.
A build whose processes hold more than --limit-mb together is ended, and its size reported as not built.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datarepo import PHASES, Compiled, cycle, figures, knowledge
from measure import machine
from report import Table, megabytes, parser, progress, seconds, tell, verdict
from synthetic import write_repo

if TYPE_CHECKING:
    import argparse

GOAL = 1.3
PER_FILE, SHARD_SIZE = 2000, 256
NAMES = {"full": "full", "noop": "nothing", "one_edit": "one edit"}


def main() -> None:
    asked = _arguments()
    where = machine()
    sizes = [int(size) for size in asked.sizes.split(",")]
    rows = [_measure(size, asked.runs, asked.limit_mb) for size in sizes]
    _relate(rows)
    built = [row for row in rows if "full_s" in row]
    worst = max((row[f"{phase}_ratio"] for row in built for phase in PHASES), default=0.0)
    document = {"machine": where, "sizes": rows, "goal": GOAL, "worst_ratio": worst, "met": worst <= GOAL}
    tell(asked, document, _tables(rows, worst))


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--sizes", default="10000,200000,1000000", help="nodes, separated by commas")
    options.add_argument("--runs", type=int, default=3, help="how often each build is measured (default: 3)")
    options.add_argument("--limit-mb", type=float, default=8000, help="end a build that holds more (default: 8000)")
    return options.parse_args()


def _measure(size: int, runs: int, limit_mb: float) -> dict[str, Any]:
    row: dict[str, Any] = {"nodes": size}
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        repo = Path(folder)
        write_repo(repo, size, PER_FILE, SHARD_SIZE)
        row["files"] = len(knowledge(repo))
        cycles: list[dict[str, Compiled]] = []
        for number in range(runs):
            progress(f"{size} nodes, run {number + 1} of {runs}")
            try:
                cycles.append(cycle(repo, number, limit_mb))
            except RuntimeError as error:
                return row | {"stopped": str(error)}
    last = cycles[-1]["full"].report
    row |= {"shards": last["shards"]["total"], "samples": last["samples"]}
    row["one_edit_built"] = len(cycles[-1]["one_edit"].report["built"])
    for phase in PHASES:
        row |= figures(phase, [one[phase].took for one in cycles])
    return row


def _relate(rows: list[dict[str, Any]]) -> None:
    """Add what a node costs, in microseconds, and how that compares with the smallest repo."""
    built = [row for row in rows if "full_s" in row]
    for phase in PHASES:
        for row in built:
            row[f"{phase}_us_per_node"] = round(row[f"{phase}_s"] / row["nodes"] * 1e6, 2)
            row[f"{phase}_ratio"] = round(row[f"{phase}_us_per_node"] / built[0][f"{phase}_us_per_node"], 2)


def _tables(rows: list[dict[str, Any]], worst: float) -> list[Table]:
    cells = []
    for row in rows:
        if "stopped" in row:
            cells.append([row["nodes"], f"stopped: {row['stopped']}"[:80], *[""] * 6])
            continue
        for phase in PHASES:
            cells.append(
                [
                    row["nodes"],
                    NAMES[phase],
                    *(seconds(row[f"{phase}_{key}"]) for key in ("s", "min_s")),
                    *(megabytes(row[f"{phase}_{key}"]) for key in ("rss_mb", "tree_mb")),
                    row[f"{phase}_us_per_node"],
                    row[f"{phase}_ratio"],
                ]
            )
    head = ("nodes", "build", "s", "min s", "MB", "MB tree", "us a node", "to the smallest")
    goal = f"Goal: a node costs at most {GOAL} times what it costs in the smallest repo. Worst {worst}: "
    return [Table("Growth", head, cells, (goal + verdict(worst <= GOAL) + ".",))]


if __name__ == "__main__":
    main()
