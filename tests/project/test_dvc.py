"""What the engine stores is what DVC versions: our record beside DVC's own, and DVC at work on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import CONFIG, Versioned, settle

pytestmark = pytest.mark.engine

KINDS = "knowledge/zoo/kinds.yaml"
CLEAN = "Data and pipelines are up to date.\n"
ODD = """stages:
  data:
    cmd: >-
      prodabuild compile --to data -j 2 --keep-going --quiet --verbose --json --jobs 3 --keep-going
    desc: "{paths, parameters and commands in other words}"
    deps:
    - ./knowledge/
    - knowledge/zoo/../tools
    - proda.yaml
    - notes
    - empty
    params:
    - proda.yaml:
      - name
      - compile.seed
      - model
    outs:
    - build/items:
        cache: false
    - build/dataset/:
        persist: true
    - build/suites/chains/dev.jsonl
  whole:
    cmd: python -m prodabuild compile --to=data
    params:
    - proda.yaml:
    outs:
    - build/suites/chains/sealed.jsonl
"""


def dvc_lock(versioned: Versioned, *stages: str) -> str:
    """Return the lock that DVC writes for these stages from nothing."""
    (versioned.path / "dvc.lock").unlink()
    for stage in stages:
        versioned.dvc("commit", "--force", stage)
    return versioned.lock


def inodes(versioned: Versioned) -> dict[Path, int]:
    """Return the objects of a repo's cache, to tell whether one was written again."""
    return {path: path.stat().st_ino for path in (versioned.path / ".dvc/cache/files/md5").rglob("*") if path.is_file()}


def test_the_lock_is_what_dvc_writes_and_dvc_has_nothing_to_do(versioned: Versioned) -> None:
    versioned.repo.write("knowledge/zoo/README.md", "hidden from the build, not from DVC\n")
    versioned.repo.write("knowledge/zoo/.swp", "x")
    versioned.repo.write("knowledge/tools/ünïcode ☃.txt", "y")
    versioned.repo.data()
    ours = versioned.lock
    assert versioned.dvc("status", "data") == CLEAN
    assert versioned.dvc("repro", "data") == "Stage 'data' didn't change, skipping\n" + CLEAN
    assert versioned.lock == ours
    before = versioned.repo.files(".dvc/cache/files")
    assert dvc_lock(versioned, "data") == ours
    assert versioned.repo.files(".dvc/cache/files") == before  # no second copy, and no object was missing


def test_paths_parameters_and_commands_in_other_words(versioned: Versioned) -> None:
    versioned.repo.write("dvc.yaml", ODD)
    versioned.repo.write("notes/deep/er/a.txt", "1")
    versioned.repo.write("notes/a", "")
    (versioned.path / "empty").mkdir()
    versioned.repo.edit("proda.yaml", "scratch:micro", "scratch:micro\n  train: {learning_rate: 3e-5, epochs: 2}")
    versioned.repo.data()
    ours = versioned.lock
    assert versioned.dvc("status") == CLEAN
    assert dvc_lock(versioned, "data", "whole") == ours


def test_a_long_command_that_dvc_folds_elsewhere_is_the_same_command(versioned: Versioned) -> None:
    versioned.repo.edit(
        "dvc.yaml", "cmd: prodabuild compile --to data", "cmd: |\n      prodabuild compile --to data" + " --quiet" * 20
    )
    versioned.repo.data()
    ours = versioned.lock
    assert versioned.dvc("status", "data") == CLEAN
    theirs = dvc_lock(versioned, "data")
    versioned.repo.data()
    assert versioned.lock == theirs != ours


def test_after_dvc_repro_there_is_nothing_to_do_and_dvc_has_written_the_lock(versioned: Versioned) -> None:
    versioned.repo.built()
    versioned.repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    assert "Updating lock file 'dvc.lock'" in versioned.dvc("repro", "data")
    theirs = versioned.lock
    report = versioned.repo.data()
    assert (report["built"], report["restored"]) == ([], [])
    assert versioned.lock == theirs
    assert versioned.dvc("status", "data") == CLEAN


def test_other_stages_and_their_entries_are_left_alone(versioned: Versioned) -> None:
    foreign = "  count:\n    cmd: wc -l build/dataset/README.md > count.txt\n    deps:\n    - build/dataset\n    outs:\n    - count.txt\n"
    first = "  first:\n    cmd: date > first.txt\n    outs:\n    - first.txt\n"
    text = versioned.repo.read("dvc.yaml").decode()
    versioned.repo.write(
        "dvc.yaml", text.replace("stages:\n", f"stages:\n{first}").replace("plots:\n", f"{foreign}plots:\n")
    )
    versioned.dvc("repro", "count")
    versioned.dvc("repro", "first")
    before = versioned.lock
    assert versioned.repo.data()["built"] == []
    assert versioned.lock == before
    versioned.repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    versioned.repo.data()
    ours = versioned.lock
    assert ours.partition("  count:")[2] == before.partition("  count:")[2]
    assert versioned.dvc("status", "data", "first") == CLEAN
    assert "modified:           build/dataset" in versioned.dvc("status", "count")
    versioned.dvc("commit", "--force", "data")
    assert versioned.lock == ours


@pytest.mark.parametrize("relative", [False, True])
def test_a_clone_pulls_what_was_pushed_and_compiles_the_same(
    versioned: Versioned, tmp_path: Path, relative: bool
) -> None:
    url = "../../remote" if relative else str(tmp_path / "remote")
    versioned.repo.write(".dvc/config", CONFIG + f"    remote = store\n['remote \"store\"']\n    url = {url}\n")
    versioned.repo.built()
    versioned.commit()
    built = versioned.repo.files()
    pushed = versioned.dvc("push", "data")
    objects = versioned.repo.files(".dvc/cache/files/md5")
    assert pushed == f"{len(objects)} files pushed\n"
    assert versioned.repo.files(str(tmp_path / "remote/files/md5")) == objects  # what the engine stored, and once
    assert versioned.dvc("status", "--cloud", "data") == "Cache and remote 'store' are in sync.\n"

    clone = versioned.clone(tmp_path / "clone")
    clone.dvc("pull", "data")
    assert clone.repo.files() == built
    before, lock = inodes(clone), clone.lock
    report = clone.repo.data()
    assert (report["built"], len(report["restored"]) > 1) == ([], True)
    assert clone.repo.files() == built
    assert clone.lock == lock == versioned.lock
    assert inodes(clone) == before
    assert clone.dvc("status", "data") == CLEAN
    assert clone.git("status", "--porcelain") == ""


@pytest.mark.parametrize(("config", "relative"), [("config", True), ("config.local", False)])
def test_a_cache_elsewhere_is_found_as_dvc_finds_it(
    versioned: Versioned, tmp_path: Path, config: str, relative: bool
) -> None:
    folder = tmp_path / "shared cache"
    arguments = ["--local"] if config == "config.local" else []
    versioned.dvc("cache", "dir", *arguments, "../shared cache" if relative else str(folder))
    versioned.repo.built()
    assert Path(versioned.dvc("cache", "dir").strip()) == folder
    assert any((folder / "files/md5").iterdir())
    assert not (versioned.path / ".dvc/cache").exists()
    assert versioned.dvc("status", "data") == CLEAN
    assert versioned.dvc("repro", "data").startswith("Stage 'data' didn't change")


def test_a_file_that_comes_or_goes_is_seen_as_dvc_sees_it(versioned: Versioned) -> None:
    versioned.repo.write("knowledge/zoo/note.txt", "one")
    versioned.repo.data()
    for change in ("two", "owt", None):
        settle()
        versioned.repo.write("knowledge/zoo/note.txt", change) if change else (
            versioned.path / "knowledge/zoo/note.txt"
        ).unlink()
        assert "modified:           knowledge" in versioned.dvc("status", "data")
        assert versioned.repo.data()["built"] == []
        assert versioned.dvc("status", "data") == CLEAN


def test_what_dvc_clears_away_is_built_again(versioned: Versioned) -> None:
    versioned.repo.built()
    first = versioned.repo.files()
    versioned.repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    versioned.repo.data()
    versioned.commit()
    versioned.dvc("gc", "--workspace", "--force")
    assert versioned.dvc("status", "data") == CLEAN
    versioned.repo.edit(KINDS, "a lizard that sticks", "a lizard with the habits of a gecko")
    assert len(versioned.repo.data()["built"]) > 0
    assert versioned.repo.files() == first
    assert versioned.dvc("status", "data") == CLEAN


def test_dvc_may_check_out_as_links(versioned: Versioned) -> None:
    versioned.dvc("config", "cache.type", "symlink")
    versioned.repo.data()
    built = versioned.repo.files()
    shutil.rmtree(versioned.path / "build")
    versioned.dvc("checkout", "data")
    assert any(path.is_symlink() for path in (versioned.path / "build").rglob("*"))
    objects = versioned.repo.files(".dvc/cache/files")
    assert versioned.repo.data()["built"] == []
    assert versioned.repo.files() == built
    versioned.repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    versioned.repo.data()
    after = versioned.repo.files(".dvc/cache/files")
    assert {name: after[name] for name in objects} == objects  # no object was written through a link
    assert versioned.dvc("status", "data") == CLEAN


def data_alone(versioned: Versioned) -> None:
    """Leave the stage `data` alone: models cost more than these tests are about."""
    text = versioned.repo.read("dvc.yaml").decode()
    versioned.repo.write("dvc.yaml", text[: text.index("  model:")] + "params:\n- proda.yaml\n")


def test_what_dvc_runs_again_keeps_its_outputs(versioned: Versioned) -> None:
    """Without `persist` DVC would remove them first, and the shards would be placed anew."""
    versioned.repo.built()
    shard = min((versioned.path / "build/dataset/train/tools").glob("*.jsonl"))
    placed = shard.stat().st_ino
    versioned.repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    said = versioned.dvc("repro", "data")
    assert "shards: 1 built, 11 clean" in said
    assert shard.stat().st_ino == placed


def test_an_experiment_in_a_folder_of_its_own_finds_what_is_stored(versioned: Versioned) -> None:
    data_alone(versioned)
    versioned.repo.data()
    versioned.commit()
    before = versioned.repo.files()
    said = versioned.dvc("exp", "run", "--temp", "--name", "mine", "-S", "proda.yaml:tests.chains.sealed=0.4")
    assert "shards: 12 built" in said  # its folder has no branch that is trusted
    assert "items: 2 built" in said
    assert versioned.git("status", "--porcelain") == ""
    assert versioned.repo.files() == before
    assert versioned.repo.run("gc", "--json").json["freed"] == 0  # the experiment is a ref
    (ref,) = [name for name in versioned.git("for-each-ref", "--format=%(refname)").split() if name.endswith("/mine")]
    assert versioned.repo.run("rebuild", ref, "--trust", "all", "--json").json["built"] == 0
    versioned.dvc("exp", "apply", "mine")
    assert b"sealed: 0.4" in versioned.repo.read("proda.yaml")
    report = versioned.repo.data("--trust", "all")
    assert report["built"] == []
    assert versioned.dvc("status") == CLEAN
    assert "proda.yaml" in versioned.dvc("params", "diff", "HEAD")


def test_two_repos_share_a_cache_and_one_builds_for_both(versioned: Versioned, tmp_path: Path) -> None:
    versioned.dvc("cache", "dir", str(tmp_path / "shared"))
    versioned.repo.data()
    versioned.commit()
    clone = versioned.clone(tmp_path / "clone")
    assert clone.repo.data()["built"] == []  # no push, no pull, no checkout
    assert clone.dvc("status", "data") == CLEAN
    assert versioned.dvc("status", "data") == CLEAN


def test_a_repo_that_takes_dvc_up_later_or_leaves_it(versioned: Versioned) -> None:
    (versioned.path / ".dvc").rename(versioned.path / "kept")
    versioned.repo.data()
    built = versioned.repo.files()
    (versioned.path / "kept").rename(versioned.path / ".dvc")
    assert versioned.repo.data()["built"] == []
    assert versioned.dvc("status", "data") == CLEAN
    shutil.rmtree(versioned.path / ".dvc")
    assert versioned.repo.data()["built"] == []
    assert versioned.repo.files() == built | {"traces/data.journal": versioned.repo.read("build/traces/data.journal")}
