"""The trap matrix: fifteen events that build systems get wrong, played live on prodabuild and five others.

    python benchmarks/traps.py [--only prodabuild,ninja] [--case 10] [--json | --md]

Each case starts from a freshly built project of three inputs and two steps. The other systems are used as their
guides say, and get their documented help where it is one setting (ninja's `restat`, redun's files by content,
Snakemake's `--rerun-incomplete`); steps' sources are declared wherever that is possible. They are installed on the
first run (benchmarks/peers.txt).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrix.cases import CASES, play
from matrix.others import OTHERS
from matrix.own import Prodabuild
from measure import machine, own_environment
from peers import Absent, Peer, environment, find
from report import CACHE, Table, parser, progress, tell

from prodabuild import __version__

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from matrix.cases import Case, Outcome

Cells = dict[int, dict[str, "Outcome"]]


def main() -> None:
    asked = _arguments()
    names = asked.only.split(",") if asked.only else [Prodabuild.name, *OTHERS]
    where = machine()
    peers, absent = find([name for name in OTHERS if name in names], asked.cache)
    columns = [Peer(Prodabuild.name, __version__, None)] if Prodabuild.name in names else []
    columns += peers
    cases = [case for case in CASES if not asked.case or case.number in asked.case]
    cells: Cells = {case.number: {} for case in cases}
    for peer in columns:
        for case in cases:
            cells[case.number][peer.name] = _play(case, peer)
    document = {
        "machine": where,
        "versions": {peer.name: peer.version for peer in columns},
        "absent": {one.name: one.reason for one in absent},
        "cases": [_to_json(case, cells[case.number]) for case in cases],
        "yes": {peer.name: sum(row[peer.name].ok for row in cells.values()) for peer in columns},
    }
    tell(asked, document, _tables(columns, cases, cells, absent))


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--only", help="names of systems, separated by commas")
    options.add_argument("--case", type=int, action="append", help="number of a case; may be given several times")
    options.add_argument(
        "--cache", type=Path, default=CACHE, help="folder for the other systems (default: %(default)s)"
    )
    return options.parse_args()


def _play(case: Case, peer: Peer) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="traps-") as top:
        env = own_environment() if peer.name == Prodabuild.name else environment(peer, Path(top) / "home")
        folder = Path(top) / "project"
        folder.mkdir()
        tool = (Prodabuild if peer.name == Prodabuild.name else OTHERS[peer.name])(folder, env)
        outcome = play(case, tool)
        shutil.rmtree(folder, ignore_errors=True)
    progress(f"{peer.name:12}{case.number:>3} {'yes' if outcome.ok else 'NO ':4}{case.event}: {outcome.did}")
    return outcome


def _to_json(case: Case, row: dict[str, Outcome]) -> dict[str, Any]:
    done = {name: {"ok": outcome.ok, "did": outcome.did} for name, outcome in row.items()}
    return {"number": case.number, "event": case.event, "want": case.want, "outcomes": done}


def _tables(columns: Sequence[Peer], cases: Sequence[Case], cells: Cells, absent: Sequence[Absent]) -> list[Table]:
    names = [peer.name for peer in columns]
    yes = [[("yes" if cells[case.number][name].ok else "NO") for name in names] for case in cases]
    head = ("#", "event", "wanted", *(f"{peer.name} {peer.version}" for peer in columns))
    rows = [[case.number, case.event, case.want, *row] for case, row in zip(cases, yes, strict=True)]
    total = [f"{sum(row[at] == 'yes' for row in yes)} of {len(cases)}" for at in range(len(names))]
    missing = tuple(f"Absent: {one.name} ({one.reason})." for one in absent)
    did = [[case.number, *(cells[case.number][name].did for name in names)] for case in cases]
    return [
        Table("Did it do what is wanted?", head, [*rows, ["", "", "did what is wanted", *total]], missing),
        Table("What it did", ("#", *names), did),
    ]


if __name__ == "__main__":
    main()
