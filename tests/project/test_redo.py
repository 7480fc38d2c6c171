"""`patch apply` killed between two files: whatever comes next finds the patch folded whole."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import count

import orjson
import pytest

from prodabuild.cli.main import run
from prodabuild.engine.clone import claim
from prodabuild.events import silent
from prodabuild.project import redo
from prodabuild.project.redo import NOTE
from tests.conftest import Repo
from tests.project.test_patches import CHAINS, CLIMBS, KINDS, patch

LAST = "knowledge/zoo/newts.yaml"
FILES = ("knowledge", "patches")
ASIDE = (
    "warning: .prodabuild/redo.json is damaged or not of this clone: "
    "set aside as .prodabuild/redo.damaged, nothing was done\n"
)
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


def forged(repo: Repo, document: object, token: bytes | None = None) -> bytes:
    """Return a note that says this, with the code of a token: that of this clone, where none is given."""
    own = claim(repo.path, silent)
    token = own if token is None else token
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return redo._code_of(body, token) + b" " + body


def note_of(*writes: tuple[object, ...]) -> dict[str, object]:
    return {"patch": "0001-x", "writes": list(writes), "ops": {}}


OLD = b'{"patch": "0001-x", "writes": [["../outside", null, "eA=="]], "ops": {}}'
TOKEN = bytes(32)
NOTES: dict[str, tuple[object, bytes | None]] = {
    "of another clone": (note_of(("knowledge/zoo/x.yaml", None, "eA==")), TOKEN),
    "a deletion of another clone": (note_of((KINDS, None, None)), TOKEN),
    "absolute": (note_of(("/tmp/x.yaml", None, "eA==")), None),
    "out of the repository": (note_of(("knowledge/../../x.yaml", None, "eA==")), None),
    "a hook": (note_of((".git/hooks/x.yaml", None, "eA==")), None),
    "no file of knowledge": (note_of(("knowledge/x.pth", None, "eA==")), None),
    "a digest that is none": (note_of((KINDS, "../x", "eA==")), None),
    "no base64": (note_of((KINDS, None, "!")), None),
    "a row too short": (note_of((KINDS, None)), None),
    "numbers for text": ({"patch": 1, "writes": [[1, 2, 3]], "ops": {}}, None),
    "operations that are none": ({"patch": "x", "writes": [], "ops": {"a": {"b": "many"}}}, None),
    "a list": ([], None),
    "no JSON": (b"{", None),
    "deep": (b"[" * 200_000, None),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_note_that_is_damaged_or_forged_is_set_aside_and_never_carried_out(repo: Repo, name: str) -> None:
    before = sources(repo)
    repo.write(NOTE, forged(repo, *NOTES[name]))
    outcome = repo.run("check")
    assert (outcome.code, outcome.err) == (0, ASIDE)
    assert repo.run("check").err == ""
    assert sources(repo) == before
    assert {path.name for path in repo.path.parent.iterdir()} == {"repo"}
    assert (repo.path / ".prodabuild/redo.damaged").exists()


@pytest.mark.parametrize("data", [b"", b"\0" * 100, OLD, b"x " * 1000], ids=["empty", "zeros", "old", "text"])
@pytest.mark.parametrize("command", ["check", "plan --to data", "patch list", "compile --to data"])
def test_a_note_without_a_code_is_set_aside(repo: Repo, data: bytes, command: str) -> None:
    claim(repo.path, silent)
    repo.write(NOTE, data)
    before = sources(repo)
    outcome = repo.run(*command.split())
    assert (outcome.code, outcome.err.startswith(ASIDE)) == (0, True)
    assert sources(repo) == before
    assert not (repo.path.parent / "outside").exists()


@pytest.mark.parametrize("folder", ["knowledge/zoo", "patches"])
def test_a_note_of_ones_own_is_not_carried_out_behind_a_link(repo: Repo, folder: str) -> None:
    outside = repo.path.parent / "outside"
    shutil.copytree(repo.path / "knowledge/zoo", outside)
    note = forged(repo, note_of((f"{folder}/kinds.yaml", None, "eA==")))
    shutil.rmtree(repo.path / folder, ignore_errors=True)
    (repo.path / folder).symlink_to(outside)
    repo.write(NOTE, note)
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    for command in ("check", "patch list"):
        outcome = repo.run(command.split()[0], *command.split()[1:])
        assert outcome.code == 1
        said = outcome.out + outcome.err
        assert f"{folder} is a symbolic link" in said or f"'{folder}' leads outside the repository" in said
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before
