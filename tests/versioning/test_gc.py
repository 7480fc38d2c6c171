"""`gc`: what it frees, what it never frees."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prodabuild.digest import file_md5
from prodabuild.engine.dvcfile import lock_outs
from prodabuild.engine.guard import writing
from prodabuild.events import silent
from prodabuild.project.session import STATE
from tests.conftest import Repo, Versioned
from tests.project.test_damage import rot

KINDS = "knowledge/zoo/kinds.yaml"
OBJECTS = ".dvc/cache/files/md5"
LEAVES = ["gecko", "iguana", "skink", "cobra", "python", "adder", "macaw", "lory"]


def edit(versioned: Versioned, leaf: str, what: str) -> None:
    """State something else of a leaf."""
    text = versioned.repo.read(KINDS).decode()
    start = text.index("definition: ", text.index(f"  name: {leaf}\n"))
    end = text.index("\n", start)
    versioned.repo.write(KINDS, text[:start] + f"definition: {what}" + text[end:])


def release(versioned: Versioned, what: str, leaf: str = "gecko") -> None:
    edit(versioned, leaf, what)
    versioned.repo.data()
    versioned.commit()


def objects(repo: Repo, cache: str = OBJECTS) -> set[str]:
    return {path.parent.name + path.name for path in (repo.path / cache).glob("??/*")}


def test_it_says_what_would_go_and_only_force_does_it(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    first = objects(versioned.repo)
    assert versioned.repo.run("gc").out.splitlines()[1:] == ["would go   0 objects (0 B)"]
    versioned.git("checkout", "--quiet", "-b", "side")
    release(versioned, "a lizard that is wet")
    new = objects(versioned.repo) - first
    versioned.git("checkout", "--quiet", "main")
    versioned.repo.data()
    assert versioned.repo.run("gc", "--json").json["freed"] == 0
    versioned.git("branch", "--quiet", "-D", "side")
    size = sum((versioned.path / OBJECTS / name[:2] / name[2:]).stat().st_size for name in new)
    dry = versioned.repo.run("gc")
    assert (dry.code, dry.err) == (0, "")
    lines = dry.out.splitlines()
    assert lines[0].startswith(f"would stay {len(first)} objects (")
    assert lines[0].endswith(", for 3 refs")
    assert lines[1:] == [
        f"would go   {len(new)} objects ({size / 1000:.1f} kB)",
        "nothing was removed: `prodabuild gc --force` does it",
    ]
    assert objects(versioned.repo) == first | new
    done = versioned.repo.run("gc", "--force", "-v")
    assert done.out.splitlines()[:3] == [
        "keeps   main", f"keeps   HEAD of {versioned.path}", f"keeps   work tree {versioned.path}"
    ]  # fmt: skip
    assert done.out.splitlines()[-1] == f"gone       {len(new)} objects ({size / 1000:.1f} kB)"
    assert objects(versioned.repo) == first
    assert versioned.repo.run("gc", "--force", "--json").json["freed"] == 0
    assert versioned.repo.data()["built"] == []


@pytest.mark.parametrize(
    "keep",
    ["branch", "tag", "annotated tag", "remote", "stash", "older stash", "detached", "worktree", "index", "file"],
)
def test_every_way_to_hold_on_to_a_version_is_a_root(versioned: Versioned, tmp_path: Path, keep: str) -> None:
    git = versioned.git
    release(versioned, "a lizard that sticks")
    git("branch", "base")
    before = objects(versioned.repo)
    edit(versioned, "gecko", "a lizard that is wet")
    versioned.repo.data()
    new = objects(versioned.repo) - before
    if keep in ("stash", "older stash"):
        git("stash")
        if keep == "older stash":
            versioned.repo.write("README", "x")
            git("stash", "--include-untracked")
    elif keep in ("index", "file"):
        if keep == "index":
            git("add", "--all")
            versioned.repo.write("proda.lock", git("show", "base:proda.lock"))
            versioned.repo.write("dvc.lock", git("show", "base:dvc.lock"))
            shutil.rmtree(versioned.path / ".prodabuild")
        new &= objects(versioned.repo)
    else:
        git("checkout", "--quiet", "-b", "side")
        versioned.commit()
        if keep in ("tag", "annotated tag"):
            git("tag", *(["-m", "x", "-a"] if keep == "annotated tag" else []), "v2")
        elif keep == "remote":
            git("update-ref", "refs/remotes/origin/side", "side")
        elif keep == "worktree":
            git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
        git("checkout", "--quiet", "--detach" if keep == "detached" else "base")
        if keep != "branch":
            git("branch", "--quiet", "-D", "side")
    if keep not in ("detached", "file", "index"):
        versioned.repo.data()
    report = versioned.repo.run("gc", "--force", "--json").json
    assert report["freed"] == 0, report
    assert objects(versioned.repo) >= before | new
    if keep == "worktree":  # its disk may not be mounted
        shutil.rmtree(tmp_path / "tree")
        assert versioned.repo.run("gc", "--force", "--json").json["freed"] == 0


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.engine), pytest.param(3, marks=pytest.mark.engine)]
)
def test_no_object_that_a_ref_needs_is_ever_lost(versioned: Versioned, seed: int) -> None:
    """Random edits, branches, tags, stashes and deletions; after each gc every ref rebuilds from the cache."""
    chance = random.Random(seed)
    git = versioned.git
    release(versioned, "the first of all")
    freed = 0
    for step in range(14):
        branches = git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags").split()
        here = git("rev-parse", "--abbrev-ref", "HEAD").strip()
        what = chance.choice(["edit", "edit", "branch", "tag", "delete", "delete", "switch", "stash", "gc"])
        if what == "edit":
            release(versioned, f"made at step {step}", chance.choice(LEAVES))
        elif what == "branch":
            git("checkout", "--quiet", "-b", f"b{step}")
            release(versioned, f"begun at step {step}", chance.choice(LEAVES))
        elif what == "tag":
            git("tag", f"t{step}")
        elif what == "delete" and (others := [name for name in branches if name != here]):
            name = chance.choice(others)
            git(*(("branch", "--quiet", "-D") if name.startswith(("b", "main")) else ("tag", "-d")), name)
        elif what == "switch" and branches:
            git("checkout", "--quiet", chance.choice(branches))
            if git("rev-parse", "--abbrev-ref", "HEAD").strip() == "HEAD":
                git("checkout", "--quiet", "-b", f"b{step}")
        elif what == "stash":
            edit(versioned, chance.choice(LEAVES), f"in hand at step {step}")
            versioned.repo.data()
            git("stash")
        if what in ("gc", "delete"):
            freed += check(versioned)
    freed += check(versioned)
    assert freed > 0


def check(versioned: Versioned) -> int:
    """Free what can be freed, and rebuild every ref; returns how many objects went."""
    freed: int = versioned.repo.run("gc", "--force", "--json").json["freed"]
    refs = versioned.git("for-each-ref", "--format=%(refname)").split()
    stashes = versioned.git("stash", "list", "--format=%gd").split()
    for ref in {versioned.git("rev-parse", f"{ref}^{{commit}}").strip() for ref in [*refs, *stashes]}:
        outcome = versioned.repo.run("rebuild", ref, "--json", "-q")
        assert (outcome.code, outcome.json["built"]) == (0, 0), outcome
        outs = lock_outs(versioned.git("show", f"{ref}:dvc.lock").encode(), "dvc.lock")["data"]
        assert {out["md5"] for out in outs} <= objects(versioned.repo)
    assert all(
        file_md5(path) == (path.parent.name + path.name).removesuffix(".dir")
        for path in (versioned.path / OBJECTS).glob("??/*")
    )
    return freed


def test_what_is_built_and_not_yet_in_a_lock_stays(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    lock, dvc = versioned.repo.read("proda.lock"), versioned.repo.read("dvc.lock")
    edit(versioned, "gecko", "a lizard that is wet")
    versioned.repo.data()
    versioned.repo.write("proda.lock", lock)
    versioned.repo.write("dvc.lock", dvc)
    traces = 2  # the list of the folder and the traces, which the next compile writes again
    before = objects(versioned.repo)
    versioned.repo.run("gc", "--force")
    assert len(before - objects(versioned.repo)) <= 3 * traces
    assert versioned.repo.data()["built"] == []


def test_without_git_the_present_version_stays(repo: Repo) -> None:
    shutil.rmtree(repo.path / ".git")
    shutil.rmtree(repo.path / ".dvc")
    repo.data()
    before = objects(repo, ".prodabuild/cache/files/md5")
    versioned = Versioned(repo, {})
    edit(versioned, "gecko", "a lizard that is wet")
    repo.data()
    report = repo.run("gc", "--force", "--json").json
    assert (report["freed"] > 0, report["roots"]) == (True, [f"work tree {repo.path}"])
    assert before - objects(repo, ".prodabuild/cache/files/md5")
    assert repo.data()["built"] == []


def test_a_git_that_fails_frees_nothing(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    before = objects(versioned.repo)
    versioned.repo.write(".git/HEAD", b"garbage")
    outcome = versioned.repo.run("gc", "--force")
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.err.startswith("error: git ")
    assert objects(versioned.repo) == before


def test_without_any_lock_nothing_goes(versioned: Versioned) -> None:
    versioned.repo.built()
    for name in ("proda.lock", "dvc.lock"):
        (versioned.path / name).unlink()
    shutil.rmtree(versioned.path / ".prodabuild")
    before = objects(versioned.repo)
    outcome = versioned.repo.run("gc", "--force")
    assert outcome.code == 1
    assert outcome.err == (
        "error: no ref and no work tree has a lock that names an object here: all would go\n"
        "hint: commit a lock first; or remove the cache by hand, if that is what is meant\n"
    )
    assert objects(versioned.repo) == before


def test_a_state_that_rots_is_no_reason_to_lose_what_locks_name(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    before = objects(versioned.repo)
    rot(versioned.path / STATE)
    outcome = versioned.repo.run("gc", "--force", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert objects(versioned.repo) == before


def test_a_list_that_is_damaged_stops_it(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    tree = next((versioned.path / OBJECTS).rglob("*.dir"))
    tree.chmod(0o644)
    tree.write_bytes(tree.read_bytes()[::-1])
    outcome = versioned.repo.run("gc", "--force")
    assert outcome.code == 5
    assert outcome.err.endswith("hint: run `prodabuild verify`: it heals what can be healed; nothing was freed\n")


def test_a_shared_cache_asks_who_shares_it(versioned: Versioned, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    versioned.repo.write(".dvc/config", f"[cache]\n    dir = {shared}\n")
    release(versioned, "a lizard that sticks")
    other = versioned.clone(tmp_path / "other")
    release(other, "a lizard that is wet")
    before = objects(versioned.repo, str(shared / "files/md5"))
    outcome = versioned.repo.run("gc", "--force")
    assert (outcome.code, outcome.err) == (
        2,
        f"""error: the cache {shared} lies outside of this repository: others may share it
hint: name them with --project, and what they need stays; `--project .` when there is none
""",
    )
    assert versioned.repo.run("gc", "--force", "--project", str(other.path), "--json").json["freed"] == 0
    assert objects(versioned.repo, str(shared / "files/md5")) == before
    assert versioned.repo.run("gc", "--force", "--project", ".", "--json").json["freed"] > 0
    assert objects(versioned.repo, str(shared / "files/md5")) < before


def test_history_is_kept_when_it_is_asked_for(versioned: Versioned) -> None:
    release(versioned, "a lizard that sticks")
    release(versioned, "a lizard that is wet")
    assert versioned.repo.run("gc", "--all-commits", "--json").json["freed"] == 0
    assert versioned.repo.run("gc", "--json").json["freed"] > 0


def test_young_files_of_others_stay_and_old_rubbish_goes(versioned: Versioned, tmp_path: Path) -> None:
    release(versioned, "a lizard that sticks")
    folder = versioned.path / ".dvc/cache/prodabuild-tmp/elsewhere"
    young = versioned.repo.write(f"{folder}/0.999999999", b"half")
    living = versioned.repo.write(f"{folder}/1.1", b"half")
    old = versioned.repo.write(f"{folder}/2.999999999", b"half")
    theirs = versioned.repo.write(f"{OBJECTS}/ab/being-written.tmp", b"half")
    for path in (living, old, theirs):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert versioned.repo.run("gc").out.splitlines()[2:] == ["           1 file left half written"]
    versioned.repo.run("gc", "--force")
    assert [path.exists() for path in (young, living, old, theirs)] == [True, True, False, True]


def test_it_waits_for_the_writers_of_every_worktree(versioned: Versioned, tmp_path: Path) -> None:
    release(versioned, "a lizard that sticks")
    versioned.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "side")
    tree = Repo(tmp_path / "tree", versioned.repo.capsys)
    tree.data()
    for folder in (versioned.path, tree.path):
        command = [sys.executable, "-m", "prodabuild", "gc"]
        with (
            writing(folder / ".prodabuild/lock", "prodabuild compile", silent),
            subprocess.Popen(command, cwd=versioned.path, stderr=subprocess.PIPE, text=True) as process,
        ):
            assert process.stderr is not None
            line = process.stderr.readline()
            process.kill()
        assert line == f"waiting for prodabuild compile (process {os.getpid()}), which is writing here\n"
