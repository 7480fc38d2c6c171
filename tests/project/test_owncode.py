"""Code that a repository brings: refused where asked, and run by no preview that was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Repo

FILE = "sources/notes.py"
CODE = """from pathlib import Path

from prodabuild.shards.sample import Sample

Path({mark!r}).write_text("it ran")


def note(concept):
    yield Sample("line", f"What is {{concept.name.text}}?", concept.definition, (concept.id,))
"""
PATCH = """title: Geckos climb
reason: it was wrong
cause: correction
ops:
- replace: zoo/gecko
  with:
    definition: a lizard on walls
"""
REFUSED = """\
proda.yaml:6:46: error[R005]: the recipe 'sources/notes.py:note' is code of this repository
hint: look at it; where you trust it, leave out --no-own-code

1 error
"""
UNSHOWN = """
not shown: samples of sources/notes.py:note, for which code of this repository would have to run
hint: read it first; --run-own-code runs it
"""


@pytest.fixture
def stranger(repo: Repo, tmp_path: Path) -> tuple[Repo, Path]:
    """A repo with a recipe of its own, and a file that its code writes as soon as it is loaded."""
    mark = tmp_path / "it_ran"
    repo.write(FILE, CODE.format(mark=str(mark)))
    repo.edit("proda.yaml", "recipes: [define, relate, choose, judge]", f"recipes: [define, relate, {FILE}:note]")
    repo.write("patches/0001-geckos-climb.yaml", PATCH)
    return repo, mark


BUILDING = [
    ("compile",), ("compile", "--to", "data"), ("compile", "--max-steps", "1"), ("compile", "--show-samples"), ("test",),
    ("export", "messages"), ("plan", "--to", "data"), ("patch", "show", "1"), ("patch", "try"), ("debug",), ("verify",),
    ("probe", "ladder"),
]  # fmt: skip


@pytest.mark.parametrize("words", BUILDING, ids="-".join)
def test_a_command_that_builds_or_previews_refuses_code_where_asked(
    stranger: tuple[Repo, Path], words: tuple[str, ...]
) -> None:
    repo, mark = stranger
    outcome = repo.run(*words, "--no-own-code")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", REFUSED)
    problems = repo.run(*words, "--no-own-code", "--json").json["problems"]
    assert [(problem["code"], problem["line"]) for problem in problems] == [("R005", 6)]
    assert not mark.exists()
    assert not (repo.path / "build").exists()


def test_a_repository_without_code_builds_with_it(repo: Repo) -> None:
    assert repo.run("compile", "--to", "data", "--no-own-code", "-q").code == 0


def test_a_patch_is_shown_and_no_code_runs_unless_asked(stranger: tuple[Repo, Path]) -> None:
    repo, mark = stranger
    shown = repo.run("patch", "show", "1")
    assert (shown.code, shown.err, mark.exists()) == (0, "", False)
    assert "~ zoo/gecko#define.meaning" in shown.out
    assert "#note.line" not in shown.out
    assert UNSHOWN in shown.out
    document = repo.run("patch", "show", "1", "--json").json
    assert document["not_previewed"] == ["sources/notes.py:note"]
    assert not mark.exists()
    asked = repo.run("patch", "show", "1", "--run-own-code")
    assert (asked.code, mark.exists()) == (0, True)
    assert "~ zoo/gecko#note.line" in asked.out
    assert "not shown" not in asked.out


def test_samples_of_code_that_were_built_are_not_shown_as_gone(stranger: tuple[Repo, Path]) -> None:
    repo, mark = stranger
    (repo.path / "patches/0001-geckos-climb.yaml").unlink()
    repo.data()
    repo.write("patches/0001-geckos-climb.yaml", PATCH)
    mark.unlink()
    shown = repo.run("patch", "show", "1").out
    assert "#note.line" not in shown
    assert "samples: 2 changed; 1 of 12 shards" in shown
    assert not mark.exists()


def test_ratios_that_draw_samples_beside_those_of_code_show_none(stranger: tuple[Repo, Path]) -> None:
    repo, mark = stranger
    repo.edit("proda.yaml", ", shard_size: 16", ", ratios: {define: 1, relate: 1, note: 1}, shard_size: 16")
    shown = repo.run("patch", "show", "1")
    assert "samples: none change" in shown.out
    assert "not shown: samples of define, relate, sources/notes.py:note, for which code" in shown.out
    assert not mark.exists()


def test_asking_for_both_is_a_wrong_command_line(stranger: tuple[Repo, Path]) -> None:
    outcome = stranger[0].run("patch", "show", "1", "--run-own-code", "--no-own-code")
    said = "error: --run-own-code and --no-own-code contradict each other\nhint: leave one out\n"
    assert (outcome.code, outcome.out, outcome.err) == (2, "", said)


def test_task_files_are_code_of_a_test_and_of_nothing_else(repo: Repo) -> None:
    repo.write("tests/tasks/general.yaml", "task: general\ndoc_to_text: '{{ x.__class__ }}'\n")
    repo.edit("proda.yaml", "tests:\n", "tests:\n  own: {tasks: [arc_easy, tests/tasks/general.yaml]}\n")
    assert repo.run("compile", "--to", "data", "--no-own-code", "-q").code == 0
    outcome = repo.run("test", "--no-own-code")
    said = "proda.yaml:10:27: error[R005]: the task file 'tests/tasks/general.yaml' is code of this repository"
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(said)
