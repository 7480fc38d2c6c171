"""Real merges by git, with the driver and without: what was edited apart comes together, what was not is told."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from prodabuild.digest import md5
from prodabuild.engine import lockfile
from prodabuild.engine.dvcfile import read_lock
from tests.conftest import Repo, Versioned, fill

GECKO = ("knowledge/zoo/kinds.yaml", "a lizard with the habits of a gecko", "a lizard that sticks")
RIPSAW = ("knowledge/tools/kinds.yaml", "a handsaw with the habits of a ripsaw", "a handsaw that rips")
INSTALLED = (
    "git merges proda.lock, dvc.lock, metrics.json entry by entry\n"
    ".gitattributes was written: commit it; each clone runs `prodabuild lock --install` once\n"
)
LOCKS = ("proda.lock", "dvc.lock")


def start(versioned: Versioned, install: bool = True) -> None:
    """Commit a first build, and begin a branch `other`."""
    if install:
        assert versioned.repo.run("lock", "--install").out == INSTALLED
    versioned.repo.data()
    versioned.commit()
    versioned.git("branch", "other")


def commit_edit(versioned: Versioned, branch: str, file: str, old: str, new: str) -> None:
    versioned.git("checkout", "--quiet", branch)
    versioned.repo.edit(file, old, new)
    versioned.repo.data()
    versioned.commit()


def entries(versioned: Versioned) -> lockfile.Entries:
    return lockfile.read(versioned.path / "proda.lock")


def finish(versioned: Versioned) -> None:
    """Build what was merged: the locks are whole again, and those of a build from nothing."""
    assert versioned.repo.run("compile", "--to", "data", "--locked").code == 4
    versioned.repo.data()
    assert versioned.repo.run("compile", "--to", "data", "--locked").code == 0
    fresh = versioned.path.parent / "fresh"
    fill_like(versioned.path, fresh)
    repo = versioned.repo.__class__(fresh, versioned.repo.capsys)
    repo.data()
    for lock in LOCKS:
        assert repo.read(lock) == versioned.repo.read(lock)


def fill_like(path: Path, fresh: Path) -> None:
    fresh.mkdir()
    fill(fresh)
    for file in [*path.glob("knowledge/*/*.yaml"), *path.glob("*.yaml"), *path.glob(".dvc/*"), *path.glob("patches/*")]:
        if file.is_file():
            target = fresh / file.relative_to(path)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(file.read_bytes())


def test_edits_made_apart_merge_without_conflict(versioned: Versioned) -> None:
    start(versioned)
    commit_edit(versioned, "other", *GECKO)
    theirs = entries(versioned)
    commit_edit(versioned, "main", *RIPSAW)
    ours = entries(versioned)
    outcome = versioned.call("git", "merge", "--quiet", "--no-edit", "other")
    said = "proda.lock: left out, for the next `prodabuild compile` to write: dataset\n"
    assert said in outcome.err
    assert "dvc.lock: left out, for the next `prodabuild compile` to write: data\n" in outcome.err
    assert versioned.git("status", "--porcelain") == ""
    found = entries(versioned)
    assert found["knowledge:knowledge/zoo/kinds.yaml"] == theirs["knowledge:knowledge/zoo/kinds.yaml"]
    assert found["knowledge:knowledge/tools/kinds.yaml"] == ours["knowledge:knowledge/tools/kinds.yaml"]
    assert set(ours) - set(found) == {"dataset"}
    finish(versioned)


def test_the_same_record_edited_twice_leaves_a_lock_that_reads(versioned: Versioned) -> None:
    start(versioned)
    commit_edit(versioned, "other", *GECKO)
    commit_edit(versioned, "main", GECKO[0], GECKO[1], "a lizard that climbs")
    outcome = versioned.call("git", "merge", "--quiet", "--no-edit", "other", ok=False)
    assert outcome.code == 1
    assert "CONFLICT (content): Merge conflict in knowledge/zoo/kinds.yaml" in outcome.out
    assert outcome.out.count("CONFLICT") == 1
    found = entries(versioned)
    assert "knowledge:knowledge/zoo/kinds.yaml" not in found
    assert "dataset" not in found
    assert versioned.git("diff", "--name-only", "--diff-filter=U") == "knowledge/zoo/kinds.yaml\n"
    versioned.git("checkout", "--theirs", "knowledge/zoo/kinds.yaml")
    finish(versioned)


def test_two_accepted_versions_end_in_a_conflict_with_ours_in_place(versioned: Versioned) -> None:
    start(versioned)
    for branch in ("other", "main"):
        versioned.git("checkout", "--quiet", branch)
        results = {"path": "results/chains.json", "md5": md5(branch.encode()), "sha256": "0" * 64, "size": 1}
        known = entries(versioned) | {"accepted:chains": {"acc": {"dev": 0.5}, "results": results}}
        versioned.repo.write("proda.lock", lockfile.render(known))
        versioned.commit()
    outcome = versioned.call("git", "merge", "--no-edit", "other", ok=False)
    assert outcome.code == 1
    assert "CONFLICT (content): Merge conflict in proda.lock" in outcome.out
    assert (
        "proda.lock: error: both sides accepted another version of the suite chains; ours stays\n"
        "hint: `git add proda.lock` keeps it, `prodabuild test --accept` records what the merge has made\n"
    ) in outcome.err
    assert entries(versioned)["accepted:chains"]["results"]["md5"] == md5(b"main")
    assert versioned.repo.run("compile", "--to", "data", "--locked").code == 0
    versioned.commit()
    assert versioned.git("status", "--porcelain") == ""


def test_a_rebase_and_a_cherry_pick_merge_locks_too(versioned: Versioned) -> None:
    start(versioned)
    commit_edit(versioned, "other", *GECKO)
    commit_edit(versioned, "main", *RIPSAW)
    versioned.git("checkout", "--quiet", "-b", "picked", "main")
    versioned.git("cherry-pick", "other")
    versioned.git("checkout", "--quiet", "other")
    versioned.git("rebase", "--quiet", "main")
    assert versioned.git("diff", "picked", "other") == ""
    finish(versioned)


@pytest.mark.parametrize("named", [False, True])
def test_without_the_driver_a_conflict_is_told_and_merged_afterwards(versioned: Versioned, named: bool) -> None:
    start(versioned, install=named)
    if named:  # a clone that was never told what the name in .gitattributes means
        versioned.git("config", "--remove-section", "merge.prodabuild")
    commit_edit(versioned, "other", *GECKO)
    commit_edit(versioned, "main", *RIPSAW)
    outcome = versioned.call("git", "merge", "--no-edit", "other", ok=False)
    assert outcome.code == 1
    assert "CONFLICT (content): Merge conflict in proda.lock" in outcome.out
    refused = versioned.repo.run("compile", "--to", "data")
    assert refused.code == 1
    assert refused.err.endswith(
        ": not a lock\nhint: `prodabuild lock --merge` merges it; then run `prodabuild compile`\n"
    ) or refused.err.endswith("hint: `prodabuild lock --merge` merges it; or delete it, and run the command again\n")
    mended = versioned.repo.run("lock", "--merge")
    assert (mended.code, mended.out) == (
        0,
        "merged dvc.lock proda.lock: run `prodabuild compile`, then `git add dvc.lock proda.lock`\n",
    )
    assert mended.err == (
        "dvc.lock: left out, for the next `prodabuild compile` to write: data\n"
        "proda.lock: left out, for the next `prodabuild compile` to write: dataset\n"
    )
    finish(versioned)
    versioned.commit()
    assert versioned.repo.run("lock", "--merge").out == "no lock is in conflict\n"


def test_a_driver_that_is_gone_leaves_ours(versioned: Versioned) -> None:
    start(versioned)
    versioned.git("config", "merge.prodabuild.driver", "no-such-program lock --merge %O %A %B %P")
    commit_edit(versioned, "other", *GECKO)
    commit_edit(versioned, "main", *RIPSAW)
    ours = [versioned.repo.read(lock) for lock in LOCKS]
    assert versioned.call("git", "merge", "--no-edit", "other", ok=False).code == 1
    assert [versioned.repo.read(lock) for lock in LOCKS] == ours
    versioned.repo.run("lock", "--merge")
    finish(versioned)


def test_a_side_that_is_no_lock_leaves_ours(versioned: Versioned) -> None:
    start(versioned)
    versioned.git("checkout", "--quiet", "other")
    versioned.repo.write("proda.lock", "<<<<<<< HEAD\n")
    versioned.commit()
    commit_edit(versioned, "main", *RIPSAW)
    ours = versioned.repo.read("proda.lock")
    outcome = versioned.call("git", "merge", "--no-edit", "other", ok=False)
    assert outcome.code == 1
    assert "error: proda.lock (their side):1:1: not a lock\n" in outcome.err
    assert versioned.repo.read("proda.lock") == ours


@pytest.mark.engine
def test_dvc_lives_with_a_merged_lock(versioned: Versioned) -> None:
    start(versioned)
    commit_edit(versioned, "other", *GECKO)
    commit_edit(versioned, "main", *RIPSAW)
    versioned.git("merge", "--quiet", "--no-edit", "other")
    assert read_lock(versioned.path / "dvc.lock").stages == {}
    assert "data:\n\tchanged deps:\n" in versioned.dvc("status", "data")
    versioned.repo.data()
    assert versioned.dvc("status", "data") == "Data and pipelines are up to date.\n"


def test_it_is_installed_once_and_beside_what_is_there(versioned: Versioned) -> None:
    versioned.repo.write(".gitattributes", "*.png binary")
    assert versioned.repo.run("lock", "--install", "--json").json == {
        "schema": 1,
        "changed": [".gitattributes", "git config"],
    }
    text = "*.png binary\nproda.lock merge=prodabuild\ndvc.lock merge=prodabuild\nmetrics.json merge=prodabuild\n"
    assert versioned.repo.read(".gitattributes").decode() == text
    driver = versioned.git("config", "merge.prodabuild.driver").strip()
    assert driver == f"{shlex.quote(sys.executable)} -P -m prodabuild lock --merge %O %A %B %P"
    again = versioned.repo.run("lock", "--install")
    assert again.out == "git merges proda.lock, dvc.lock, metrics.json entry by entry already\n"
    assert versioned.repo.read(".gitattributes").decode() == text


def test_where_there_is_no_git_it_says_so(repo: Repo) -> None:
    shutil.rmtree(repo.path / ".git")
    outcome = repo.run("lock", "--install")
    assert (outcome.code, outcome.err) == (
        1,
        "error: this is no git repository: nothing merges here\nhint: run `git init` first\n",
    )


@pytest.mark.parametrize("words", [[], ["--merge", "--install"], ["--merge", "a"], ["--install", "a", "b", "c", "d"]])
def test_anything_else_is_a_wrong_command_line(versioned: Versioned, words: list[str]) -> None:
    outcome = versioned.repo.run("lock", *words)
    assert (outcome.code, outcome.err) == (
        2,
        "error: ask for --install, or for --merge with no file or with four\nhint: see `prodabuild lock --help`\n",
    )
