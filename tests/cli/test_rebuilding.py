"""`compile --watch`: what it says of each rebuild, what it does not react to, how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prodabuild.project import watching
from tests.conftest import ROOT, Outcome, Repo

KINDS = "knowledge/zoo/kinds.yaml"
FIRST = "built dataset, index, items:tools/all, items:zoo/all, 12 of leaks, 12 of shard, suite:chains (T s)\n"
MENDED = f"{KINDS} changed: built dataset, leaks:zoo/00, shard:zoo/00 (T s)\n"
END = "\ninterrupted; finished work is kept\n"
Edit = Callable[[], object]


@pytest.fixture
def watch(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run the watch; each edit is made where it would wait for one, then it is interrupted."""

    def watched(*edits: Edit, arguments: tuple[str, ...] = ()) -> Outcome:
        waiting: Iterator[Edit] = iter(edits)

        def sleep(seconds: float) -> None:
            if seconds >= watching.SECONDS:
                next(waiting, interrupt)()

        monkeypatch.setattr(watching, "sleep", sleep)
        outcome = repo.run("compile", "--to", "data", "--watch", *arguments)
        return Outcome(outcome.code, re.sub(r"\d+\.\d+ s", "T s", outcome.out), outcome.err)

    return watched


def interrupt() -> None:
    raise KeyboardInterrupt


def mend(repo: Repo) -> None:
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard with the toes of a gecko")


def test_an_edit_is_one_line_with_what_changed_and_what_was_built(repo: Repo, watch: Callable[..., Outcome]) -> None:
    before = repo.read(KINDS)
    found = watch(lambda: mend(repo), lambda: repo.write(KINDS, before), lambda: repo.write(KINDS, before + b"# end\n"))
    back = f"{KINDS} changed: restored dataset, leaks:zoo/00, shard:zoo/00 (T s)\n"
    assert found.out == FIRST + MENDED + back + f"{KINDS} changed: nothing to build (T s)\n"
    assert (found.code, found.err) == (130, f"watching 5 files; Ctrl-C ends it\n{END}")


def test_files_that_come_and_go_together_are_one_rebuild(repo: Repo, watch: Callable[..., Outcome]) -> None:
    one = "concepts:\n- {id: zoo/%s, name: %s, definition: x, relations: [{predicate: is_a, object: zoo/bird}]}\n"

    def come() -> None:
        for name in ("emu", "kiwi", "rhea"):
            repo.write(f"knowledge/zoo/{name}.yaml", one % (name, name))
        mend(repo)

    def go() -> None:
        for name in ("emu", "kiwi"):
            (repo.path / f"knowledge/zoo/{name}.yaml").unlink()

    found = watch(come, go).out.splitlines()
    assert [line.partition(":")[0] for line in found[1:]] == [
        f"{KINDS} changed, knowledge/zoo/emu.yaml is new, knowledge/zoo/kiwi.yaml is new and 1 more file",
        "knowledge/zoo/emu.yaml is gone, knowledge/zoo/kiwi.yaml is gone",
    ]


def test_it_does_not_react_to_what_is_no_input(repo: Repo, watch: Callable[..., Outcome]) -> None:
    repo.edit("proda.yaml", "name: small", "name: build")

    def write() -> None:
        repo.write("README.md", "x")
        repo.write("knowledge/zoo/.kinds.yaml.swp", "x")
        repo.write("build/dataset/note.yaml", "x")
        repo.write("proda.lock", repo.read("proda.lock"))

    assert watch(write, lambda: None).out == FIRST


def test_mistakes_are_told_and_watched_until_they_are_mended(repo: Repo, watch: Callable[..., Outcome]) -> None:
    manifest, kinds = repo.read("proda.yaml"), repo.read(KINDS)
    found = watch(
        lambda: repo.write(KINDS, kinds.replace(b"zoo/gecko\n", b"zoo/gecko\n  nmae: gecko\n")),
        lambda: mend_after(repo, kinds),
        lambda: repo.write("proda.yaml", manifest.replace(b"seed: 7", b"sede: 7")),
        lambda: repo.write("proda.yaml", manifest),
    )
    mistake, unknown = (
        f"{KINDS}:140:3: error[K001]: a concept has no field 'nmae'\nhint: did you mean 'name'?\n\n1 error\n",
        "proda.yaml:6:11: error[M012]: unknown key 'sede'\nhint: did you mean 'seed'?\n\n1 error\n",
    )
    assert found.out == (
        f"{FIRST}{KINDS} changed: not built\n{MENDED}proda.yaml changed: not built\n"
        "proda.yaml changed: nothing to build (T s)\n"
    )
    assert found.err == f"watching 5 files; Ctrl-C ends it\n{mistake}{unknown}{END}"
    assert found.code == 130


def mend_after(repo: Repo, kinds: bytes) -> None:
    repo.write(KINDS, kinds)
    mend(repo)


def test_a_watch_may_begin_with_mistakes(repo: Repo, watch: Callable[..., Outcome]) -> None:
    manifest = repo.read("proda.yaml")
    repo.write("proda.yaml", manifest + b"  nothing: [\n")
    found = watch(lambda: repo.write("proda.yaml", manifest), lambda: mend(repo))
    found_again = (
        "proda.yaml changed, knowledge/tools/chains.yaml is new, knowledge/tools/kinds.yaml is new and 2 more files"
    )
    assert found.out == f"not built\n{found_again}: {FIRST}{MENDED}"


def test_an_own_recipe_and_what_it_imports_are_watched_while_broken_too(
    repo: Repo, watch: Callable[..., Outcome]
) -> None:
    recipe = "from prodabuild.shards.sample import Sample\nfrom lib.words import ask\n\n\ndef brief(concept):\n"
    recipe += '    yield Sample("line", ask(concept), concept.definition, (concept.id,))\n'
    repo.write("recipes/own.py", recipe)
    repo.write("lib/words.py", "def ask(concept):\n    return concept.name.text\n")
    repo.edit("proda.yaml", "judge]", "judge, recipes/own.py:brief]")
    found = watch(
        lambda: repo.edit("lib/words.py", "concept.name.text", '"What is " + concept.name.text'),
        lambda: repo.edit("lib/words.py", "return", "retrun"),
        lambda: repo.edit("lib/words.py", "retrun", "return"),
    ).out.splitlines()
    assert found[1] == "lib/words.py changed: built dataset, 12 of leaks, 12 of shard (T s)"
    assert found[2:] == ["lib/words.py changed: not built", "lib/words.py changed: nothing to build (T s)"]


def test_outside_a_data_repo_it_ends(repo: Repo, watch: Callable[..., Outcome]) -> None:
    (repo.path / "proda.yaml").unlink()
    found = watch()
    assert (found.code, found.out) == (1, "")
    assert "error[M001]: there is no proda.yaml here" in found.err


def test_it_ends_when_prodabuild_itself_has_changed(
    repo: Repo, watch: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade() -> None:
        mend(repo)
        monkeypatch.setattr(watching, "versions", lambda: {"orjson": "99"})

    found = watch(upgrade)
    said = "error: prodabuild, or a library of it, has changed\nhint: start the watch again\n"
    assert (found.code, found.out, found.err) == (5, FIRST, f"watching 5 files; Ctrl-C ends it\n{said}")


def test_quiet_and_verbose(repo: Repo, watch: Callable[..., Outcome]) -> None:
    assert watch(arguments=("-v",)).err.splitlines()[0].startswith("shards: 12 built in ")
    found = watch(arguments=("-q",))
    assert (found.out, found.err) == ("nothing to build (T s)\n", END)


def test_json_has_no_end_to_wait_for(repo: Repo) -> None:
    outcome = repo.run("compile", "--watch", "--json")
    assert (outcome.code, outcome.json["error"]["message"]) == (2, "--json prints one document, --watch has no end")
    assert outcome.err.endswith("Error: --json prints one document, --watch has no end\n")


@pytest.mark.engine
def test_in_a_process_of_its_own(repo: Repo) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "prodabuild", "compile", "--to", "data", "--watch", "-q"],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert re.sub(r"\d+\.\d+ s", "T s", process.stdout.readline()) == FIRST
    temporary = Path(repo.path / "knowledge/zoo/kinds.new")
    temporary.write_bytes(repo.read(KINDS).replace(b"habits of a gecko", b"toes of a gecko"))
    os.replace(temporary, repo.path / KINDS)
    assert re.sub(r"\d+\.\d+ s", "T s", process.stdout.readline()) == MENDED
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", END)
    assert process.returncode == 130
