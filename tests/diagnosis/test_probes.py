"""Probes ask what they say: the right option is right, the others are not, and sealed items are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prodabuild.diagnosis.probes import (
    ORDERS,
    Item,
    SealedItemError,
    given,
    link,
    meaning,
    read_item,
    recall,
    reordered,
)
from prodabuild.engine.state import State
from prodabuild.engine.store import Store
from prodabuild.engine.view import Reader, View
from prodabuild.knowledge.reading import Knowledge
from tests.conftest import ROOT, Repo, rows_below

ITEM = Item("i", "zoo", "A is a kind of what?", ("b.", "c.", "d."), 1, ("b", "c", "d"), ("r", "", "s"), ("r", "s"))


@pytest.fixture
def knowledge(repo: Repo, tmp_path: Path) -> Iterator[Knowledge]:
    repo.built()
    state = State(repo.path / ".prodabuild/state.db", writable=False)
    store = Store(repo.path / ".prodabuild/cache", repo.path / "build")
    yield Knowledge(View("debug", Reader(state, store), tmp_path), 7)
    state.close()


def test_a_relation_is_asked_for_in_four_ways_against_what_does_not_hold(knowledge: Knowledge) -> None:
    relation = knowledge.relation("zoo/gecko.is_a.lizard")
    probes = list(recall(relation))
    assert len(probes) == 4
    assert {probe.about for probe in probes} == {relation.id}
    for probe in probes:
        assert probe.options[probe.gold] == "zoo/lizard"
        assert not {"zoo/gecko", "zoo/reptile"}.intersection(probe.options)  # the one is itself, the other is true
        assert len(set(probe.request.continuations)) == len(probe.options) == 4
    assert probes[0].request.context == "Question: What kind of thing is a gecko?\nAnswer:"
    assert probes[0].request.continuations[probes[0].gold] == " lizard."
    assert probes[1].request.continuations[probes[1].gold] == " A gecko is a kind of lizard."


def test_a_link_is_asked_for_in_the_words_of_tests(knowledge: Knowledge) -> None:
    probes = list(link(knowledge.relation("zoo/gecko.is_a.lizard")))
    assert [probe.request.context for probe in probes] == ["Question: A gecko is a kind of what?\nAnswer:"] * 2


def test_a_concept_is_told_from_its_siblings(knowledge: Knowledge) -> None:
    probes = list(meaning(knowledge.concept("zoo/gecko")))
    assert probes
    for probe in probes:
        assert probe.options[probe.gold] == "zoo/gecko"
        assert "Which term means: a lizard with the habits of a gecko" in probe.request.context
        assert "zoo/lizard" not in probe.options


def test_what_is_given_stands_before_the_question_in_both_orders() -> None:
    contexts = [probe.request.context for probe in given(ITEM, ["One.", "Two."])]
    assert contexts == [
        "Question: One. Two. A is a kind of what?\nAnswer:",
        "Question: Two. One. A is a kind of what?\nAnswer:",
    ]


def test_options_are_shown_in_several_orders_and_scored_in_one() -> None:
    probes = list(reordered(ITEM))
    assert len(probes) == min(ORDERS, len(ITEM.choices))
    assert probes[1].request.context == "Question: A is a kind of what? Choose from: c, d or b.\nAnswer:"
    assert {(probe.gold, probe.request.continuations) for probe in probes} == {(1, (" b.", " c.", " d."))}


def test_a_sealed_item_is_refused(repo: Repo) -> None:
    repo.built()
    rows: list[dict[str, Any]] = rows_below(repo.path / "build/suites/chains")
    sealed = next(row for row in rows if row["split"] == "sealed")
    with pytest.raises(SealedItemError, match="is sealed: nobody may look into it"):
        read_item(sealed, [])


@pytest.mark.parametrize("split", ["sealed", "all", ""])
def test_the_wall_stands_where_assertions_are_switched_off(split: str) -> None:
    code = f"from prodabuild.diagnosis.probes import read_item; read_item({{'id': 'zoo/1', 'split': {split!r}}}, [])"
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    expected = "prodabuild.diagnosis.probes.SealedItemError: zoo/1 is sealed: nobody may look into it"
    assert done.stderr.splitlines()[-1] == expected
