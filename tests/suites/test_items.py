"""Test items: right, unambiguous, and not to be guessed without the knowledge."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repo, rows_below

CHANCE = 0.25


@pytest.fixture(scope="module")
def items(sixteen: Path) -> list[dict[str, Any]]:
    return rows_below(sixteen / "build/suites/chains")


def accuracy(items: list[dict[str, Any]], weigh: Callable[[dict[str, Any], str], float]) -> float:
    """Return the accuracy of picking the option of most weight, ties broken evenly."""
    total = 0.0
    for item in items:
        weights = [weigh(item, choice) for choice in item["choices"]]
        best = max(weights)
        total += (weights[item["gold"]] == best) / weights.count(best)
    return total / len(items)


def test_an_item_reads_as_written_here(repo: Repo) -> None:
    repo.built()
    items = {item["id"]: item for item in rows_below(repo.path / "build/suites/chains")}
    item = items["zoo/iguana..reptile"]
    assert item["question"] == "An iguana is a kind of lizard, and a lizard is a kind of what?"
    assert item["choices"][item["gold"]] == "reptile."
    assert sorted(item["choices"]) == ["bird.", "fish.", "insect.", "reptile."]
    assert [option["operator"] for option in item["options"] if option["operator"]] == ["NEARMISS"] * 3
    assert item["nodes"] == [
        "zoo/iguana", "zoo/iguana.is_a.lizard", "zoo/lizard", "zoo/lizard.is_a.reptile", "zoo/reptile",
    ]  # fmt: skip


def test_items_have_four_different_options_and_label_each_wrong_one(items: list[dict[str, Any]]) -> None:
    assert len(items) > 950
    for item in items:
        assert len(set(item["choices"])) == len(item["choices"]) == 4
        for number, option in enumerate(item["options"]):
            assert (option["operator"] == "") == (number == item["gold"])
            assert option["operator"] in ("", "TRUNC", "INVREL", "NEARMISS")
            assert (option["violates"] == "") == (option["operator"] == "")


def test_baselines_that_know_nothing_score_at_chance(items: list[dict[str, Any]]) -> None:
    answers = Counter(item["choices"][item["gold"]] for item in items)
    offered = Counter(choice for item in items for choice in item["choices"])
    words = {item["id"]: set(re.findall(r"[a-z]{3,}", item["question"].lower())) for item in items}
    found = {
        "first": accuracy(items, lambda item, choice: choice == item["choices"][0]),
        "longest": accuracy(items, lambda item, choice: len(choice)),
        "shortest": accuracy(items, lambda item, choice: -len(choice)),
        "most frequent answer": accuracy(items, lambda item, choice: answers[choice]),
        "rarest answer": accuracy(items, lambda item, choice: -answers[choice]),
        "most frequent option": accuracy(items, lambda item, choice: offered[choice]),
        "rarest option": accuracy(items, lambda item, choice: -offered[choice]),
        "shares a word": accuracy(
            items, lambda item, choice: len(words[item["id"]] & set(re.findall(r"[a-z]{3,}", choice)))
        ),
    }
    assert {name: round(value, 3) for name, value in found.items() if abs(value - CHANCE) > 0.05} == {}


@pytest.mark.parametrize(("seen", "asked"), [("dev", "sealed"), ("sealed", "dev")])
def test_the_answers_of_one_split_tell_nothing_of_the_other(items: list[dict[str, Any]], seen: str, asked: str) -> None:
    answers = Counter(item["choices"][item["gold"]] for item in items if item["split"] == seen)
    rest = [item for item in items if item["split"] == asked]
    assert abs(accuracy(rest, lambda _, choice: answers[choice]) - CHANCE) < 0.05
    assert abs(accuracy(rest, lambda _, choice: -answers[choice]) - CHANCE) < 0.05


def test_about_the_declared_share_is_sealed(items: list[dict[str, Any]]) -> None:
    total = Counter(item["discipline"] for item in items)
    sealed = Counter(item["discipline"] for item in items if item["split"] == "sealed")
    assert len(total) == 16
    assert abs(sum(sealed.values()) / len(items) - 0.3) < 0.05
    assert [name for name in total if not sealed[name]] == []


def test_the_split_of_an_item_never_moves(repo: Repo) -> None:
    repo.built()
    before = {item["id"]: item["split"] for item in rows_below(repo.path / "build/suites/chains")}
    repo.edit("knowledge/zoo/chains.yaml", "- id: zoo/skink..reptile", "- id: zoo/skink_to_reptile")
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 8")
    repo.data()
    after = {item["id"]: item["split"] for item in rows_below(repo.path / "build/suites/chains")}
    common = before.keys() & after.keys()
    assert len(common) >= len(before) - 4
    assert {identity: before[identity] for identity in common} == {identity: after[identity] for identity in common}
