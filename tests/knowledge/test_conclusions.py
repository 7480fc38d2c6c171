"""What follows from relations by declared rules is what a solver finds that was written apart."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from closure import Closure, Knowledge, read_knowledge, unsound

from prodabuild.knowledge.conclusions import Conclusions
from prodabuild.knowledge.predicates import BUILTIN, Predicate
from tests.conftest import Repo, rows_below

Triples = list[tuple[str, str, str]]


def conclusions(triples: Triples, predicates: dict[str, Predicate]) -> Conclusions:
    return Conclusions(predicates.__getitem__, lambda concept: [one for one in triples if one[0] == concept])


def test_an_own_predicate_that_concludes_a_kind_is_followed() -> None:
    breed = replace(BUILTIN["produces"], name="breed_of", compose={"is_a": "is_a"})
    triples = [("beagle", "breed_of", "hound"), ("hound", "is_a", "dog"), ("dog", "is_a", "animal")]
    found = conclusions(triples, {**BUILTIN, "breed_of": breed})
    assert found.objects("beagle", "is_a") == {"dog", "animal"}
    assert found.objects("beagle", "breed_of") == {"hound"}


def test_a_rule_joins_what_was_itself_concluded() -> None:
    one, two, three, four = (
        Predicate(name, "", "", "", "", compose=rules)
        for name, rules in [("a", {"d": "a"}), ("b", {"c": "d"}), ("c", {}), ("d", {})]
    )
    predicates = {each.name: each for each in (one, two, three, four)}
    triples = [("x", "a", "y"), ("y", "b", "z"), ("z", "c", "w")]
    assert conclusions(triples, predicates).objects("x", "a") == {"y", "w"}  # step by step, nothing follows from a, b


@pytest.mark.parametrize("seed", range(300))
def test_the_solver_finds_the_same_in_any_relations_and_rules(seed: int) -> None:
    draw = random.Random(seed)
    names = "pqrs"[: draw.randint(1, 4)]
    rules = {name: {other: draw.choice(names) for other in names if draw.random() < 0.4} for name in names}
    predicates = {name: Predicate(name, "", "", "", "", compose=rules[name]) for name in names}
    predicates |= {
        name: replace(one, transitive=True, compose={**one.compose, name: name})
        for name, one in predicates.items()
        if draw.random() < 0.5
    }
    concepts = "abcdefg"
    triples = [(draw.choice(concepts), draw.choice(names), draw.choice(concepts)) for _ in range(draw.randint(1, 14))]
    solver = Closure(Knowledge({}, {f"{at}": triple for at, triple in enumerate(triples)}, predicates))
    found = conclusions(triples, predicates)
    goals = [(concept, name) for concept in concepts for name in names]
    draw.shuffle(goals)
    assert {goal: found.objects(*goal) for goal in goals} == {goal: solver.objects(*goal) for goal in goals}


def test_no_wrong_option_follows_by_an_own_predicate(repo: Repo) -> None:
    repo.write(
        "knowledge/predicates.yaml",
        """predicates:
  sort_of:
    forward: "{a subject} {is} a sort of {object}"
    question: "What {is} {a subject} a sort of?"
    inverse_question: "What is a sort of {object}?"
    path: a sort of
    compose: {is_a: is_a}
  is_a:
    compose: {sort_of: is_a}
""",
    )
    repo.write(
        "knowledge/zoo/more.yaml", "relations:\n- {subject: zoo/lizard, predicate: sort_of, object: zoo/shark}\n"
    )
    repo.data()
    items = {item["id"]: item for item in rows_below(repo.path / "build/suites/chains")}
    assert unsound(read_knowledge(repo.path / "knowledge"), items.values()) == []
    assert [item for item in items if item.startswith("zoo/")]
    assert "fish." not in items.get("zoo/skink..reptile", {"choices": []})["choices"]
