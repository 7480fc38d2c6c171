"""What `doctor` finds: what a repo needs is lacking or not, and each mend is a command that mends it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from prodabuild.versioning.condition import Finding, examine
from tests.conftest import Repo, Versioned

SOUND = ["click>=8", "click>=8; extra == 'train'", "click>=8; extra == 'eval'"]
POOR = ["click>=8", "no-such>=1; extra == 'train'", "click<2; extra == 'eval'", "no-such; extra == 'dvc'"]
TASKS = "  general: {tasks: [arc_easy]}\n"


def by_name(root: Path, requirements: list[str] = SOUND) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(root, requirements).findings}


def test_what_the_manifest_needs_is_lacking_and_the_rest_is_told(versioned: Versioned) -> None:
    found = by_name(versioned.path, POOR)
    assert found["packages"].state == "ok"
    assert found["[train]"] == Finding(
        "[train]", "lacks", "for compile, test, debug: no-such is not installed", "pip install 'prodabuild[train]'"
    )
    assert (found["[eval]"].state, found["[dvc]"].state) == ("absent", "absent")
    assert not examine(versioned.path, POOR).sound
    assert examine(versioned.path, SOUND).sound
    versioned.repo.write("proda.yaml", versioned.repo.read("proda.yaml") + TASKS.encode())
    found = by_name(versioned.path, POOR)
    assert found["[eval]"].state == "lacks"
    assert found["[eval]"].told.endswith("is asked for")


def test_outside_of_a_data_repo_nothing_is_needed(tmp_path: Path) -> None:
    found = by_name(tmp_path, POOR)
    assert (found["proda.yaml"].state, found["proda.yaml"].mend) == ("absent", "prodabuild init")
    assert found["[train]"].state == "absent"
    assert examine(tmp_path, POOR).sound
    assert by_name(tmp_path, [])["packages"].state == "absent"


def test_a_manifest_that_is_not_sound_is_lacking(versioned: Versioned) -> None:
    versioned.repo.edit("proda.yaml", "seed: 7", "sead: 7")
    assert by_name(versioned.path)["proda.yaml"] == Finding("proda.yaml", "lacks", "1 error", "prodabuild check")


def test_each_mend_of_git_mends(versioned: Versioned) -> None:
    (versioned.path / ".gitignore").unlink()
    found = by_name(versioned.path)
    assert {name for name, each in found.items() if each.mend} == {"merges", "build/", ".prodabuild/", "DVC"}
    assert found["merges"].told == "this clone is not told how to merge locks: they may conflict"
    for name in ("merges", "build/", ".prodabuild/"):
        subprocess.run(found[name].mend, shell=True, cwd=versioned.path, env=versioned.environment, check=True)
    found = by_name(versioned.path)
    assert {name for name, each in found.items() if each.mend} == {"DVC"}
    assert found["merges"].state == "ok"
    versioned.git("config", "--remove-section", "merge.prodabuild")
    assert by_name(versioned.path)["merges"].state == "absent"


def test_a_lock_that_is_ignored_or_in_conflict_is_lacking(versioned: Versioned) -> None:
    versioned.repo.write(".gitignore", "/build/\n/.prodabuild/\n*.lock\n")
    assert by_name(versioned.path)["proda.lock"].state == "lacks"
    assert by_name(versioned.path)["dvc.lock"].mend == "git check-ignore -v dvc.lock"
    versioned.repo.write(".gitignore", "/build/\n/.prodabuild/\n")
    versioned.repo.data()
    versioned.commit()
    versioned.git("branch", "other")
    for branch, text in (("other", b"a\n"), ("main", b"b\n")):
        versioned.git("checkout", "--quiet", branch)
        versioned.repo.write("proda.lock", text)
        versioned.commit()
    versioned.call("git", "merge", "other", ok=False)
    found = by_name(versioned.path)["locks"]
    assert found == Finding("locks", "lacks", "proda.lock: left in conflict by a merge", "prodabuild lock --merge")


def test_without_git_or_dvc(repo: Repo) -> None:
    for folder in (".git", ".dvc"):
        shutil.rmtree(repo.path / folder)
    found = by_name(repo.path)
    assert found["git"].mend == "git init"
    assert found["DVC"] == Finding("DVC", "absent", "not set up: objects lie in .prodabuild/cache", "dvc init")


def test_remotes_and_sizes(versioned: Versioned) -> None:
    versioned.repo.write(".dvc/config", versioned.repo.read(".dvc/config") + b"['remote \"store\"']\n    url = /x\n")
    assert by_name(versioned.path)["DVC"] == Finding("DVC", "ok", "remotes: store")
    versioned.repo.write(".dvc/cache/files/md5/ab/c", b"12345")
    versioned.repo.write("build/x", b"123")
    sizes = examine(versioned.path, SOUND).sizes
    assert (sizes["cache"], sizes["build"], sizes["state"]) == (5, 3, 0)
    assert sizes["free"] == pytest.approx(shutil.disk_usage(versioned.path).free, rel=0.5)
