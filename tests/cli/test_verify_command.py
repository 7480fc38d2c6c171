"""`verify`: what it says, what it heals, how it exits."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from prodabuild.engine.guard import writing
from prodabuild.events import silent
from tests.conftest import Repo
from tests.engine.test_store import DAMAGES, damage

SHARD = "dataset/train/zoo/010.jsonl"


def object_of(repo: Repo, file: str) -> str:
    """Return the path, in the repo, of the object that a file in build/ is a copy of."""
    data = repo.read(f"build/{file}")
    objects = repo.files(".prodabuild/cache")
    (found,) = [name for name in objects if objects[name] == data]
    return f".prodabuild/cache/{found}"


def said(repo: Repo, *arguments: str) -> tuple[int, str]:
    outcome = repo.run("verify", *arguments)
    assert outcome.err == ""
    return outcome.code, re.sub(r"\d+\.\d+ s", "T s", outcome.out)


def test_a_sound_build(repo: Repo) -> None:
    repo.built()
    before = repo.files(".")
    assert said(repo) == (0, "21 objects and their copies in build/ are whole (T s)\nnot built yet: 4\n")
    document = repo.run("verify", "--json").json
    assert {key: value for key, value in document.items() if key != "seconds"} == {
        "schema": 1, "objects": 21, "damaged": [], "healed": [], "lost": [], "stale": [],
        "recorded": [], "needed": {}, "unbuilt": 4, "proved": 0, "refuted": [], "unproven": [],
    }  # fmt: skip
    after = repo.files(".")
    assert {name for name in before if before[name] != after[name]} <= {
        ".prodabuild/state.seal",
        ".prodabuild/state.db",
    }


def test_every_data_unit_is_proved(repo: Repo) -> None:
    repo.built()
    code, out = said(repo, "--rebuild")
    assert (code, out.splitlines()) == (
        0,
        [
            "21 objects and their copies in build/ are whole (T s)",
            "29 data units were built again: 29 came out the same",
            "not built yet: 4",
        ],
    )


def test_before_anything_is_built(repo: Repo) -> None:
    assert said(repo) == (0, "0 objects and their copies in build/ are whole (T s)\nnot built yet: 33\n")


@pytest.mark.parametrize("how", DAMAGES)
def test_an_object_is_healed_from_its_copy(repo: Repo, how: str) -> None:
    repo.built()
    name = object_of(repo, SHARD)
    damage(repo.path / name, how)
    document = repo.run("verify", "--json").json
    assert (document["damaged"], document["healed"], document["lost"]) == ([name], [name], [])
    assert object_of(repo, SHARD) == name
    damage(repo.path / name, how)
    assert said(repo) == (0, f"healed  {name}\n21 objects: 1 healed, 0 lost (T s)\nnot built yet: 4\n")


@pytest.mark.parametrize("how", DAMAGES)
def test_a_copy_is_healed_from_its_object(repo: Repo, how: str) -> None:
    repo.built()
    files = repo.files()
    damage(repo.path / "build" / SHARD, how)
    assert said(repo) == (0, f"healed  build/{SHARD}\n21 objects: 1 healed, 0 lost (T s)\nnot built yet: 4\n")
    assert repo.files() == files
    assert repo.data()["restored"] == []


def test_what_is_lost_is_built_again_by_the_next_compile(repo: Repo) -> None:
    repo.built()
    files, lock = repo.files(), repo.read("proda.lock")
    name = object_of(repo, SHARD)
    damage(repo.path / name, "flipped")
    damage(repo.path / "build" / SHARD, "flipped")
    assert said(repo) == (
        5,
        f"""lost    {name}
rebuild shard:zoo/010
21 objects: 0 healed, 1 lost (T s)
not built yet: 4
run `prodabuild compile`: it restores what is stored and builds the rest
""",
    )
    assert "the stored object of dataset/train/zoo/010.jsonl is lost" in repo.run("plan", "--to", "data").out
    assert repo.data()["built"] == ["shard:zoo/010"]
    assert (repo.files(), repo.read("proda.lock")) == (files, lock)
    assert repo.run("verify").code == 0


def test_an_object_of_two_files_is_healed_from_either(repo: Repo) -> None:
    repo.built()
    empty = [name for name, data in repo.files().items() if not data]
    assert len(empty) > 1
    (object_of_all,) = [name for name, data in repo.files(".prodabuild/cache").items() if not data]
    path = repo.path / ".prodabuild/cache" / object_of_all
    path.chmod(0o644)
    path.write_bytes(b"not empty")
    (repo.path / "build" / empty[0]).unlink()
    document = repo.run("verify", "--json").json
    assert document["healed"] == document["damaged"] == [f".prodabuild/cache/{object_of_all}", f"build/{empty[0]}"]


def test_a_damaged_state_is_told(repo: Repo) -> None:
    repo.built()
    repo.write(".prodabuild/state.db", b"garbage")
    outcome = repo.run("verify", "--json")
    assert outcome.code == 5
    assert (outcome.json["damaged"], outcome.json["healed"]) == ([".prodabuild/state.db"], [])
    assert outcome.err == (
        "warning: .prodabuild/state.db was changed by something else than prodabuild: "
        "starting afresh from the sources and the store\n"
    )
    assert repo.data()["built"] == []
    assert repo.run("verify").code == 0


def test_a_lock_that_names_other_contents_exits_4(repo: Repo) -> None:
    repo.built()
    lock = repo.read("proda.lock")
    digest = re.findall(rb'"shard:zoo/010": \{"md5":"[^"]*","path":"[^"]*","sha256":"(\w+)"', lock)[0]
    repo.write("proda.lock", lock.replace(digest, digest[::-1]))
    assert said(repo) == (
        4,
        """stale   shard:zoo/010 in proda.lock
21 objects and their copies in build/ are whole (T s)
not built yet: 4
run `prodabuild compile`: it writes proda.lock
""",
    )
    assert repo.run("verify", "--json").json["stale"] == ["shard:zoo/010"]
    repo.data()
    assert repo.read("proda.lock") == lock


def test_a_lock_that_is_none_exits_1(repo: Repo) -> None:
    repo.built()
    repo.write("proda.lock", b"<<<<<<< ours\n")
    outcome = repo.run("verify")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: proda.lock:1:1: not a lock\n")


def test_it_waits_for_a_writer(repo: Repo) -> None:
    repo.built()
    command = [sys.executable, "-m", "prodabuild", "verify"]
    with (
        writing(repo.path / ".prodabuild/lock", "prodabuild compile", silent),
        subprocess.Popen(command, cwd=repo.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        line = process.stderr.readline()
        process.kill()
    assert line == f"waiting for prodabuild compile (process {os.getpid()}), which is writing here\n"
