"""Mutants of every file that prodabuild reads: no traceback, no hang, no write outside, no loss of a limit.

    python benchmarks/fuzz.py --cases 10000 --seed 1
    python benchmarks/fuzz.py --cases 500 --only journal
    python benchmarks/fuzz.py --seed 1 --start 4711 --cases 1     one case again

A case is a mutant of one file of a small data repo and one command that reads it, both drawn from the seed and the
number of the case. It runs in a forked process with limits of time and memory; snapshots of the folder around the repo
are compared. Exit 1 when a case failed; each failure prints the command that repeats it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import confinement
import mutants
import places
import stage
from confinement import Scene
from measure import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20.0
RARE = {"rebuild", "import"}  # commands that are drawn one time in ten where there are others
TOLD = 400  # characters of a failure


class Case(NamedTuple):
    """One case: its number, the place of the file, the command line."""

    number: int
    place: str
    command: tuple[str, ...]


class Failure(NamedTuple):
    """What a case did that no case may do."""

    case: Case
    breaches: list[str]


def rng_of(seed: int, number: int) -> random.Random:
    """Return the random numbers of a case."""
    return random.Random(f"{seed} {number}")


def draw(rng: random.Random, number: int, only: str | None) -> Case:
    """Draw the file and the command of a case."""
    names = [name for name in PLACES if only is None or any(part in name for part in only.split(","))]
    place = rng.choice(names)
    commands = PLACES[place].commands
    usual = [words for words in commands if words[0] not in RARE]
    return Case(number, place, rng.choice(usual if usual and rng.random() < 0.9 else commands))


def seeds_of(scene: Scene) -> dict[str, bytes]:
    """Return what each file holds before it is changed."""
    found = {}
    for name, place in PLACES.items():
        path = place.find(scene)
        found[name] = path.read_bytes() if path.is_file() else places.EXAMPLES.get(name, b"")
    return found


def plant(rng: random.Random, scene: Scene, case: Case, seeds: dict[str, bytes]) -> None:
    """Write the mutant."""
    place = PLACES[case.place]
    place.before(scene)
    data, others = seeds[case.place], list(seeds.values())
    change = {"journal": mutants.journal, "traces": mutants.journal, "weights": mutants.weights}.get(
        case.place, mutants.mutate
    )
    path = place.find(scene)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(change(rng, data, others))
    if case.place == "list of a folder":
        places.rename_list(scene, path)
    if case.place == "write-ahead log" and rng.random() < 0.8:
        places.sign_log(scene, path)


def examine(scene: Scene, case: Case) -> list[str]:
    """Run the command of a case, and return what it must not have done."""
    before = confinement.snapshot(scene)
    ended = confinement.command(scene, case.command, SECONDS)
    found = confinement.breaches(ended, SECONDS)
    return found + confinement.differences(before, confinement.snapshot(scene)) + confinement.secrets_in(scene)


def run(
    cases: int, seed: int, start: int, only: str | None, seconds: float, top: Path
) -> tuple[Counter[str], list[Failure]]:
    """Run cases from a number on; returns how many ran of each place, and what failed."""
    confinement.preload()
    origin = stage.build(top / "origin")
    seeds = seeds_of(origin)
    counted: Counter[str] = Counter()
    failures = []
    began = time.monotonic()
    scene = stage.copy(origin, top / "scene")
    for number in range(start, start + cases):
        if time.monotonic() - began > seconds:
            print(f"stopped after {seconds:g} s: go on with --start {number}", file=sys.stderr)
            break
        rng = rng_of(seed, number)
        case = draw(rng, number, only)
        plant(rng, scene, case, seeds)
        breaches = examine(scene, case)
        counted[case.place] += 1
        if breaches:
            failures.append(Failure(case, breaches))
            print(told(failures[-1], seed, only), file=sys.stderr, flush=True)
        stage.renew(scene, origin)
    shutil.rmtree(scene.around)
    return counted, failures


def told(failure: Failure, seed: int, only: str | None) -> str:
    """Return a failure in words, with the command that repeats it."""
    case = failure.case
    said = "; ".join(failure.breaches).encode("ascii", "backslashreplace").decode()[:TOLD]
    narrow = f" --only '{only}'" if only else ""
    again = f"python benchmarks/fuzz.py --seed {seed} --start {case.number} --cases 1{narrow}"
    return f"case {case.number}: {case.place}, `prodabuild {' '.join(case.command)}`: {said}\n  {again}"


KINDS = {
    "traceback": ("traceback", "a bug", "exit code"),
    "hang": ("hang",),
    "write outside": ("written", "changed", "deleted"),
}


def rows(counted: Counter[str], failures: list[Failure]) -> Iterator[dict[str, Any]]:
    """Return a row for each place: cases, and failures of each kind."""
    by_place = defaultdict(list)
    for failure in failures:
        by_place[failure.case.place].append(failure)
    for place in counted:
        found = by_place[place]
        row: dict[str, Any] = {"file": place, "cases": counted[place]}
        for kind, starts in KINDS.items():
            row[kind] = sum(any(breach.startswith(starts) for breach in each.breaches) for each in found)
        row["other"] = len(found) - sum(
            any(b.startswith(tuple(s for k in KINDS.values() for s in k)) for b in each.breaches) for each in found
        )
        yield row


def table(lines: list[dict[str, Any]]) -> str:
    """Return rows as Markdown, their sums last."""
    heads = ["file", "cases", *KINDS, "other"]
    total = {head: sum(line[head] for line in lines) if head != "file" else "all" for head in heads}
    body = ["| " + " | ".join(str(line[head]) for head in heads) + " |" for line in [*lines, total]]
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *body])


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="draws all of them")
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", metavar="KIND", help="only files whose name has this in it (several: a,b)")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--md", action="store_true", help="print a Markdown table (the default)")
    given = parser.parse_args()
    if given.only and not any(part in name for name in PLACES for part in given.only.split(",")):
        parser.error(f"--only: no file is called so; there are {', '.join(PLACES)}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as top:
        counted, failures = run(given.cases, given.seed, given.start, given.only, given.seconds, Path(top))
    lines = list(rows(counted, failures))
    seconds = round(time.monotonic() - began, 1)
    if given.json:
        failed = [
            {"case": f.case.number, "place": f.case.place, "command": f.case.command, "breaches": f.breaches}
            for f in failures
        ]
        print(
            json.dumps(
                {"machine": machine(), "seed": given.seed, "seconds": seconds, "files": lines, "failures": failed}
            )
        )
    else:
        print(f"{table(lines)}\n\n{sum(counted.values())} cases in {seconds} s, {len(failures)} failed")
    return 1 if failures else 0


PLACES = {name: place for name, place in places.PLACES.items() if name not in places.NOT_FUZZED}

if __name__ == "__main__":
    sys.exit(main())
