"""Ten thousand small units, side by side: ninja, make, doit, DVC, prodabuild's engine and `prodabuild compile`.

    python benchmarks/side_by_side.py [--units 10000] [--runs 3] [--only ninja,engine] [--json | --md]

A unit is a text of 2 to 4 KB whose upper case is one output; every system makes the same bytes, which is checked.
In each run each system builds everything, then nothing, then one edited unit; the systems take turns. `prodabuild
compile` builds a data repo of as many knowledge files and about as many shards: it also parses, checks and writes
samples. A `foreach` stage a file is left out for DVC: its full build grows with the square of the stages (931 s for
1000 of them when it was last measured, DVC 3.67).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import datarepo
from datarepo import PHASES, figures
from measure import checked, machine, own_environment, quiet_disk
from peers import Absent, environment, find
from report import CACHE, Table, megabytes, parser, progress, seconds, tell, verdict
from synthetic import shard_size_for, write_repo
from units.systems import SYSTEMS, System, edit

from prodabuild import __version__

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from measure import Measured

ENGINE, COMPILE, NINJA, DVC = "engine", "compile", "ninja", "dvc"
NODES_PER_FILE = 8
PADDING = 60
# what is compared, of which build: ours at most so many times the other's seconds
GOALS = (("noop", NINJA, 3.0), ("noop", DVC, 1 / 5), ("one_edit", DVC, 1 / 20))
Runs = dict[str, "Measured"]


class Contestant(NamedTuple):
    """One row of the table: a system in its folder, or (without a system) `prodabuild compile` on a data repo."""

    name: str
    version: str
    idiom: str
    folder: Path
    env: dict[str, str]
    system: System | None

    def play(self, number: int) -> Runs:
        """Build everything, nothing, and one edited unit."""
        if self.system is None:
            return {phase: done.took for phase, done in datarepo.cycle(self.folder, number).items()}
        self.system.forget(self.folder)
        full, noop = self._build(), self._build()
        edit(self.folder, number)
        return {"full": full, "noop": noop, "one_edit": self._build()}

    def _build(self) -> Measured:
        assert self.system is not None
        quiet_disk()
        return checked(self.system.command, self.folder, self.env)


def main() -> None:
    asked = _arguments()
    where = machine()
    with tempfile.TemporaryDirectory(prefix="units-") as top:
        contestants, absent = _contestants(asked, Path(top))
        runs: dict[str, list[Runs]] = {one.name: [] for one in contestants}
        for number in range(asked.runs):
            for one in contestants:
                progress(f"run {number + 1} of {asked.runs}: {one.name}")
                runs[one.name].append(one.play(number))
        made = {one.name: one.system.made(one.folder) for one in contestants if one.system}
        shards = len(list((Path(top) / COMPILE / "build" / "dataset" / "train").rglob("*.jsonl")))
    rows = {one.name: _row(one, runs[one.name]) for one in contestants}
    document = {"machine": where, "units": asked.units, "shards": shards, "runs": asked.runs, "systems": rows}
    document |= {"absent": {one.name: one.reason for one in absent}, "same_bytes": len(set(made.values())) <= 1}
    document["goals"] = _goals(rows)
    tell(asked, document, _tables(document))


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--units", type=int, default=10_000)
    options.add_argument("--runs", type=int, default=3, help="how often each build is measured (default: 3)")
    options.add_argument("--only", help="names of systems, separated by commas")
    options.add_argument(
        "--cache", type=Path, default=CACHE, help="folder for the other systems (default: %(default)s)"
    )
    return options.parse_args()


def _contestants(asked: argparse.Namespace, top: Path) -> tuple[list[Contestant], list[Absent]]:
    systems = {system.name: system for system in SYSTEMS}
    names = asked.only.split(",") if asked.only else [*systems, COMPILE]
    peers, absent = find([name for name in names if name in systems and name != ENGINE], asked.cache)
    found = [
        Contestant(peer.name, peer.version, systems[peer.name].idiom, top / peer.name, env, systems[peer.name])
        for peer in peers
        for env in [environment(peer, top / f"home-{peer.name}")]
    ]
    if ENGINE in names:
        idiom = systems[ENGINE].idiom
        found.append(Contestant(ENGINE, __version__, idiom, top / ENGINE, own_environment(), systems[ENGINE]))
    for one in found:
        progress(f"preparing {one.name}")
        assert one.system is not None
        one.system.prepare(one.folder, asked.units, one.env)
    if COMPILE in names:
        found.append(_data_repo(asked.units, top / COMPILE))
    return found, absent


def _data_repo(units: int, folder: Path) -> Contestant:
    progress(f"preparing {COMPILE}")
    nodes = units * NODES_PER_FILE
    write_repo(folder, nodes, NODES_PER_FILE, shard_size_for(nodes, units), PADDING)
    return Contestant(COMPILE, __version__, "`prodabuild compile --to data`", folder, own_environment(), None)


def _row(one: Contestant, runs: Sequence[Runs]) -> dict[str, Any]:
    row: dict[str, Any] = {"version": one.version, "idiom": one.idiom}
    for phase in PHASES:
        row |= figures(phase, [done[phase] for done in runs])
    return row


def _goals(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how our two rows compare with those that the goals name."""
    found = []
    for phase, other, limit in GOALS:
        for own in (ENGINE, COMPILE):
            if own in rows and other in rows:
                ratio = rows[own][f"{phase}_s"] / rows[other][f"{phase}_s"]
                goal = {"build": phase, "own": own, "other": other, "ratio": round(ratio, 4)}
                found.append(goal | {"limit": limit, "met": ratio <= limit})
    return found


def _tables(document: dict[str, Any]) -> list[Table]:
    rows = []
    for name, row in document["systems"].items():
        cells = [
            cell
            for phase in PHASES
            for cell in (
                seconds(row[f"{phase}_s"]),
                seconds(row[f"{phase}_min_s"]),
                seconds(row[f"{phase}_cpu_s"]),
                megabytes(row[f"{phase}_rss_mb"]),
            )
        ]
        rows.append([f"{name} {row['version']}", row["idiom"], *cells])
    titles = {"full": "full", "noop": "nothing", "one_edit": "edit"}
    columns = [f"{titles[phase]} {unit}" for phase in PHASES for unit in ("s", "min", "CPU", "MB")]
    same = "the same bytes" if document["same_bytes"] else "DIFFERENT BYTES"
    notes = [
        f"{document['units']} units, {document['runs']} runs in turns: median and minimum of wall seconds;",
        "medians of the CPU seconds of the process tree and of the peak memory of its biggest process.",
        f"The systems that build the texts made {same}; `prodabuild compile` made {document['shards']} shards.",
        *(f"Absent: {name} ({reason})." for name, reason in document["absent"].items()),
    ]
    goals = [_goal_row(goal) for goal in document["goals"]]
    return [
        Table("Side by side", ("system", "how", *columns), rows, tuple(notes)),
        Table("Goals", ("build", "compared", "goal", "measured", "verdict"), goals),
    ]


def _goal_row(goal: dict[str, Any]) -> list[str]:
    compared = f"{goal['own']} with {goal['other']}"
    if goal["limit"] < 1:
        wanted, measured = f"{1 / goal['limit']:.0f} times as fast", f"{1 / goal['ratio']:.1f} times as fast"
    else:
        wanted, measured = f"at most {goal['limit']:.0f} times the time", f"{goal['ratio']:.1f} times the time"
    return [{"noop": "nothing", "one_edit": "edit"}[goal["build"]], compared, wanted, measured, verdict(goal["met"])]


if __name__ == "__main__":
    main()
