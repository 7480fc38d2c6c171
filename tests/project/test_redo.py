"""`patch apply` killed between two files: whatever comes next finds the patch folded whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from prodabuild.cli.main import run
from tests.conftest import Repo
from tests.project.test_patches import CHAINS, CLIMBS, KINDS, patch

LAST = "knowledge/zoo/newts.yaml"
FILES = ("knowledge", "patches")
SAID = "finished `patch apply 0001-climbs`, which had been killed\n"


def begin(repo: Repo) -> None:
    """Write a patch that changes two files, makes one and empties one."""
    repo.write(LAST, "concepts:\n- id: zoo/newt\n  name: newt\n  definition: an animal of ponds\n")
    relation = "- add:\n    relation: {subject: zoo/olm, predicate: is_a, object: zoo/reptile}\n"
    added = "- add:\n    concept: {id: zoo/olm, name: olm, definition: a pale one of caves}\n"
    removed = "- remove: zoo/newt\n- remove: zoo/skink..reptile\n"
    file = "  file: knowledge/zoo/caves/olms.yaml\n"
    patch(repo, "0001-climbs", CLIMBS + added + file + relation + removed)


def sources(repo: Repo) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for folder in FILES for name, data in repo.files(folder).items()}


def put_back(repo: Repo, files: dict[str, bytes]) -> None:
    for name in sources(repo).keys() - files.keys():
        (repo.path / name).unlink()
    for name, data in files.items():
        repo.write(name, data)


def die_at(number: int) -> Callable[[], None]:
    """Let this process kill itself before its first change of a file, its second, and so on."""

    def work() -> None:
        steps = count()
        os.replace, os.unlink = counted(os.replace, steps), counted(os.unlink, steps)

    def counted(does: Callable[..., None], steps: Iterator[int]) -> Callable[..., None]:
        def change(*args: object) -> None:
            if next(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            does(*args)

        return change

    return work


def apply_and_die(repo: Repo, number: int) -> bool:
    """Apply the patch in a process of its own; tell whether it was killed before its end."""
    child = os.fork()
    if not child:
        die_at(number)()
        os.chdir(repo.path)
        os._exit(run(["patch", "apply", "1", "-q"]))
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, -signal.SIGKILL)
    return ended != 0


def test_killed_between_two_files_a_plan_finishes_and_says_so(repo: Repo) -> None:
    begin(repo)
    before = sources(repo)
    assert repo.run("patch", "apply", "1").code == 0
    folded = sources(repo)
    put_back(repo, before)
    assert apply_and_die(repo, 2)
    assert sources(repo) not in (before, folded)
    outcome = repo.run("plan", "--to", "data")
    assert (outcome.code, outcome.err) == (0, SAID)
    assert sources(repo) == folded
    assert repo.run("plan", "--to", "data").err == ""


def test_applied_again_it_says_what_the_killed_one_would_have_said(repo: Repo) -> None:
    begin(repo)
    before = sources(repo)
    said = repo.run("patch", "apply", "1").out
    folded = sources(repo)
    put_back(repo, before)
    assert apply_and_die(repo, 3)
    again = repo.run("patch", "apply", "0001-climbs")
    assert (again.code, again.out, again.err) == (0, said, SAID)
    assert sources(repo) == folded


def test_an_edit_that_came_between_is_never_written_over(repo: Repo) -> None:
    begin(repo)
    assert apply_and_die(repo, 2)
    repo.edit(CHAINS, "title: from iguana to reptile", "title: of iguanas")
    edited = sources(repo)
    for command in (("check",), ("compile", "--to", "data"), ("patch", "drop", "1")):
        outcome = repo.run(*command)
        assert outcome.code == 1
        assert outcome.err == (
            f"error: {CHAINS} was edited after `patch apply 0001-climbs` had been killed\nhint: undo that edit, so that "
            "the patch can be folded to its end; or remove .prodabuild/redo.json: files stay as they are\n"
        )
    assert sources(repo) == edited
    repo.edit(CHAINS, "title: of iguanas", "title: from iguana to reptile")
    assert repo.run("check").code == 0
    assert not (repo.path / "patches/0001-climbs.yaml").exists()


@pytest.mark.crash
@pytest.mark.parametrize(
    "command",
    ["check", "plan --to data", "compile --to data", "patch list", "patch apply 1", "patch new Owls", "why zoo/gecko"],
)
def test_killed_before_each_change_of_a_file_every_command_finishes(repo: Repo, command: str) -> None:
    begin(repo)
    repo.data()
    before, text = sources(repo), repo.read(KINDS)
    assert repo.run("patch", "apply", "1").code == 0
    folded = sources(repo)
    assert text != repo.read(KINDS)
    for number in count():
        put_back(repo, before)
        killed = apply_and_die(repo, number)
        if not killed:
            break
        outcome = repo.run(*command.split())
        assert outcome.code == 0, outcome.err
        begun = number > 0  # before the note is there, nothing has happened
        found = {name: data for name, data in sources(repo).items() if "owls" not in name}
        if command == "patch apply 1":
            assert found == folded
        else:
            assert found == (folded if begun else before)
        assert (SAID in outcome.err) == begun
        assert not (repo.path / ".prodabuild/redo.json").exists()
    assert number == 7  # the note, three files written, two removed, the note removed
