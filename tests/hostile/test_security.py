"""The claims of SECURITY.md, one by one: what is safe on a stranger's branch, what is not, what is believed."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import confinement
import pytest
import stage
from confinement import Ended, Scene
from places import CHECK, DIFF, DOCTOR, GC, LIST, PLAN, SHOW, VERIFY, WHY, Words, forget

from prodabuild.cli.console import Console
from prodabuild.cli.drawings import write_drawing
from prodabuild.paths import UnsafePathError
from tests.conftest import ROOT
from tests.hostile import contents, repositories
from tests.hostile.cases import Spoil
from tests.hostile.conftest import survive

BUILD: Words = ("compile", "--to", "data", "-j", "1")
SAFE: Words = (*BUILD, "--trust", "none", "--no-own-code")
SHARD = "build/dataset/train/zoo/00.jsonl"


def ran(scene: Scene) -> bool:
    """Tell whether code of the branch ran: it leaves a mark."""
    return (scene.around / "pwned").exists()


def run(scene: Scene, words: Words) -> Ended:
    return confinement.command(scene, words)


def lose_the_build(scene: Scene) -> None:
    """Leave what a fresh clone has that shares the cache: no state, no `build/`."""
    shutil.rmtree(scene.repo / ".prodabuild")
    shutil.rmtree(scene.repo / "build")


def fork(scene: Scene) -> None:
    """Let what is committed now be the trusted branch, and the work tree a stranger's."""
    stage.git(scene, "checkout", "--quiet", "-b", "stranger")


def test_reading_runs_no_code(scene: Scene) -> None:
    contents.own_code(scene)
    contents.shadows(scene)
    survive(scene, (CHECK, PLAN, LIST, WHY, GC, DOCTOR))
    assert not ran(scene)


def test_modules_of_the_current_folder_are_not_imported(scene: Scene) -> None:
    contents.shadows(scene)
    before = confinement.snapshot(scene)
    for options in (["-P"], []):
        command = [sys.executable, *options, "-m", "prodabuild", "plan", "--to", "data"]
        variables = {**os.environ, **confinement.environment(scene), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=scene.repo, env=variables, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
    assert confinement.differences(before, confinement.snapshot(scene)) == []


def test_a_preview_runs_no_code(scene: Scene) -> None:
    contents.own_code(scene)
    survive(scene, (DIFF, SHOW, ("diff", "HEAD", "--md")))
    assert not ran(scene)


def test_data_are_built_without_code_and_without_trust(scene: Scene) -> None:
    lose_the_build(scene)
    (built,) = survive(scene, (SAFE,))
    assert built.code == 0
    contents.own_code(scene)
    (refused,) = survive(scene, (SAFE,))
    assert refused.code == 1
    assert "own code" in refused.err or "recipes/own.py" in refused.err
    assert not ran(scene)


def test_own_code_runs_where_it_is_asked_for(scene: Scene) -> None:
    contents.own_code(scene)
    assert not ran(scene)
    run(scene, BUILD)
    assert ran(scene)


@pytest.mark.parametrize("commit", [repositories.tracked_state, repositories.tracked_in_capitals])
def test_state_from_elsewhere_is_refused(scene: Scene, commit: Spoil) -> None:
    commit(scene)
    for ended in survive(scene, (CHECK, PLAN, BUILD, LIST, VERIFY)):
        assert ended.code == 1
        assert "the state of one machine is never read from a repository" in ended.err


def test_state_of_another_clone_is_not_believed(scene: Scene, tmp_path: Path) -> None:
    other = stage.copy(scene, tmp_path / "other")
    forget("clone.json")(other)
    (ended,) = survive(other, (("plan", "--to", "data"),))
    assert "not of this clone" in ended.err


@pytest.mark.parametrize("trust", ["none", "lock"])
def test_a_poisoned_shard_is_not_restored(scene: Scene, trust: str) -> None:
    clean = (scene.repo / SHARD).read_bytes()
    fork(scene)
    repositories.poison_traces(scene)
    lose_the_build(scene)
    (ended,) = survive(scene, ((*BUILD, "--trust", trust),))
    assert ended.code == 0
    assert (scene.repo / SHARD).read_bytes() == clean


def test_a_poisoned_shard_is_found(scene: Scene) -> None:
    fork(scene)
    repositories.poison_traces(scene)
    lose_the_build(scene)
    run(scene, (*BUILD, "--trust", "all"))
    assert b"hackers" in (scene.repo / SHARD).read_bytes()
    assert run(scene, ("verify", "--rebuild")).code not in (0, None)


def test_a_cache_that_is_committed_gets_objects_alone(scene: Scene) -> None:
    repositories.config("[cache]\n    dir = ../../victim\n")(scene)
    before = confinement.snapshot(scene)
    for words in (BUILD, VERIFY, ("gc", "--force")):
        run(scene, words)
    changes = confinement.differences(before, confinement.snapshot(scene))
    written = [change for change in changes if change.startswith("written: ") and stat.S_ISREG(mode(scene, change))]
    assert written
    objects = re.compile(r"written: victim/files/md5/[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?")
    assert [change for change in written if not objects.fullmatch(change)] == []
    damaged = "deleted: victim/files/md5/ab/" + "c" * 30
    assert [change for change in changes if change.startswith("deleted: ") and change != damaged] == []
    assert (scene.around / "victim/keep.txt").read_text() == "a stranger may not touch this\n"
    assert run(scene, ("gc", "--force")).code == 2


def mode(scene: Scene, change: str) -> int:
    """Return the mode of what a change is about."""
    return os.lstat(scene.around / change.partition(": ")[2]).st_mode


def test_a_drawing_follows_no_link(scene: Scene) -> None:
    (scene.repo / "x.svg").symlink_to(scene.around / "victim/keep.txt")
    with pytest.raises(UnsafePathError, match="leads outside the repository"):
        write_drawing(Console(), scene.repo, Path("x.svg"), lambda: b"<svg/>")
    assert (scene.around / "victim/keep.txt").read_text() == "a stranger may not touch this\n"


@pytest.mark.train
def test_a_base_runs_no_code(scene: Scene, tmp_path: Path) -> None:
    from prodabuild.training.base import load_base, load_tokenizer
    from tests.training.conftest import tiny

    base = tiny(tmp_path / "base")
    mark = tmp_path / "pwned"
    (base / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n")
    for name in ("config.json", "tokenizer_config.json"):
        found = json.loads((base / name).read_bytes())
        classes = {"AutoConfig": "evil.A", "AutoModelForCausalLM": "evil.B", "AutoTokenizer": ["evil.C", None]}
        (base / name).write_text(json.dumps(found | {"auto_map": classes}))
    (base / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n(S'touch " + os.fsencode(mark) + b"'\ntR.")
    (base / "chat_template.jinja").write_text("{{ ''.__class__.__mro__[1].__subclasses__() }}")
    load_tokenizer(base)
    load_base(base, "cpu", False)
    assert not mark.exists()


def test_every_claim_names_a_test_that_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    there = Path(__file__).read_text("utf-8")
    named = set(re.findall(r"\btest_(?!attacks\b|security\b)\w+", text))
    assert len(named) >= 9
    assert [name for name in named if f"def {name}(" not in there] == []
    from tests.hostile.attacks import ATTACKS

    kinds = {attack.kind for attack in ATTACKS}
    starred = re.findall(r"class(?:es)? ((?:\*[^*]+\*(?:, )?)+)", text)
    for name in (name for group in starred for name in re.findall(r"\*([^*]+)\*", group)):
        start = name.removesuffix(" ...")
        assert any(kind == name or (name != start and kind.startswith(start)) for kind in kinds), name
