"""What recipes say, over the small repo word for word, and over all of this repository's knowledge by rule."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repo, rows_below

RULES = {
    "a word twice": r"\b(\w+) \1\b",
    "`is a a`": r"\b(a|an|the) (a|an|the)\b",
    "`a` before a vowel": r"\ba (?!eu|one|uni|use|usu|ura|uti|is |and )[aeiou]\w\w",
    "`an` before a consonant": r"\ban (?!hour|honou?r|heir|honest|[A-Z]{2,}|[fhlmnrsx]-|x-ray)[bcdfghjklmnpqrstvwxyz]\w",
    "two spaces": r"  ",
    "space before a mark": r" [,.;?!]",
    "two marks": r"(?<!i\.e)(?<!e\.g)(?<!etc)(?<!\b[A-Z])[.,;?!]{2}",
    "WordNet's quotes": r"``|''|`",
}


def said(row: dict[str, Any]) -> tuple[str, str]:
    question, answer = row["messages"]
    assert (question["role"], answer["role"]) == ("user", "assistant")
    return question["content"], answer["content"]


def test_every_sample_of_one_leaf_reads_as_written_here(repo: Repo) -> None:
    repo.built()
    rows = {row["id"]: said(row) for row in rows_below(repo.path / "build/dataset")}
    mine = {identity: words for identity, words in rows.items() if identity.startswith("zoo/iguana")}
    assert mine == {
        "zoo/iguana#define.meaning": (
            'What does "iguana" mean?',
            "A lizard with the habits of a iguana and of nothing else.",
        ),
        "zoo/iguana#define.term": (
            "Which term means: a lizard with the habits of a iguana and of nothing else?",
            "iguana.",
        ),
        "zoo/iguana.is_a.lizard#relate.question": ("What kind of thing is an iguana?", "lizard."),
        "zoo/iguana.is_a.lizard#relate.statement": ("State a fact about an iguana.", "An iguana is a kind of lizard."),
        "zoo/iguana.is_a.lizard#choose.object": (
            "What kind of thing is an iguana? Choose from: snake, lizard, skink or gecko.",
            "lizard.",
        ),
        "zoo/iguana.is_a.lizard#judge.true": ("True or false: An iguana is a kind of lizard.", "True."),
        "zoo/iguana.is_a.lizard#judge.false": ("True or false: An iguana is a kind of snake.", "False."),
    }


@pytest.fixture(scope="module")
def rows(sixteen: Path) -> list[dict[str, Any]]:
    """All samples, read once."""
    return rows_below(sixteen / "build/dataset")


@pytest.mark.parametrize("rule", RULES)
def test_samples_keep_to_the_rules_of_language(rows: list[dict[str, Any]], rule: str) -> None:
    texts = {text for row in rows for text in said(row)}
    assert len(texts) > 10_000
    assert [text for text in texts if re.search(RULES[rule], text)] == []


def test_questions_end_with_a_mark_and_no_answer_begins_another(rows: list[dict[str, Any]]) -> None:
    assert {question[-1] for question, _ in map(said, rows)} <= {"?", "."}
    assert {answer[-1] for _, answer in map(said, rows)} == {"."}
    answers = sorted({answer for _, answer in map(said, rows)})
    assert not [one for one, two in pairwise(answers) if two.startswith(one)]


def test_every_sample_traces_to_records_and_every_record_has_samples(rows: list[dict[str, Any]]) -> None:
    ids = Counter(row["id"] for row in rows)
    assert [identity for identity, number in ids.items() if number > 1] == []
    records = {row["id"].partition("#")[0] for row in rows}
    assert {node for row in rows for node in row["nodes"]} <= records
    assert len(records) == 1982 + 2081
    assert {row["recipe"] for row in rows} == {"define", "relate", "choose", "judge"}


def test_a_choice_has_its_answer_once_and_no_other_right_one(rows: list[dict[str, Any]]) -> None:
    true = {said(row) for row in rows if row["recipe"] == "relate"}
    for row in rows:
        if row["recipe"] != "choose":
            continue
        question, answer = said(row)
        asked, _, listed = question.partition(" Choose from: ")
        options = re.split(r", | or ", listed.removesuffix("."))
        assert options.count(answer.removesuffix(".")) == 1, question
        assert len(options) == len(set(options)) >= 2
        right = {words[1] for words in true if words[0] == asked}
        assert {f"{option}." for option in options} & right == {answer}, question


def test_what_is_judged_false_is_stated_nowhere(rows: list[dict[str, Any]]) -> None:
    facts = {said(row)[1] for row in rows if row["id"].endswith("relate.statement")}
    judged = [said(row) for row in rows if row["recipe"] == "judge"]
    assert Counter(answer for _, answer in judged)["True."] == Counter(answer for _, answer in judged)["False."]
    for question, answer in judged:
        assert (question.removeprefix("True or false: ") in facts) == (answer == "True.")
