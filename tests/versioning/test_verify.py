"""`verify` beyond the present build: every object of the cache, lists of folders, other versions, the remote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prodabuild.digest import md5
from tests.conftest import CONFIG, Versioned
from tests.versioning.test_gc import OBJECTS, objects, release


def flip(path: Path) -> str:
    """Turn a byte of an object over; returns its path as `verify` names it."""
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    return path.as_posix()[path.as_posix().index(".dvc/") :]


def whole(versioned: Versioned) -> None:
    outcome = versioned.repo.run("verify", "--json")
    assert (outcome.code, outcome.json["damaged"]) == (0, [])


def of_old(versioned: Versioned) -> Path:
    """Make a version that is tagged v1 and another one; return an object that v1 alone needs."""
    release(versioned, "a lizard that sticks")
    versioned.git("tag", "v1")
    before = versioned.repo.files("build/dataset/train")
    release(versioned, "a lizard that is wet")
    after = versioned.repo.files("build/dataset/train")
    (old,) = [md5(data) for name, data in before.items() if after[name] != data]
    return versioned.path / OBJECTS / old[:2] / old[2:]


def test_an_object_of_another_version_is_lost_without_a_remote_and_built_again_if_asked(versioned: Versioned) -> None:
    path = of_old(versioned)
    sound = path.read_bytes()
    name = flip(path)
    outcome = versioned.repo.run("verify")
    assert outcome.code == 5
    assert outcome.out.splitlines()[0] == f"lost    {name}  of v1"
    assert outcome.out.splitlines()[-1] == (
        "run `prodabuild verify --rebuild`: it builds what is lost, in each version that needs it"
    )
    assert outcome.err == "no remote heals what is damaged: no remote is configured\n"
    assert not path.exists()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"flipped")
    outcome = versioned.repo.run("verify", "--rebuild", "--json")
    assert (outcome.code, outcome.json["damaged"], outcome.json["healed"]) == (0, [name], [name]), outcome
    assert path.read_bytes() == sound
    whole(versioned)


def test_it_comes_from_the_remote(versioned: Versioned, tmp_path: Path) -> None:
    pytest.importorskip("dvc")
    url = f"    remote = store\n['remote \"store\"']\n    url = {tmp_path}/remote\n"
    versioned.repo.write(".dvc/config", CONFIG + url)
    path = of_old(versioned)
    sound = path.read_bytes()
    versioned.repo.run("push", "--all-versions")
    name = flip(path)
    outcome = versioned.repo.run("verify", "--json")
    assert (outcome.code, outcome.json["damaged"], outcome.json["healed"]) == (0, [name], [name]), outcome
    assert path.read_bytes() == sound


def test_a_list_of_a_folder_is_written_again_from_the_lock(versioned: Versioned) -> None:
    of_old(versioned)
    trees = sorted((versioned.path / OBJECTS).rglob("*.dir"))
    assert len(trees) == 5  # of both versions: one has changed
    before = [tree.read_bytes() for tree in trees]
    names = [flip(tree) for tree in trees]
    outcome = versioned.repo.run("verify", "--json")
    assert (outcome.code, outcome.json["healed"]) == (0, sorted(names))
    assert [tree.read_bytes() for tree in trees] == before
    trees[0].unlink()
    versioned.repo.run("verify")
    whole(versioned)


def test_what_no_version_needs_is_removed(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    path = versioned.repo.write(f"{OBJECTS}/aa/{'a' * 30}", b"something else")
    outcome = versioned.repo.run("verify")
    assert outcome.code == 5
    assert outcome.out.splitlines()[0] == f"lost    {OBJECTS}/aa/{'a' * 30}"
    assert outcome.out.splitlines()[-1] == "no version needs what was lost: it is removed"
    assert not path.exists()
    whole(versioned)


def test_every_object_is_read(versioned: Versioned) -> None:
    of_old(versioned)
    document = versioned.repo.run("verify", "--json").json
    assert document["objects"] == len(objects(versioned.repo))


def test_an_entry_of_dvc_that_names_other_contents_is_stale(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    lock = versioned.repo.read("dvc.lock")
    versioned.git("tag", "v1")
    release(versioned, "a lizard that is wet")
    versioned.repo.write("dvc.lock", lock)
    outcome = versioned.repo.run("verify")
    assert outcome.code == 4
    lines = outcome.out.splitlines()
    assert "stale   build/dataset in dvc.lock" in lines
    assert lines[-1] == "run `prodabuild compile`: it writes dvc.lock"
    versioned.repo.data()
    assert versioned.repo.run("verify").code == 0


def test_a_clone_that_has_pulled_nothing_is_sound(versioned: Versioned, tmp_path: Path) -> None:
    release(versioned, "a lizard that sticks")
    clone = versioned.clone(tmp_path / "clone")
    document = clone.repo.run("verify", "--json").json
    assert (document["objects"], document["damaged"], document["unbuilt"] > 0) == (0, [], True)


def test_an_entry_of_a_unit_that_is_not_built_here_is_compared_with_its_object(
    versioned: Versioned, tmp_path: Path
) -> None:
    release(versioned, "a lizard that sticks")
    clone = versioned.clone(tmp_path / "clone")
    shutil.copytree(versioned.path / ".dvc/cache", clone.path / ".dvc/cache")
    lock = clone.repo.read("proda.lock")
    at = lock.index(b'"sha256":"', lock.index(b'"shard:zoo/010"')) + 10
    clone.repo.write("proda.lock", lock[:at] + b"0" * 64 + lock[at + 64 :])
    outcome = clone.repo.run("verify", "--json")
    assert (outcome.code, outcome.json["stale"]) == (4, ["shard:zoo/010"])


def test_a_shared_cache_elsewhere(versioned: Versioned, tmp_path: Path) -> None:
    versioned.repo.write(".dvc/config.local", f"[cache]\n    dir = {tmp_path}/shared\n")
    release(versioned, "a lizard that sticks")
    tree = next((tmp_path / "shared").rglob("*.dir"))
    tree.unlink()
    file = next(path for path in (tmp_path / "shared/files").rglob("*") if path.is_file() and path.stat().st_size > 99)
    file.chmod(0o644)
    file.write_bytes(b"flipped")
    document = versioned.repo.run("verify", "--json").json
    assert document["healed"] == document["damaged"] == sorted([str(tree), str(file)])
