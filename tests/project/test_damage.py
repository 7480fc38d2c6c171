"""Damaged state, objects and files in `build/`: mended with a warning, never used; the bytes are those of a clean build."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from prodabuild.engine.files import stat_of
from prodabuild.engine.seal import seal_of
from prodabuild.engine.state import PlacedRow, State
from tests.conftest import Repo
from tests.engine.test_database import DAMAGES as STATE_DAMAGES
from tests.engine.test_store import DAMAGES as OBJECT_DAMAGES
from tests.engine.test_store import damage

KINDS = "knowledge/zoo/kinds.yaml"
STATE = ".prodabuild/state.db"
OBJECTS = ".prodabuild/cache/files/md5"


def object_of(repo: Repo, file: str) -> Path:
    """Return the object that a file in build/ is a copy of."""
    data = repo.read(f"build/{file}")
    (found,) = [path for path in (repo.path / OBJECTS).rglob("*") if path.is_file() and path.read_bytes() == data]
    return found


def warnings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("warning: ")]


# -- the state -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "sealed"),
    [
        ("garbage", True),
        ("cut short", False),
        ("a folder", True),
        ("an older version", True),
        ("a newer version", False),
    ],
)
def test_a_damaged_state_is_taken_as_empty_by_readers_and_made_anew_by_a_writer(
    repo: Repo, how: str, sealed: bool
) -> None:
    repo.built()
    files, lock, objects = repo.files(), repo.read("proda.lock"), repo.files(OBJECTS)
    STATE_DAMAGES[how][0](repo.path / STATE)
    if not sealed:
        seal_of(repo.path / STATE).unlink()
    check = repo.run("check")
    assert (check.code, check.out) == (0, "no problems in 2 disciplines: 72 concepts, 64 relations, 48 chains\n")
    plan = repo.run("plan", "--to", "data")
    assert (plan.code, plan.out.splitlines()[-1]) == (0, "29 build")
    for outcome in (check, plan):
        (warning,) = outcome.err.splitlines()
        assert warning.startswith(f"warning: {STATE} ")
        assert warning.endswith(": taken as if nothing were built")
    compiled = repo.run("compile", "--to", "data", "--json")
    (warning,) = warnings(compiled.err)
    assert warning.startswith(f"warning: {STATE} ")
    assert warning.endswith(": starting afresh from the sources and the store")
    assert (compiled.code, compiled.json["built"], len(compiled.json["restored"])) == (0, [], 29)
    assert (repo.files(), repo.read("proda.lock"), repo.files(OBJECTS)) == (files, lock, objects)
    assert repo.run("plan", "--to", "data").out == "nothing to do: 29 units are clean\n"


def test_a_damaged_state_without_its_journal_costs_a_build(repo: Repo) -> None:
    repo.built()
    files, lock = repo.files(), repo.read("proda.lock")
    repo.write(STATE, b"garbage")
    (repo.path / ".prodabuild/state.journal").unlink()
    assert len(repo.data()["built"]) == 29
    assert (repo.files(), repo.read("proda.lock")) == (files, lock)


def test_a_page_that_rots_under_a_sealed_state_is_found_by_verify_and_by_a_build(repo: Repo) -> None:
    repo.built()
    files, lock = repo.files(), repo.read("proda.lock")
    for command in (["verify"], ["compile", "--to", "data"]):
        rot(repo.path / STATE)
        outcome = repo.run(*command)
        assert outcome.err.startswith(f"warning: {STATE} is damaged (")
        assert "Traceback" not in outcome.err
        assert outcome.code == (5 if command == ["verify"] else 0)
        repo.data()
        assert (repo.files(), repo.read("proda.lock")) == (files, lock)


def rot(path: Path) -> None:
    """Spoil every page but the first, as a failing disk would: with the times as they were."""
    before = os.stat(path)
    data = path.read_bytes()
    path.write_bytes(data[:16384] + b"\xa5" * (len(data) - 16384))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_files_of_a_build_that_the_state_forgot_are_known_from_the_lock(repo: Repo) -> None:
    repo.built()
    repo.write("build/notes.txt", b"mine")
    repo.write(STATE, b"garbage")
    repo.edit("proda.yaml", "  tools: {knowledge: [knowledge/tools]}\n", "")
    repo.data()
    assert not any("tools" in name for name in repo.files())
    assert repo.read("build/notes.txt") == b"mine"


def test_a_lock_that_names_files_elsewhere_moves_nothing_there(repo: Repo) -> None:
    repo.built()
    kept = repo.write("precious.txt", b"mine")
    digests = f'"md5":"{32 * "0"}","path":"../precious.txt","sha256":"{64 * "0"}","size":4'
    entry = f'"shard:gone/0": {{{digests}}},\n"shard:tools'.encode()
    repo.write("proda.lock", repo.read("proda.lock").replace(b'"shard:tools', entry, 1))
    repo.write(STATE, b"garbage")
    outcome = repo.run("compile", "--to", "data")
    assert outcome.code == 1
    assert "error: proda.lock:24: 'shard:gone/0': '../precious.txt' leaves the repository\n" in outcome.err
    assert kept.read_bytes() == b"mine"


# -- objects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", OBJECT_DAMAGES)
def test_what_later_stages_read_is_taken_back_from_build(repo: Repo, how: str) -> None:
    repo.built()
    spoiled = [name for name in repo.files("build/items") if repo.files("build/items")[name]]
    for name in spoiled:
        damage(object_of(repo, f"items/{name}"), how)
    repo.edit("proda.yaml", "tests:\n  chains:", "tests:\n  links:")
    outcome = repo.run("compile", "--to", "data", "--json")
    assert (outcome.code, outcome.json["built"]) == (0, ["index", "suite:links"])
    assert warnings(outcome.err) == [
        f"warning: the stored object of items/{spoiled[0]} and {len(spoiled) - 1} more was damaged or gone: taken back from build/"
    ]
    assert b"".join(repo.files("build/items")[name] for name in spoiled if name.startswith("dev/")) == repo.read(
        "build/suites/links/dev.jsonl"
    )
    assert repo.run("verify").code == 0


@pytest.mark.parametrize("how", OBJECT_DAMAGES)
def test_what_is_lost_in_the_store_and_in_build_is_built_again_in_the_same_run(repo: Repo, how: str) -> None:
    repo.built()
    files = repo.files()
    (name,) = [name for name in files if name.startswith("items/dev/zoo/")]
    damage(object_of(repo, name), how)
    damage(repo.path / "build" / name, how)
    if how != "gone":  # the disk rotted: the state knows nothing of it
        settle_placed(repo, name)
    repo.edit("proda.yaml", "tests:\n  chains:", "tests:\n  links:")
    outcome = repo.run("compile", "--to", "data", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["built"] == ["index", "items:zoo/all", "suite:links"]
    if how != "gone":
        assert warnings(outcome.err) == ["warning: the output of items:zoo/all is damaged or gone: it is built again"]
    assert {path: data for path, data in repo.files().items() if "suites" not in path} == {
        path: data for path, data in files.items() if "suites" not in path
    }
    assert repo.read("build/suites/links/dev.jsonl") == files["suites/chains/dev.jsonl"]


def settle_placed(repo: Repo, name: str) -> None:
    """Let the state take a file in build/ as it is now for what it placed."""
    state = State(repo.path / STATE, writable=True)
    with state.transaction():
        (row,) = [row for row in state.placed() if row.path == name]
        state.set_placed(PlacedRow(name, row.unit, row.md5, stat_of(repo.path / "build" / name)))
    state.close()


@pytest.mark.parametrize("how", OBJECT_DAMAGES)
def test_a_damaged_object_is_not_restored_but_built_again(repo: Repo, how: str) -> None:
    first = repo.data()
    files = repo.files()
    objects = {name: object_of(repo, name) for name in files if files[name]}
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    touched = repo.data()["built"]
    assert len(touched) == 3
    for name, path in objects.items():
        if repo.files().get(name) != files[name]:
            damage(path, how)
    repo.edit(KINDS, "a lizard that sticks", "a lizard with the habits of a gecko")
    outcome = repo.run("compile", "--to", "data", "--json")
    assert outcome.json["built"] == [unit for unit in touched if not unit.startswith("leaks:")]  # which make no file
    shard = next(unit for unit in touched if unit.startswith("shard:"))
    assert warnings(outcome.err) == [
        f"warning: what the store held of {unit} is damaged or gone: it is built again" for unit in (shard, "dataset")
    ]
    assert outcome.json["dataset"] == first["dataset"]
    assert repo.files() == files
    assert repo.run("verify").code == 0


@pytest.mark.parametrize("how", OBJECT_DAMAGES)
def test_with_every_object_damaged_and_no_build_everything_is_built_again(repo: Repo, how: str) -> None:
    repo.built()
    files, lock = repo.files(), repo.read("proda.lock")
    for path in (repo.path / OBJECTS).rglob("*"):
        if path.is_file() and path.stat().st_size:
            damage(path, how)
    shutil.rmtree(repo.path / "build")
    outcome = repo.run("compile", "--to", "data", "--json")
    assert (outcome.code, len(outcome.json["built"])) == (0, 16)
    assert outcome.json["restored"] == ["items:tools/all"]  # two empty files
    assert (repo.files(), repo.read("proda.lock")) == (files, lock)
    assert repo.run("verify").code == 0


# -- build/ --------------------------------------------------------------------------------------------------------


def a_file_for_a_folder(repo: Repo) -> None:
    shutil.rmtree(repo.path / "build/items")
    repo.write("build/items", b"in the way")


CASES: dict[str, Callable[[Repo], object]] = {
    "build/ gone, then a discipline removed": lambda repo: shutil.rmtree(repo.path / "build"),
    "a folder of it gone, then a discipline removed": lambda repo: shutil.rmtree(repo.path / "build/dataset/train"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_already_gone_need_not_be_removed(repo: Repo, case: str) -> None:
    repo.built()
    CASES[case](repo)
    repo.edit("proda.yaml", "  tools: {knowledge: [knowledge/tools]}\n", "")
    repo.data()
    assert any("zoo" in name for name in repo.files())
    assert not any("tools" in name for name in repo.files())


def test_a_file_where_a_folder_belongs_is_told_by_name(repo: Repo) -> None:
    repo.built()
    a_file_for_a_folder(repo)
    assert repo.run("plan", "--to", "data").code == 0
    outcome = repo.run("compile", "--to", "data")
    assert outcome.code == 5
    assert f"{repo.path}/build/items" in outcome.err
    (repo.path / "build/items").unlink()
    assert repo.data()["built"] == []


def test_a_unit_whose_copy_and_another_copy_s_object_are_damaged_is_not_built_again(repo: Repo) -> None:
    repo.built()
    files = repo.files()
    names = [name for name in files if name.startswith("suites/")]
    damage(repo.path / "build" / names[0], "flipped")
    damage(object_of(repo, names[1]), "flipped")
    report = repo.data()
    assert (report["built"], report["restored"]) == ([], ["suite:chains"])
    assert repo.files() == files
