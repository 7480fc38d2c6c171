"""Where a thing comes from and what it ends in: records, samples, items and units, fresh, stale and gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from prodabuild.engine.guard import writing
from prodabuild.events import silent
from tests.conftest import Repo, rows_below

KINDS = "knowledge/zoo/kinds.yaml"
CHAINS = "knowledge/zoo/chains.yaml"


def why(repo: Repo, thing: str, *arguments: str) -> dict[str, Any]:
    outcome = repo.run("why", thing, "--json", *arguments)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.json


def line_of(repo: Repo, text: str, name: str = KINDS) -> str:
    (number,) = [n for n, line in enumerate(repo.read(name).decode().splitlines(), 1) if line == text]
    return f"{name}:{number}"


def stands(repo: Repo, where: str, identity: str) -> bool:
    """Tell whether the row with this id stands where it is said to be."""
    name, _, number = where.rpartition(":")
    row = orjson.loads(repo.read(name).splitlines()[int(number) - 1])
    return bool(row["id"] == identity)


def shards(repo: Repo) -> dict[str, set[str]]:
    """Return, by unit, the nodes that its samples are tied to."""
    train = repo.path / "build/dataset/train"
    files = {f"shard:{file.relative_to(train).with_suffix('')}": file for file in train.rglob("*.jsonl")}
    return {
        unit: {node for line in file.read_bytes().splitlines() for node in orjson.loads(line)["nodes"]}
        for unit, file in files.items()
    }


def test_every_sample_leads_to_its_line_its_record_and_its_recipe(repo: Repo) -> None:
    repo.built()
    for row in rows_below(repo.path / "build/dataset/train")[::23]:
        record, _, rest = row["id"].partition("#")
        path = why(repo, row["id"])["path"]
        assert [station["unit"] for station in path[:2]] == [record, rest.partition(".")[0]]
        assert [station["unit"] for station in path[3:]] == ["dataset"]
        assert stands(repo, path[2]["where"], row["id"])


def test_a_sample_is_told_with_its_nodes_and_its_text(repo: Repo) -> None:
    repo.built()
    (row,) = [row for row in rows_below(repo.path / "build/dataset") if row.get("id") == "zoo/gecko#define.term"]
    found = why(repo, "zoo/gecko#define.term")
    place = line_of(repo, "- id: zoo/gecko")
    assert found["kind"] == "sample"
    assert found["messages"] == row["messages"]
    assert found["made_from"] == [
        {"what": "nodes", "count": 1, "first": [{"what": "zoo/gecko", "where": place, "note": "", "action": ""}]}
    ]
    file, _, number = found["path"][1]["where"].partition(":")
    source = (Path(__file__).parents[2] / file).read_text("utf-8").splitlines()
    assert source[int(number) - 1].startswith("def define(")


def test_a_record_names_exactly_the_units_whose_samples_mention_it(repo: Repo) -> None:
    repo.built()
    mentioning = {unit for unit, nodes in shards(repo).items() if "zoo/lizard" in nodes}
    found = why(repo, "zoo/lizard", "-v")
    readers = {row["what"] for group in found["read_by"] for row in group["first"]}
    assert mentioning <= readers
    (samples,) = found["samples"]
    rows = rows_below(repo.path / "build/dataset/train")
    assert {row["what"] for row in samples["first"]} == {row["id"] for row in rows if "zoo/lizard" in row["nodes"]}
    assert samples["count"] == len(samples["first"])
    assert all(stands(repo, row["where"], row["what"]) for row in samples["first"])


def test_the_facets_and_lists_that_a_reader_read_are_those_that_rebuild_it(repo: Repo) -> None:
    repo.built()
    (group,) = why(repo, "zoo/gecko", "-v")["read_by"]
    reads = {row["what"]: row["note"] for row in group["first"]}
    home = group["first"][0]["what"]
    assert reads[home].startswith("definition, name")
    through = [note for unit, note in reads.items() if unit.startswith("shard:") and unit != home]
    assert any(note == "genus, name, aliases (found through the relations to zoo/lizard)" for note in through)
    repo.edit(KINDS, "definition: a lizard with the habits of a gecko", "definition: a lizard that sticks")
    defined = {unit for unit, note in reads.items() if "definition" in note}
    assert {unit for unit in repo.data()["built"] if unit.startswith(("shard:", "items:"))} == defined
    repo.edit(KINDS, "name: gecko", "name: house gecko")
    named = {unit for unit, note in reads.items() if "name" in note}
    assert {unit for unit in repo.data()["built"] if unit.startswith(("shard:", "items:"))} == named


def test_a_chain_leads_to_its_item_in_the_suite(repo: Repo) -> None:
    repo.built()
    items = rows_below(repo.path / "build/items")
    for item in (items[0], items[-1]):
        found = why(repo, item["id"])
        record, bucket, suite, _ = found["path"]
        assert record == {
            "unit": item["id"],
            "where": line_of(repo, f"- id: {item['id']}", CHAINS.replace("zoo", item["discipline"])),
        }
        assert (bucket["unit"], suite["unit"]) == (f"items:{item['discipline']}/all", "suite:chains")
        assert stands(repo, bucket["where"], item["id"])
        assert stands(repo, suite["where"], item["id"])
        assert f"/{item['split']}" in bucket["where"]
    without = {line[6:] for line in repo.read(CHAINS).decode().splitlines() if line.startswith("- id: ")} - {
        item["id"] for item in items
    }
    assert why(repo, min(without))["notes"][-1].startswith("it makes no test item: the ")


def test_a_shard_is_made_of_its_records_and_of_what_it_read_of_others(repo: Repo) -> None:
    repo.built()
    shard = next(unit for unit, nodes in sorted(shards(repo).items()) if "zoo/gecko" in nodes)
    found = why(repo, shard, "-v")
    groups = {group["what"]: group for group in found["made_from"]}
    records = [row["what"] for level in ("concepts", "relations") for row in groups[level]["first"]]
    rows = rows_below(repo.path / "build/dataset/train")
    here = {row["id"].partition("#")[0] for row in rows if stands_in_file(repo, shard, row["id"])}
    assert here <= set(records)
    assert groups["settings"]["first"] == [
        {
            "what": "compile.recipes",
            "where": "proda.yaml:6",
            "note": '["define","relate","choose","judge"]',
            "action": "",
        },
        {"what": "compile.seed", "where": "proda.yaml:6", "note": "7", "action": ""},
    ]
    assert "prodabuild.shards.compile" in [row["what"] for row in groups["modules of code"]["first"]]
    assert [row["what"] for row in groups["libraries"]["first"]] == ["orjson", "xxhash"]
    assert [group["what"] for group in found["follows"]] == ["leaks", "dataset"]
    assert found["path"][0] == {"unit": "disciplines.zoo", "where": "proda.yaml:4"}


def stands_in_file(repo: Repo, shard: str, identity: str) -> bool:
    return f'"id":"{identity}"'.encode() in repo.read(f"build/dataset/train/{shard.partition(':')[2]}.jsonl")


def test_without_v_the_first_few_are_shown_and_all_are_counted(repo: Repo) -> None:
    repo.built()
    short, long = why(repo, "dataset"), why(repo, "dataset", "-v")
    for few, every in zip(short["made_from"], long["made_from"], strict=True):
        assert few["count"] == every["count"] == len(every["first"])
        assert few["first"] == every["first"][:4]


def test_what_is_stale_says_so_with_the_reasons_of_the_plan(repo: Repo) -> None:
    repo.built()
    assert why(repo, "zoo/gecko")["action"] == "clean"
    repo.edit(KINDS, "a lizard with the habits of a gecko and", "a lizard that sticks and")
    (step, *_) = [
        step for step in repo.run("plan", "--to", "data", "--json").json["steps"] if step["action"] == "build"
    ]
    for thing in ("zoo/gecko", "zoo/gecko#define.term", step["unit"]):
        found = why(repo, thing)
        assert (found["action"], found["reasons"]) == ("build", step["reasons"])
    assert why(repo, "dataset")["action"] == "maybe"


def test_what_is_gone_from_the_sources_is_told_of_the_last_build(repo: Repo) -> None:
    repo.built()
    text = repo.read(KINDS).decode()
    head, rest = text.split("- id: zoo/gecko\n")
    repo.write(KINDS, head + "- id: " + rest.partition("- id: ")[2])
    repo.write(
        CHAINS,
        "\n- id: ".join(part for part in repo.read(CHAINS).decode().split("\n- id: ") if "zoo/gecko" not in part),
    )
    found = why(repo, "zoo/gecko")
    assert found["notes"][-1] == "it is gone from the sources: the last build still has it"
    assert found["path"][0] == {"unit": "zoo/gecko", "where": KINDS}
    assert found["samples"][0]["count"] > 0
    assert "its record is gone" in why(repo, "zoo/gecko#define.term")["notes"][-1]


def test_a_unit_that_a_split_does_away_with_is_told_of_the_last_build(repo: Repo) -> None:
    repo.built()
    shard = min(shards(repo))
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 2")
    found = why(repo, shard)
    assert (found["action"], found["notes"][-1]) == (
        "gone",
        "it is no unit any more: the sources have moved since it was built",
    )
    assert found["made_from"][0]["count"] > 0


def test_nothing_built_yet(repo: Repo) -> None:
    found = why(repo, "zoo/gecko")
    assert found["notes"] == ["nothing is built yet: run `prodabuild compile`"]
    assert found["path"][0] == {"unit": "zoo/gecko", "where": line_of(repo, "- id: zoo/gecko")}
    assert (found["action"], found["path"][1]["where"], found["samples"]) == ("build", "", [])
    assert why(repo, "dataset")["made_from"] == []
    assert not (repo.path / ".prodabuild").exists()


def test_sources_that_cannot_be_read_leave_what_was_read_before(repo: Repo) -> None:
    repo.built()
    repo.write("knowledge/zoo/more.yaml", b"concepts: [\n")
    found = why(repo, "zoo/gecko")
    assert found["notes"][0] == "the sources have 1 error (prodabuild check): this is what was last read of them"
    assert found["samples"][0]["count"] > 0


@pytest.mark.parametrize(
    ("thing", "message", "hint"),
    [
        ("zoo/geko", "there is no unit, record, sample or output 'zoo/geko'", "did you mean 'zoo/gecko' or 'zoo/gecko..reptile'?"),
        ("gecko", "there is no unit, record, sample or output 'gecko'", "did you mean 'zoo/gecko'?"),
        ("datasets", "there is no unit, record, sample or output 'datasets'", "did you mean 'dataset'?"),
        ("zoo/geko#define.term", "there is no unit, record, sample or output 'zoo/geko#define.term'", "did you mean 'zoo/gecko' or 'zoo/gecko..reptile'?"),
        ("zoo/gecko#define", "the last build has no sample 'zoo/gecko#define'", "samples of zoo/gecko: zoo/gecko#define.meaning, zoo/gecko#define.term"),
        ("prodabuild.digest", "there is no unit, record, sample or output 'prodabuild.digest'", None),
        ("", "there is no unit, record, sample or output ''", None),
    ],
)  # fmt: skip
def test_an_unknown_thing_is_an_error_with_the_nearest_names(
    repo: Repo, thing: str, message: str, hint: str | None
) -> None:
    repo.built()
    outcome = repo.run("why", thing, "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["message"] == message
    assert outcome.json["error"]["hint"] == hint


def test_it_answers_while_another_process_builds_and_changes_nothing(repo: Repo) -> None:
    repo.built()
    repo.edit(KINDS, "a lizard with the habits of a gecko and", "a lizard that sticks and")
    before = repo.files("."), (repo.path / ".prodabuild/state.db").stat().st_mtime_ns
    with writing(repo.path / ".prodabuild/lock", "somebody", silent):
        assert why(repo, "zoo/gecko")["action"] == "build"
    sidecars = {".prodabuild/state.db-wal", ".prodabuild/state.db-shm"}  # SQLite's own, empty
    after = {name: data for name, data in repo.files(".").items() if name not in sidecars}
    assert (after, (repo.path / ".prodabuild/state.db").stat().st_mtime_ns) == before


def test_it_imports_no_heavy_library(repo: Repo) -> None:
    repo.built()
    code = (
        "import sys; from prodabuild.cli.main import run\n"
        "assert run(['why', 'zoo/gecko']) == 0\n"
        "print([name for name in ('torch', 'transformers', 'dvc', 'rich', 'numpy') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo.path, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
