"""Every command that writes, killed before a change of the disk: the next run goes on, and what it leaves is whole."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from prodabuild.cli.main import run
from tests.conftest import Repo, Versioned
from tests.project.test_patches import CLIMBS, patch
from tests.sources.samples import SAMPLES

pytestmark = pytest.mark.crash
CHANGES = ("replace", "rename", "unlink", "rmdir", "mkdir")
MOST = 8  # instants of a command that are tried


def die_at(number: int) -> None:
    """Let this process kill itself before its first change of the disk, its second, and so on."""
    steps = count()

    def counted(does: Callable[..., object]) -> Callable[..., object]:
        def change(*args: object, **kwargs: object) -> object:
            if next(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return does(*args, **kwargs)

        return change

    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name)))


def run_and_die(folder: Path, words: list[str], number: int) -> bool:
    """Run a command in a process of its own; tell whether it was killed before its end."""
    child = os.fork()
    if not child:
        os.chdir(folder)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        die_at(number)
        os._exit(run(words))
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, -signal.SIGKILL), ended
    return ended != 0


def instants(folder: Path, copy: Path, words: list[str]) -> Iterator[int]:
    """Kill a command at instants spread over its run, each time in a fresh copy of a folder."""
    low, high = 0, 1
    while fresh(folder, copy) and run_and_die(copy, words, high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        fresh(folder, copy)
        low, high = (middle, high) if run_and_die(copy, words, middle) else (low, middle)
    for number in sorted({round(part * low / (MOST - 1)) for part in range(MOST)}):
        fresh(folder, copy)
        assert run_and_die(copy, words, number)
        yield number


def fresh(folder: Path, copy: Path) -> bool:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, symlinks=True)
    return True


def content(folder: Path) -> dict[str, bytes]:
    """Return every file but the state of the machine and git's own."""
    found = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith((".prodabuild/", ".git/"))}


def left(folder: Path) -> list[str]:
    """Return what is half written, or should be gone."""
    top = folder / ".prodabuild"
    inside = [path for part in ("tmp", "cache/prodabuild-tmp", "rebuild") for path in (top / part).rglob("*")]
    beside = list(folder.rglob(".*.prodabuild-*"))
    return sorted(path.relative_to(folder).as_posix() for path in [*inside, *beside] if path.is_file())


def killed_and_run_again(
    repo: Repo, tmp_path: Path, command: str, works: bool = True, follow: str = "compile --to data -q"
) -> None:
    """Kill a command, run `check`, then the command again where it was not done: the end is that of one undisturbed.

    `works` tells that the repo checks in between; what follows clears what was left.
    """
    words, copy = command.split(), tmp_path / "copy"
    fresh(repo.path, copy)
    there = Repo(copy, repo.capsys)
    assert there.run(*words).code == 0, there.history[-1]
    expected = content(copy)
    for _ in instants(repo.path, copy, words):
        between = there.run("check")
        assert between.code == 0 or not works, between
        assert "bug in prodabuild" not in between.err
        if content(copy) != expected:
            assert there.run(*words).code == 0, there.history[-1]
        assert content(copy) == expected
        assert there.run(*follow.split()).code == 0, there.history[-1]
        assert left(copy) == []


@pytest.fixture
def tracked(versioned: Versioned) -> Repo:
    """A repo in git, whose copies are the same clone."""
    return versioned.repo


@pytest.mark.parametrize(
    "command", ["patch apply 1", "patch drop 1", "compile --to data", "export messages", "verify", "gc --force"]
)
def test_killed_in_a_repo_that_was_built(tracked: Repo, tmp_path: Path, command: str) -> None:
    tracked.built()
    patch(tracked, "0001-climbs", CLIMBS)
    killed_and_run_again(tracked, tmp_path, command)


def test_killed_on_the_first_run(tracked: Repo, tmp_path: Path) -> None:
    killed_and_run_again(tracked, tmp_path, "compile --to data")


def test_killed_while_a_patch_is_begun_it_is_there_whole_or_not_at_all(tracked: Repo, tmp_path: Path) -> None:
    tracked.built()
    words, copy = ["patch", "new", "Owls", "--record", "zoo/owl"], tmp_path / "copy"
    fresh(tracked.path, copy)
    assert Repo(copy, tracked.capsys).run(*words).code == 0
    expected, before = content(copy), content(tracked.path)
    for _ in instants(tracked.path, copy, words):
        there = Repo(copy, tracked.capsys)
        assert content(copy) in (before, expected)
        if content(copy) == before:
            assert there.run("check").code == 0
            assert there.run(*words).out.startswith("patches/0001-owls.yaml: fill it in")
        assert there.run("patch", "drop", "1").code == 0
        assert there.run("compile", "--to", "data", "-q").code == 0
        assert (content(copy) == before, left(copy)) == (True, [])


def test_killed_while_a_source_is_imported(tracked: Repo, tmp_path: Path) -> None:
    for name in ("tea.csv", "tea.yaml"):
        tracked.write(f"sources/{name}", (SAMPLES / name).read_bytes())
    tracked.edit("proda.yaml", "  zoo:", "  tea: {knowledge: [knowledge/tea]}\n  zoo:")
    (tracked.path / "knowledge/tea").mkdir()
    command = "import csv sources/tea.csv --mapping sources/tea.yaml"
    killed_and_run_again(tracked, tmp_path, command, works=False)


@pytest.mark.parametrize("template", ["minimal", "csv"])
def test_killed_while_a_repo_is_begun(repo: Repo, tmp_path: Path, template: str) -> None:
    folder, copy, words = tmp_path / "empty", tmp_path / "copy", ["init", "--template", template]
    folder.mkdir()
    fresh(folder, copy)
    there = Repo(copy, repo.capsys)
    assert there.run(*words).code == 0, there.history[-1]
    expected = content(copy)
    for _ in instants(folder, copy, words):
        outcome = there.run(*words)
        assert outcome.code == 0 or "there is already" in outcome.err, outcome
        assert content(copy) == expected
        assert there.run("check").code == 0
        assert there.run("compile", "--to", "data", "-q").code == 0
        assert left(copy) == []


def test_killed_while_a_version_is_rebuilt_no_worktree_stays(versioned: Versioned, tmp_path: Path) -> None:
    repo = versioned.repo
    repo.built()
    versioned.commit()
    (repo.path / ".git/index").touch()
    for number in (*range(0, 40, 3), *range(40, 400, 40)):
        if not run_and_die(repo.path, ["rebuild", "HEAD", "-q"], number):
            break
        assert repo.run("gc").code == 0
        assert versioned.git("worktree", "list").count("\n") == 1
        assert not (repo.path / ".prodabuild/rebuild").exists()
        assert not list((repo.path / ".git").glob("worktrees/*"))
    assert number > 40
    assert repo.run("rebuild", "HEAD").code == 0


@pytest.mark.parametrize("stage", ["begun", "unfinished", "no folder"])
def test_what_git_itself_left_of_a_worktree_is_cleared(versioned: Versioned, stage: str) -> None:
    repo = versioned.repo
    repo.built()
    versioned.commit()
    tree = repo.path / ".prodabuild/rebuild/0123456789ab.999999999"
    versioned.git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
    (record,) = (repo.path / ".git/worktrees").iterdir()
    if stage == "begun":
        (record / "gitdir").unlink()
        (record / "locked").write_text("initializing")
    if stage != "unfinished":
        shutil.rmtree(tree.parent)
    other = repo.path.parent / "other"
    versioned.git("worktree", "add", "--quiet", "--detach", str(other), "HEAD")
    shutil.rmtree(other)  # somebody's, on a disk that is not there
    assert repo.run("rebuild", "HEAD").code == 0
    assert [each.name for each in (repo.path / ".git/worktrees").iterdir()] == ["other"]
    assert not tree.parent.exists()


def test_killed_while_locks_are_merged(versioned: Versioned, tmp_path: Path) -> None:
    repo = versioned.repo
    repo.built()
    versioned.commit()
    for branch, old in (("one", "gecko"), ("two", "iguana")):
        versioned.git("checkout", "--quiet", "-b", branch, "main")
        repo.edit("knowledge/zoo/kinds.yaml", f"a lizard with the habits of a {old}", f"a lizard named {old}")
        repo.data()
        versioned.commit()
    versioned.call("git", "merge", "one", "--no-edit", ok=False)
    killed_and_run_again(repo, tmp_path, "lock --merge", works=False)
