"""What an edit costs: build the data of this repository's knowledge, then edit one definition, again and again.

    python benchmarks/incremental.py [--runs 7] [--json | --md]

Whole `prodabuild compile --to data` processes are measured.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datarepo import PHASES, Compiled, compile_data, figures, forget
from measure import ROOT, machine
from report import Table, parser, progress, seconds, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

EDITED = "knowledge/chemistry/acid.yaml"
NAMES = {"full": "full", "noop": "nothing", "one_edit": "one definition"}


def edit(repo: Path, number: int) -> None:
    """Add a word to the first definition of a file."""
    file = repo / EDITED
    lines = file.read_text("utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("  definition:"))
    lines[at] = lines[at].partition(" (edit")[0] + f" (edit {number})"
    file.write_text("\n".join(lines) + "\n", "utf-8")


def measure(runs: int) -> list[dict[str, Compiled]]:
    """Return what each build of each run took."""
    with tempfile.TemporaryDirectory(prefix="incremental-") as folder:
        repo = Path(folder)
        shutil.copytree(ROOT / "knowledge", repo / "knowledge")
        shutil.copy(ROOT / "proda.yaml", repo)
        found = []
        for number in range(runs):
            progress(f"run {number + 1} of {runs}")
            forget(repo)
            full, noop = compile_data(repo), compile_data(repo)
            edit(repo, number)
            found.append({"full": full, "noop": noop, "one_edit": compile_data(repo)})
        return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=7)
    asked = options.parse_args()
    where = machine()
    found = measure(asked.runs)
    document: dict[str, Any] = {"machine": where, "runs": asked.runs}
    for phase in PHASES:
        document |= figures(phase, [one[phase].took for one in found])
        document[f"{phase}_shards"] = found[-1][phase].report["shards"]["built"]
    tell(asked, document, [_table(document, [NAMES[phase] for phase in PHASES])])


def _table(document: dict[str, Any], names: Sequence[str]) -> Table:
    rows = [
        [
            name,
            document[f"{phase}_shards"],
            *(seconds(document[f"{phase}_{key}"]) for key in ("s", "min_s", "cpu_s")),
            round(document[f"{phase}_rss_mb"]),
        ]
        for phase, name in zip(PHASES, names, strict=True)
    ]
    head = ("change", "shards built", "median s", "min s", "CPU s", "MB")
    return Table(f"This repository's knowledge, {document['runs']} runs", head, rows)


if __name__ == "__main__":
    main()
