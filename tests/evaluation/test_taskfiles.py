"""Task files as `check` reads them: what they declare and include, each mistake with its place in proda.yaml."""

from __future__ import annotations

import os

import pytest

from prodabuild.evaluation.taskfiles import Declared, declared_by, files_behind
from tests.conftest import Repo


def declare(repo: Repo, *tasks: str) -> None:
    repo.edit("proda.yaml", "tests:\n", f"tests:\n  own:\n    tasks: [{', '.join(tasks)}]\n")


def test_a_task_its_group_and_what_they_include(repo: Repo) -> None:
    repo.write(
        "t/a/task.yaml", "task: second\ninclude: [../base/one.yaml, ../base/two.yaml]\nfunction: !function items.load\n"
    )
    repo.write("t/base/one.yaml", "include: two.yaml\n")
    repo.write("t/base/two.yaml", "metric_list: []\n")
    repo.write("t/b/group.yaml", "group: all\ntask: [second, {task: third}]\n")
    for file in ("t/a/items.py", "t/a/rows.jsonl", "t/b/x.json", "t/base/notes.txt", "t/c/other.yaml"):
        repo.write(file, "{}\n")
    assert declared_by(repo.path, "t/a/task.yaml") == Declared("second", None)
    assert declared_by(repo.path, "t/b/group.yaml") == Declared("all", ("second", {"task": "third"}))
    assert files_behind(repo.path, ["t/a/task.yaml", "t/b/group.yaml"]) == [
        "t/a/items.py", "t/a/rows.jsonl", "t/a/task.yaml", "t/b/group.yaml", "t/b/x.json",
        "t/base/one.yaml", "t/base/two.yaml",
    ]  # fmt: skip
    declare(repo, "t/a/task.yaml", "t/b/group.yaml")
    assert repo.run("check").code == 0


WRONG = [
    ("task: [a, b]\n", "t/x.yaml lists tasks, and gives their group no name\nhint: add `group: NAME`"),
    ("output_type: x\n", "t/x.yaml declares no task\nhint: write `task: NAME`; or"),
    ("group: g\ntask: []\n", "t/x.yaml declares no task\n"),
    ("- task: a\n", "t/x.yaml declares no task\n"),
    ("task: [a\n", "t/x.yaml:2:1: not YAML: "),
    ("task: a\nx: \x00\n", "t/x.yaml: not YAML: unacceptable character #x0000"),
    ("task: a\nx: " + "[" * 50_000, "t/x.yaml: not YAML: more than 100 levels of nesting\n"),
    ("task: a\ninclude: ../../x.yaml\n", "t/x.yaml includes '../../x.yaml', which leaves the repository\n"),
    ("task: a\ninclude: /etc/passwd\n", "t/x.yaml includes '/etc/passwd', which is no path in this repository\n"),
    ("task: a\ninclude: [1]\n", "t/x.yaml includes 1, which is no path in this repository\n"),
    ("task: a\ninclude: gone.yaml\n", "t/gone.yaml is not there, and a task file includes it\n"),
    ("task: a\ninclude: x.yaml\n", "t/x.yaml includes itself, or more than 100 files\n"),
    ("task: a\ninclude: pipe.yaml\n", "pipe.yaml is a named pipe, not a regular file\n"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=range(len(WRONG)))
def test_what_lm_eval_could_not_run_has_its_place(repo: Repo, text: str, said: str) -> None:
    repo.write("t/x.yaml", text)
    os.mkfifo(repo.path / "t/pipe.yaml")
    declare(repo, "arc_easy", "t/x.yaml")
    outcome = repo.run("check")
    assert outcome.code == 1
    assert outcome.out.startswith("proda.yaml:11:23: error[M030]: ")
    assert said in outcome.out
    assert outcome.out.endswith("\n1 error\n")


@pytest.mark.parametrize(
    ("tasks", "place", "said"),
    [
        (("t/a/x.yaml", "t/b/x.yaml"), "11:25", "t/a/x.yaml and t/b/x.yaml both declare the task 'same'"),
        (("t/a/x.yaml", "t/a/x.yaml"), "11:25", "t/a/x.yaml is named twice"),
        (("arc_easy", "arc_easy"), "11:23", "arc_easy is named twice"),
        (("t/c/x.yaml",), "11:13", "t/c/old.yaml and t/c/x.yaml both declare the task 'same'"),
    ],
)
def test_two_tasks_of_one_name_are_refused(repo: Repo, tasks: tuple[str, ...], place: str, said: str) -> None:
    for file in ("t/a/x.yaml", "t/b/x.yaml", "t/c/x.yaml", "t/c/old.yaml"):
        repo.write(file, "task: same\n")
    declare(repo, *tasks)
    outcome = repo.run("check")
    hint = "hint: name each task once, and give each a name of its own\n"
    assert (outcome.code, outcome.out) == (1, f"proda.yaml:{place}: error[M030]: {said}\n{hint}\n1 error\n")


@pytest.mark.parametrize(
    ("gate", "place", "said"),
    [
        ("{metric: acc, min: 2}", "12:30", "error[M013]: tests.own.gate.min: "),
        ("{metric: acc, max_drp: 1}", "12:25", "error[M012]: unknown key 'max_drp'\nhint: did you mean 'max_drop'?\n"),
        ("{metric: f1}", "12:20", "error[M013]: tests.own.gate.metric: "),
        ("5", "12:11", "error[M013]: tests.own.gate: "),
    ],
)
def test_a_gate_of_a_suite_of_tasks_has_its_own_place(repo: Repo, gate: str, place: str, said: str) -> None:
    declare(repo, "arc_easy")
    repo.edit("proda.yaml", "[arc_easy]\n", f"[arc_easy]\n    gate: {gate}\n")
    outcome = repo.run("check")
    assert outcome.code == 1
    assert outcome.out.startswith(f"proda.yaml:{place}: {said}")
