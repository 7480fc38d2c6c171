"""Suites of lm-eval tasks: by file and by name, chosen and written answers."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from tests.conftest import Repo

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]
CHOICE = """task: letters
dataset_path: json
dataset_kwargs: {data_files: {test: LETTERS}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{asked}}"
doc_to_choice: "{{options}}"
doc_to_target: gold
metric_list:
- {metric: acc}
- {metric: acc_norm}
metadata: {version: 1}
"""
WRITTEN = """task: written
dataset_path: json
dataset_kwargs: {data_files: {test: LETTERS}}
test_split: test
output_type: generate_until
doc_to_text: "{{asked}}"
doc_to_target: "{{options[gold]}}"
generation_kwargs: {until: ["."], max_gen_toks: 4, do_sample: false}
filter_list:
- {name: strict, filter: [{function: take_first}]}
- {name: all, filter: [{function: regex, regex_pattern: "(.*)"}, {function: take_first}]}
metric_list:
- {metric: exact_match}
metadata: {version: 1}
"""
PERPLEXITY = """task: surprise
dataset_path: json
dataset_kwargs: {data_files: {test: LETTERS}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{asked}}"
metric_list:
- {metric: bits_per_byte}
metadata: {version: 1}
"""


def give(repo: Repo, name: str, text: str, *more: str) -> None:
    rows = [{"asked": f"the {letter} is a kind of", "options": ["thing", "it", "answer", letter], "gold": 0} for letter in "abcde"]  # fmt: skip
    data = repo.write("tests/tasks/letters.jsonl", "".join(orjson.dumps(row).decode() + "\n" for row in rows))
    repo.write(f"tests/tasks/{name}.yaml", text.replace("LETTERS", str(data)))
    tasks = ", ".join([f"tests/tasks/{name}.yaml", *more])
    repo.edit("proda.yaml", "tests:\n", f"tests:\n  own: {{tasks: [{tasks}], gate: {{metric: acc, max_drop: 1.0}}}}\n")
    repo.edit("proda.yaml", ", gate: {metric: acc, min: 0.99}", "")


def items(repo: Repo) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orjson.loads(repo.read("build/results/own.json"))["items"]
    return rows


def test_choices_are_scored_item_by_item_and_gated(taught: Repo) -> None:
    give(taught, "letters", CHOICE)
    report = taught.run("test", "--json")
    assert report.code == 0, report.err
    assert report.json["suites"]["own"]["all"]["n"] == 5
    assert report.json["suites"]["own"]["all"]["chance"] == 0.25
    assert [gate["name"] for gate in report.json["gates"]] == ["own.all.drop"]
    assert [row["id"] for row in items(taught)] == [f"letters/{number}" for number in range(5)]
    assert all(row["correct"] == (row["pick"] == 0) and len(row["loglikelihoods"]) == 4 for row in items(taught))
    assert '"lm_eval"' in next(line for line in taught.read("proda.lock").decode().splitlines() if line.startswith('"results:own"'))  # fmt: skip
    assert '"lm_eval"' not in next(line for line in taught.read("proda.lock").decode().splitlines() if line.startswith('"results:chains"'))  # fmt: skip


def test_written_answers_are_right_or_wrong_and_have_no_likelihoods(taught: Repo) -> None:
    give(taught, "written", WRITTEN)
    report = taught.run("test", "--json")
    assert report.code == 0, report.err
    assert report.json["suites"]["own"]["all"]["n"] == 5  # each item once, though two filters report it
    assert {(row["pick"], tuple(row["loglikelihoods"]), row["chance"]) for row in items(taught)} == {(None, (), 0.0)}


def test_a_task_that_tells_nothing_of_items_is_an_error(taught: Repo) -> None:
    give(taught, "surprise", PERPLEXITY)
    report = taught.run("test", "-q")
    assert report.code == 1
    assert "error: the task 'surprise' has none of the metrics acc, exact_match, acc_norm" in report.err


def test_a_name_that_lm_eval_does_not_know_is_an_error(taught: Repo) -> None:
    give(taught, "letters", CHOICE, "no_such_task")
    report = taught.run("test", "-q")
    assert report.code == 1
    assert "error: lm-eval knows no task 'no_such_task'" in report.err


def test_data_that_cannot_be_had_exits_5(taught: Repo) -> None:
    give(taught, "letters", CHOICE.replace("dataset_path: json", "dataset_path: nobody/nothing"))
    report = taught.spawn("test", "-q", env={"HF_HUB_OFFLINE": "1"})
    assert report.code == 5, report.err
    assert "error: the data of letters cannot be had: " in report.err
    assert "hint: check the network, and HF_TOKEN where the data is gated" in report.err


def rows_of(letters: str) -> str:
    rows = [{"asked": f"the {letter} is a kind of", "options": ["thing", "it", "answer", letter], "gold": 0} for letter in letters]  # fmt: skip
    return "".join(orjson.dumps(row).decode() + "\n" for row in rows)


LOADER = """import json
from pathlib import Path


def load(file, **metadata):
    from datasets import Dataset

    return {"test": Dataset.from_list([json.loads(line) for line in (Path(__file__).parent / file).open()])}
"""
SHARED = CHOICE.replace("task: letters\ndataset_path: json\ndataset_kwargs: {data_files: {test: LETTERS}}\n", "")
ONE = "task: NAME\ninclude: ../shared/base.yaml\ncustom_dataset: !function items.load\ndataset_kwargs: {file: rows.jsonl}\n"


def two_folders(repo: Repo, tasks: str) -> None:
    """Write two folders with files of the same names, which include one file of a third, and a group of both."""
    repo.write("tests/shared/base.yaml", SHARED)
    for folder, name, letters in (("a", "one", "abc"), ("b", "two", "defgh")):
        repo.write(f"tests/{folder}/task.yaml", ONE.replace("NAME", name))
        repo.write(f"tests/{folder}/rows.jsonl", rows_of(letters))
        repo.write(f"tests/{folder}/items.py", LOADER)
    repo.write("tests/b/both.yaml", "group: both\ntask: [one, two]\n")
    repo.edit("proda.yaml", "tests:\n", f"tests:\n  own: {{tasks: [{tasks}]}}\n")
    repo.edit("proda.yaml", ", gate: {metric: acc, min: 0.99}", "")


EACH = [*(f"one/{number}" for number in range(3)), *(f"two/{number}" for number in range(5))]


def test_files_of_one_name_in_two_folders_are_two_tasks(taught: Repo) -> None:
    two_folders(taught, "tests/a/task.yaml, tests/b/task.yaml")
    report = taught.run("test", "--json")
    assert report.code == 0, report.err
    assert [row["id"] for row in items(taught)] == EACH
    markdown = taught.run("test", "--md", "-", "-q")
    assert (markdown.code, markdown.out.splitlines()[0]) == (0, "## Tests: passed")
    assert "nothing changed" not in markdown.out
    xml = taught.run("test", "--junit", "-", "-q").out
    assert [case.get("name") for case in ElementTree.fromstring(xml).iter("testcase") if case.get("classname") == "own.all"] == EACH  # fmt: skip
    assert not (taught.path / "-").exists()


def test_a_group_is_run_as_lm_eval_runs_it(taught: Repo) -> None:
    two_folders(taught, "tests/b/both.yaml, tests/a/task.yaml")
    taught.edit("tests/b/both.yaml", "[one, two]", "[two]")
    report = taught.run("test", "--json")
    assert report.code == 0, report.err
    assert [row["id"] for row in items(taught)] == EACH
