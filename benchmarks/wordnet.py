"""The whole of WordNet 3.0 as a data repo: what a full build, a build of nothing and one edited definition cost.

    python benchmarks/wordnet.py --wordnet /usr/share/wordnet [--runs 5] [--check] [--json | --md]

Every noun, relation and some 40 000 chains are imported into a temporary repo. Whole processes of `prodabuild compile
--to data` are measured. With --check, the bytes after one more edit are compared with those of a build from scratch,
and the files that the edit changed with the units that it built; a difference exits 1.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datarepo import (
    PHASES,
    compile_data,
    cycle,
    digests,
    edit_definition,
    edited_file,
    figures,
    forget,
    knowledge,
    prodabuild,
)
from floors import MEANING
from measure import checked, machine, own_environment
from report import Table, megabytes, parser, progress, seconds, tell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from datarepo import Compiled

SETTINGS = """\
compile: {seed: 7, recipes: [define, relate], shard_size: 256}
model: {base: scratch:micro}
tests:
  chains: {from: chains}
"""
NAMES = {"full": "everything, from nothing", "noop": "nothing changed", "one_edit": "one definition edited"}
# which floors a build of each kind stands on
UNDER = {
    "full": ("imports_s", "hash_s", "parse_s", "write_s"),
    "noop": ("imports_s", "stat_s"),
    "one_edit": ("imports_s", "stat_s"),
}


def main() -> None:
    asked = _arguments()
    where = machine()
    with tempfile.TemporaryDirectory(prefix="wordnet-", dir=asked.below) as folder:
        repo = Path(folder) / "repo"
        repo.mkdir()
        progress("importing WordNet")
        counts = import_wordnet(repo, asked.wordnet.resolve(), asked.chains)
        files = knowledge(repo)
        cycles = []
        for number in range(asked.runs):
            progress(f"run {number + 1} of {asked.runs}")
            cycles.append(cycle(repo, number))
        floors = _floors(repo, asked.runs)
        checks = check_edit(repo, asked.runs) if asked.check else {}
    document = _document(where, counts, cycles, floors) | {"files": len(files), "checks": checks}
    tell(asked, document, _tables(document))
    sys.exit(0 if all(checks.values()) else 1)


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--wordnet", type=Path, required=True, help="folder with data.noun")
    options.add_argument("--runs", type=int, default=5, help="how often each build is measured (default: 5)")
    options.add_argument("--chains", type=int, default=1800, help="chains a discipline, at most (default: 1800)")
    options.add_argument("--check", action="store_true", help="compare with a build from scratch")
    options.add_argument("--below", type=Path, help="folder for the temporary repo")
    return options.parse_args()


def import_wordnet(repo: Path, wordnet: Path, chains: int) -> dict[str, int]:
    """Write a data repo with all of WordNet; return the number of records of each level."""
    options = ("--select", "all", "--format", "jsonl", "--chains", str(chains), "--json")
    written = json.loads(prodabuild(repo, "import", "wordnet", str(wordnet), *options).out)["files"]
    names = sorted({path.parent.name for path in knowledge(repo)})
    disciplines = "".join(f"  {name}: {{knowledge: [knowledge/{name}]}}\n" for name in names)
    (repo / "proda.yaml").write_text(f"version: 1\nname: wordnet\ndisciplines:\n{disciplines}{SETTINGS}", "utf-8")
    levels = ("concept", "relation", "chain")
    return {f"{level}s": sum(file.get(level, 0) for file in written.values()) for level in levels}


def check_edit(repo: Path, number: int) -> dict[str, bool]:
    """Edit once more: did the units build that read the record, and no other? Are the bytes those of a clean build?"""
    progress("checking against a build from scratch")
    before = digests(repo / "build")
    concept = edit_definition(edited_file(repo), number)
    built = set(compile_data(repo).report["built"])
    after = digests(repo / "build")
    makers = _makers(repo)
    changed = {makers[path] for path in after if before.get(path) != after[path]}
    home = {makers[path] for path in after if path.startswith("dataset/train/") and _says(repo, path, concept)}
    searched = {f"leaks:{unit.partition(':')[2]}" for unit in changed if unit.startswith("shard:")}
    forget(repo)
    compile_data(repo)
    return {
        "the shard of the record was built": home <= built and len(home) == 1,
        "every unit whose files changed was built": changed <= built,
        "nothing else was built, but for the search for leaks in these shards": built - changed <= searched,
        "the bytes are those of a build from scratch": digests(repo / "build") == after,
    }


def _makers(repo: Path) -> dict[str, str]:
    """Return the unit that makes each file below build/, from the lock."""
    makers: dict[str, str] = {}
    for unit, entry in json.loads((repo / "proda.lock").read_bytes())["entries"].items():
        makers |= dict.fromkeys([entry["path"]] if "path" in entry else entry.get("files", ()), unit)
    return makers


def _says(repo: Path, shard: str, concept: str) -> bool:
    return f'"id":"{concept}#define.meaning"'.encode() in (repo / "build" / shard).read_bytes()


def _floors(repo: Path, runs: int) -> dict[str, float]:
    progress("floors")
    command = [sys.executable, str(Path(__file__).parent / "floors.py"), str(repo), "--runs", str(runs), "--json"]
    found: dict[str, float] = json.loads(checked(command, repo, own_environment()).out)["floors"]
    return found


def _document(
    where: dict[str, Any], counts: Mapping[str, int], cycles: list[dict[str, Compiled]], floors: dict[str, float]
) -> dict[str, Any]:
    last = cycles[-1]["full"].report
    built: list[str] = cycles[-1]["one_edit"].report["built"]
    document: dict[str, Any] = {"machine": where, **counts, "shards": last["shards"]["total"]}
    document |= {"units": last["clean"] + len(last["built"]), "samples": last["samples"], "items": last["items"]}
    for phase in PHASES:
        document |= figures(phase, [one[phase].took for one in cycles])
    document["one_edit_built"] = len(built)
    document["one_edit_shards"] = sum(unit.startswith("shard:") for unit in built)
    document["one_edit_units"] = built
    document["noop_built"] = len(cycles[-1]["noop"].report["built"])
    document["runs"] = len(cycles)
    return document | {"floors": floors}


def _tables(document: dict[str, Any]) -> list[Table]:
    floors = document["floors"]
    rows = []
    for phase in PHASES:
        under = sum(floors[name] for name in UNDER[phase])
        built = document["units"] if phase == "full" else document[f"{phase}_built"]
        times = [seconds(document[f"{phase}_{key}"]) for key in ("s", "min_s", "cpu_s")]
        memory = [megabytes(document[f"{phase}_{key}"]) for key in ("rss_mb", "tree_mb")]
        rows.append([NAMES[phase], built, *times, seconds(under), *memory])
    counted = ("concepts", "relations", "chains", "files", "shards", "units", "samples", "items")
    notes = [
        f"Median of {document['runs']} runs. Floor: {_sum('full')} for the full build, {_sum('noop')} otherwise.",
        "MB: peak of the biggest process (wait4), and of the sum over the process tree (sampled).",
        f"The edit built {', '.join(document['one_edit_units'])}.",
        *(f"Checked: {name}: {'yes' if ok else 'NO'}." for name, ok in document["checks"].items()),
    ]
    head = ("build", "units built", "s", "min s", "CPU s", "floor s", "MB", "MB tree")
    return [
        Table("WordNet in full", ("", "number"), [[name, document[name]] for name in counted]),
        Table("Builds", head, rows, tuple(notes)),
        Table(
            "Floors, smallest of as many runs",
            ("work", "s"),
            [[MEANING[name], seconds(value)] for name, value in floors.items()],
        ),
    ]


def _sum(phase: str) -> str:
    return " + ".join(name.removesuffix("_s") for name in UNDER[phase])


if __name__ == "__main__":
    main()
