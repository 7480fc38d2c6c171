"""What an edit rebuilds, why the plan says so, and what rebuilds nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Repo, settle

KINDS = "knowledge/zoo/kinds.yaml"
CHAINS = "knowledge/zoo/chains.yaml"


def test_the_second_run_does_nothing(repo: Repo) -> None:
    first = repo.data()
    assert len(first["built"]) == 2 * first["shards"]["built"] + 5 == 29  # a shard and its leaks, items, the rest
    second = repo.data()
    assert (second["built"], second["restored"], second["clean"]) == ([], [], 29)
    assert second["dataset"] == first["dataset"]


def test_one_definition_rebuilds_the_one_shard_that_reads_it(repo: Repo) -> None:
    repo.built()
    before = repo.files("build/dataset/train")
    repo.edit(
        KINDS,
        "definition: a lizard with the habits of a gecko",
        "definition: a lizard with the small habits of a gecko",
    )
    plan = repo.run("plan", "--to", "data", "--json").json
    (shard, leaks, dataset) = [step for step in plan["steps"] if step["action"] != "clean"]
    line = (
        repo.read(KINDS)
        .decode()
        .split("\n")
        .index("  definition: a lizard with the small habits of a gecko and of nothing else")
        + 1
    )
    assert shard["action"] == "build"
    assert shard["reasons"] == [
        {
            "what": "definition of zoo/gecko changed",
            "where": f"{KINDS}:{line}",
            "old": "a lizard with the habits of a gecko and of nothing else",
            "new": "a lizard with the small habits of a gecko and of nothing else",
        }
    ]
    assert (leaks["unit"], leaks["action"]) == (shard["unit"].replace("shard:", "leaks:"), "maybe")
    assert (dataset["unit"], dataset["action"]) == ("dataset", "maybe")
    report = repo.data()
    assert report["built"] == ["dataset", leaks["unit"], shard["unit"]]
    after = repo.files("build/dataset/train")
    assert [name for name in before if before[name] != after[name]] == [shard["unit"].removeprefix("shard:") + ".jsonl"]


def test_a_name_rebuilds_its_readers_only(repo: Repo) -> None:
    repo.built()
    repo.edit(KINDS, "name: gecko", "name: house gecko")
    built = repo.data()["built"]
    assert all(unit.startswith(("shard:zoo/", "items:zoo/", "suite:", "index", "leaks:", "dataset")) for unit in built)
    saying = {name for name, data in repo.files("build/dataset/train").items() if b"gecko" in data}
    assert {unit.removeprefix("shard:") + ".jsonl" for unit in built if unit.startswith("shard:")} == saying


@pytest.mark.parametrize(
    "change",
    ["a comment", "an empty line", "the order of keys", "the order of records", "moving records", "quotes", "touch"],
)
def test_what_means_the_same_rebuilds_nothing(repo: Repo, change: str) -> None:
    repo.built()
    lock = repo.read("proda.lock")
    text = repo.read(KINDS).decode()
    if change == "a comment":
        repo.write(KINDS, "# animals\n" + text.replace("name: gecko", "name: gecko  # sticky feet"))
    elif change == "an empty line":
        repo.write(KINDS, text.replace("- id: zoo/gecko", "\n\n- id: zoo/gecko"))
    elif change == "the order of keys":
        repo.edit(KINDS, "- id: zoo/bird\n  name: bird\n", "- name: bird\n  id: zoo/bird\n")
    elif change == "the order of records":
        head, *records = text.split("\n- ")
        repo.write(KINDS, "\n- ".join([head, *[record.rstrip("\n") for record in reversed(records)]]) + "\n")
    elif change == "moving records":
        head, last = text.split("- id: zoo/adder")
        repo.write(KINDS, head)
        repo.write("knowledge/zoo/more/snakes.yaml", "concepts:\n- id: zoo/adder" + last)
    elif change == "quotes":
        repo.edit(KINDS, "name: gecko", 'name: "gecko"')
    else:
        settle()
        (repo.path / KINDS).touch()
    report = repo.data()
    assert (report["built"], report["restored"]) == ([], [])
    if change != "moving records":
        assert repo.read("proda.lock") == lock


def test_a_new_record_touches_one_bucket_and_its_neighbours(repo: Repo) -> None:
    repo.built()
    repo.edit(
        KINDS,
        "- id: zoo/adder\n",
        "- id: zoo/boa\n  name: boa\n  definition: a snake that squeezes\n  relations:\n"
        "  - {predicate: is_a, object: zoo/snake}\n- id: zoo/adder\n",
    )
    plan = repo.run("plan", "--to", "data", "--json").json
    reasons = {reason["what"] for step in plan["steps"] for reason in step["reasons"]}
    assert "zoo/boa is new" in reasons
    assert "relations to zoo/snake: + zoo/boa.is_a.snake" in reasons
    built = repo.data()["built"]
    assert not any("tools" in unit for unit in built)


def test_removing_a_discipline_removes_its_files(repo: Repo) -> None:
    repo.built()
    repo.edit("proda.yaml", "  tools: {knowledge: [knowledge/tools]}\n", "")
    repo.data()
    assert not any("tools" in name for name in repo.files())
    assert b"tools" not in repo.read("proda.lock")


def test_going_back_restores_and_builds_nothing(repo: Repo) -> None:
    first = repo.data()
    files = repo.files()
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    repo.data()
    repo.edit(KINDS, "a lizard that sticks", "a lizard with the habits of a gecko")
    report = repo.data()
    assert report["built"] == []
    assert len(report["restored"]) == 3
    assert report["dataset"] == first["dataset"]
    assert repo.files() == files


def test_a_file_of_the_build_that_was_changed_by_hand_is_put_back(repo: Repo) -> None:
    repo.built()
    files = repo.files()
    name = next(iter(repo.files("build/dataset/train")))
    repo.write(f"build/dataset/train/{name}", "not what was built\n")
    outcome = repo.run("compile", "--to", "data")
    assert f"warning: build/dataset/train/{name} was changed by hand: restored from the store\n" in outcome.err
    assert repo.files() == files


def test_a_lost_build_folder_is_restored(repo: Repo) -> None:
    repo.built()
    files = repo.files()
    shutil.rmtree(repo.path / "build")
    report = repo.data()
    assert (report["built"], len(report["restored"])) == ([], 17)  # a search for leaks makes no file
    assert repo.files() == files


def test_a_lost_cache_costs_a_rebuild_of_what_is_no_longer_in_build(repo: Repo) -> None:
    first = repo.data()
    files = repo.files()
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    repo.data()
    shutil.rmtree(repo.path / ".prodabuild/cache")
    repo.edit(KINDS, "a lizard that sticks", "a lizard with the habits of a gecko")
    report = repo.data()
    assert (len(report["built"]), report["restored"]) == (2, ["leaks:zoo/00"])  # which makes no file
    assert report["dataset"] == first["dataset"]
    assert repo.files() == files


def test_a_switch_to_dvc_moves_the_cache_and_rebuilds_nothing(repo: Repo) -> None:
    repo.built()
    (repo.path / ".dvc").mkdir()
    assert repo.data()["built"] == []
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    assert len(repo.data()["built"]) == 3
    assert any((repo.path / ".dvc/cache/files/md5").iterdir())


def test_settings_rebuild_what_reads_them(repo: Repo) -> None:
    repo.built()
    repo.edit("proda.yaml", "sealed: 0.5", "sealed: 0.6")
    assert all(unit.startswith(("items:", "suite:", "index", "leaks:")) for unit in repo.data()["built"])
    repo.edit("proda.yaml", "base: scratch:micro", "base: scratch:micro\n  train: {epochs: 9}")
    assert repo.data()["built"] == []
    repo.edit("proda.yaml", "recipes: [define, relate, choose, judge]", "recipes: [define]")
    report = repo.data()
    assert report["shards"]["built"] == report["shards"]["total"]


def test_a_suite_that_is_taken_out_and_put_back_is_restored(repo: Repo) -> None:
    repo.built()
    files = repo.files()
    suite = "  chains: {from: chains, sealed: 0.5}\n"
    repo.edit("proda.yaml", f"tests:\n{suite}", "")
    repo.data()
    assert not any(name.startswith(("items/", "suites/")) for name in repo.files())
    repo.edit("proda.yaml", "model:\n", f"tests:\n{suite}model:\n")
    report = repo.data()
    assert report["built"] == []
    assert repo.files() == files


def test_a_suite_of_another_name_is_noticed(repo: Repo) -> None:
    repo.built()
    before = [name for name in repo.files() if name.startswith("suites/")]
    repo.edit("proda.yaml", "  chains: {from", "  links: {from")
    plan = repo.run("plan", "--to", "data", "--json").json
    assert plan["removed"] == before
    assert [step["unit"] for step in plan["steps"] if step["action"] == "build"] == ["suite:links", "index"]
    assert repo.run("plan", "--to", "data").out.splitlines()[-len(before) - 1 : -1] == [
        f"remove  build/{name}" for name in before
    ]
    repo.data()
    assert repo.run("plan", "--to", "data").out.startswith("nothing to do")
    assert {name.split("/")[1] for name in repo.files() if name.startswith("suites/")} == {"links"}


def test_the_plan_changes_nothing_and_its_check_exits_4(repo: Repo) -> None:
    assert repo.run("plan", "--check").code == 4
    assert not (repo.path / ".prodabuild").exists()
    assert not (repo.path / "build").exists()
    repo.data()
    assert repo.run("plan", "--to", "data", "--check").code == 0
    assert repo.run("plan", "--to", "model", "--check").code == 4


def test_the_data_of_a_build_by_edits_is_that_of_a_clean_build(repo: Repo, tmp_path: Path) -> None:
    repo.built()
    repo.edit(KINDS, "name: gecko", "name: house gecko")
    repo.data()
    repo.edit(CHAINS, "- id: zoo/skink..reptile", "- id: zoo/skink_to_reptile")
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 5")
    repo.data()
    mine, lock = repo.files(), repo.read("proda.lock")
    for name in ("build", ".prodabuild", "proda.lock"):
        path = repo.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    repo.data()
    assert repo.files() == mine
    assert repo.read("proda.lock") == lock
