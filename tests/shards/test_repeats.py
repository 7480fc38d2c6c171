"""Samples that say the same word for word: one is kept, and it names the records of all."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.conftest import Repo, rows_below

DEFAULT = "recipes: [define, relate, choose, judge]"
OWN = "recipes/cases.py"
HEAD = "from prodabuild.shards.sample import Sample\n\n\n"


def declare(repo: Repo, recipes: str) -> None:
    repo.edit("proda.yaml", DEFAULT, f"recipes: [{recipes}], duplicates: drop")


def made(repo: Repo) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows_below(repo.path / "build/dataset/train")}


def two_parents(repo: Repo) -> None:
    """Let a gecko be a part of two things, so that something false of the one is asked for the other, too."""
    repo.write("knowledge/zoo/more.yaml", "relations:\n- {subject: zoo/gecko, predicate: is_a, object: zoo/snake}\n")


def test_a_sample_of_another_shard_is_kept_at_the_smallest_id(repo: Repo) -> None:
    repo.write(
        OWN,
        f'{HEAD}def asked(relation):\n    yield Sample("q", f"What of  {{relation.subject.name.text}}?", "Much.", (relation.id,))\n',
    )
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 1")
    two_parents(repo)
    declare(repo, f"{OWN}:asked")
    repo.data()
    rows = made(repo)
    assert "zoo/gecko.is_a.snake#asked.q" not in rows
    assert rows["zoo/gecko.is_a.lizard#asked.q"]["nodes"] == ["zoo/gecko.is_a.lizard", "zoo/gecko.is_a.snake"]
    assert len(rows) == 64
    repo.edit("knowledge/zoo/more.yaml", "object: zoo/snake", "object: zoo/bird")
    repo.data()
    rows = made(repo)
    assert "zoo/gecko.is_a.lizard#asked.q" not in rows
    assert rows["zoo/gecko.is_a.bird#asked.q"]["nodes"] == ["zoo/gecko.is_a.bird", "zoo/gecko.is_a.lizard"]


def test_in_a_shard_all_recipes_are_compared_and_case_and_spaces_make_no_difference(repo: Repo) -> None:
    repo.write(
        OWN,
        f'{HEAD}def asked(concept):\n    yield Sample("q", "what does  \\"" + concept.name.text.upper() + "\\" mean?", concept.definition + ".", ())\n',
    )
    declare(repo, f"define, {OWN}:asked")
    repo.data()
    assert Counter(row["recipe"] for row in made(repo).values()) == {"define": 144}


def test_a_pair_of_true_and_false_goes_whole(repo: Repo) -> None:
    """Of four kinds that a gecko is said to be of, some are made false by the same sibling."""
    kinds = ("snake", "shark", "salmon", "owl", "parrot", "ant", "beetle")
    repo.write(
        "knowledge/zoo/more.yaml",
        "relations:\n" + "".join(f"- {{subject: zoo/gecko, predicate: is_a, object: zoo/{kind}}}\n" for kind in kinds),
    )
    repo.data()
    before = Counter(said(row) for row in made(repo).values())
    assert max(before.values()) > 1
    declare(repo, "define, relate, choose, judge")
    repo.data()
    rows = made(repo)
    assert max(Counter(said(row) for row in rows.values()).values()) == 1
    judged = Counter(row["messages"][1]["content"] for row in rows.values() if row["recipe"] == "judge")
    assert judged["True."] == judged["False."]
    assert {text for text in before if text[1] == "False."} == {
        said(row) for row in rows.values() if said(row)[1] == "False."
    }


def said(row: dict[str, Any]) -> tuple[str, str]:
    question, answer = row["messages"]
    return question["content"], answer["content"]


def test_coverage_counts_what_is_said_twice(repo: Repo) -> None:
    repo.write(OWN, f'{HEAD}def asked(concept):\n    yield Sample("q", "What is there?", "Much.", (concept.id,))\n')
    repo.edit("proda.yaml", DEFAULT, f"recipes: [{OWN}:asked]")
    repo.data()
    told = repo.run("check", "--coverage")
    assert "\n\n71 samples repeat another one word for word: see `duplicates` of `compile`\n" in told.out
    assert repo.run("check", "--coverage", "--json").json["repeated"] == 71
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 500, duplicates: drop")
    repo.data()
    told = repo.run("check", "--coverage")
    assert "1 sample repeats another one" in told.out  # one a shard, one a discipline
    assert "100.0%" in told.out
    assert len(made(repo)) == 2
    assert sum(len(row["nodes"]) for row in made(repo).values()) == 72
