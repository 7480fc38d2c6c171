"""Nobody answers the test items of sixteen disciplines without the knowledge; a solver looks at every option."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from closure import Closure, Knowledge, read_knowledge, unsound
from guessing import CHANCE, folded, mark, rules_of_thumb, without_question

from prodabuild.knowledge.predicates import BUILTIN
from tests.conftest import Repo, rows_below

Item = dict[str, Any]


@pytest.fixture(scope="module")
def items(sixteen: Path) -> list[Item]:
    return rows_below(sixteen / "build/suites/chains")


@pytest.fixture(scope="module")
def known(sixteen: Path) -> Knowledge:
    return read_knowledge(sixteen / "knowledge")


UNBALANCED = {(name, "sealed") for name in ("astronomy", "biology", "chemistry")}  # of which `check` warns


@pytest.mark.parametrize("split", ["dev", "sealed"])
def test_who_knows_nothing_scores_at_chance(items: list[Item], split: str) -> None:
    # 369 sealed items have a standard error of 0.02: three of them are more than 0.05
    mine = [item for item in items if item["split"] == split and (item["discipline"], split) not in UNBALANCED]
    scores = rules_of_thumb(mine)
    assert len(scores) == 10
    scores["other split"] = without_question([item for item in items if item["split"] != split], mine)
    scores["other disciplines"] = folded(mine, lambda item: item["discipline"])
    assert {name: score for name, score in scores.items() if not score.at_chance} == {}


def test_a_model_of_options_would_find_a_bias(items: list[Item]) -> None:
    wordy = copy.deepcopy(items)
    for item in wordy:
        item["choices"][item["gold"]] = "a very " + item["choices"][item["gold"]]
    halves = [[item for item in wordy if item["split"] == split] for split in ("dev", "sealed")]
    assert without_question(*halves).accuracy > 0.9
    assert not without_question(*halves).at_chance
    assert mark(items, lambda item: [at == item["gold"] for at in range(4)]).accuracy == 1
    assert mark(items, lambda item: [0.0] * 4).accuracy == CHANCE


def test_every_item_has_one_option_that_is_true(known: Knowledge, items: list[Item]) -> None:
    assert len(items) > 950
    assert unsound(known, items) == []


def test_the_solver_finds_every_kind_of_wrong_item(known: Knowledge, items: list[Item]) -> None:
    broken = {wrong.item for wrong in unsound(known, items)}
    sound = [item for item in items if item["id"] not in broken]
    above = _above(known, sound)
    planted: dict[str, tuple[Callable[[Item], None], str]] = {
        "another option is marked right": (_mark_another, "the right option is not concluded"),
        "a wrong option is true": (lambda item: _offer(known, item, above[item["id"]]), "it is true as well"),
        "an option has another name": (_misname, "it is not the name of "),
    }
    for name, (plant, why) in planted.items():
        changed = copy.deepcopy([item for item in sound if item["id"] in above])
        assert len(changed) > 100, name
        for item in changed:
            plant(item)
        found = {wrong.item for wrong in unsound(known, changed) if wrong.why.startswith(why)}
        assert found == {item["id"] for item in changed}, name


def _above(known: Knowledge, items: list[Item]) -> dict[str, str]:
    """Return a kind of the right answer for each item that asks for a kind: as true, some steps away."""
    closure = Closure(known)
    asks = {item["id"]: item["nodes"][-1] for item in items if known.relations[item["nodes"][-2]][1] == "is_a"}
    kinds = {item: sorted(closure.objects(answer, "is_a")) for item, answer in asks.items()}
    return {item: above[0] for item, above in kinds.items() if above}


def _mark_another(item: Item) -> None:
    item["gold"] = (item["gold"] + 1) % 4


def _offer(known: Knowledge, item: Item, concept: str) -> None:
    at = (item["gold"] + 1) % 4
    item["choices"][at] = f"{known.names[concept]}."
    item["options"][at]["concept"] = concept


def _misname(item: Item) -> None:
    item["choices"][item["gold"]] = "something else."


def test_the_solver_concludes_what_predicates_declare() -> None:
    triples = [
        ("wheel", "part_of", "car"),
        ("car", "is_a", "vehicle"),
        ("vehicle", "is_a", "thing"),
        ("spoke", "part_of", "wheel"),
        ("beetle", "is_a", "car"),
        ("fleet", "has_member", "beetle"),
        ("hot", "antonym_of", "cold"),
        ("car", "produces", "smoke"),
    ]
    known = Knowledge({}, {f"{at}": triple for at, triple in enumerate(triples)}, BUILTIN)
    closure = Closure(known)
    assert closure.objects("beetle", "is_a") == {"car", "vehicle", "thing"}  # transitive
    assert closure.objects("spoke", "part_of") == {"wheel", "car", "vehicle", "thing"}  # transitive, composed
    assert closure.objects("car", "has_part") == {"wheel", "spoke"}  # inverse
    assert closure.objects("beetle", "member_of") == {"fleet"}  # inverse
    assert closure.objects("cold", "antonym_of") == {"hot"}  # symmetric
    assert closure.objects("beetle", "produces") == set()  # no rule says so
    alone = Closure(known, composed=False)
    assert alone.objects("spoke", "part_of") == {"wheel", "car"}


def test_an_edit_that_makes_a_wrong_option_true_is_found(repo: Repo) -> None:
    repo.built()
    items = rows_below(repo.path / "build/suites/chains")
    assert unsound(read_knowledge(repo.path / "knowledge"), items) == []
    repo.write(
        "knowledge/zoo/more.yaml",
        "relations:\n- {subject: zoo/lizard, predicate: is_a, object: zoo/fish}\n",
    )
    found = {(wrong.item, wrong.option, wrong.why) for wrong in unsound(read_knowledge(repo.path / "knowledge"), items)}
    assert ("zoo/iguana..reptile", "fish.", "it is true as well") in found
