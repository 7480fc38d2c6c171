"""Ratios: met exactly by every shard and so by the dataset; what is kept hangs on the shard alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.shards.making import Made
from prodabuild.shards.ratios import meet
from prodabuild.shards.sample import Sample
from tests.conftest import Repo, rows_below

RECIPES = ("define", "relate", "judge")
DEFAULT = "recipes: [define, relate, choose, judge]"


def shard(counts: Mapping[str, Mapping[str, int]]) -> list[Made]:
    """Return samples: so many of each recipe and record."""
    return [
        Made(record, recipe, Sample(str(number), f"{record} {recipe} {number}?", "Yes.", (record,)))
        for recipe, records in sorted(counts.items())
        for record, most in sorted(records.items())
        for number in range(most)
    ]


records = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 4), max_size=12)
shards = st.fixed_dictionaries(dict.fromkeys(RECIPES, records)).map(shard)
shares = st.fixed_dictionaries(dict.fromkeys(RECIPES, st.integers(1, 5)))


@given(st.lists(shards, min_size=1, max_size=5), shares, st.integers(0, 9))
def test_every_shard_and_so_the_dataset_meets_them_exactly(
    parts: list[list[Made]], ratios: dict[str, int], seed: int
) -> None:
    whole: Counter[str] = Counter()
    for found in parts:
        kept = Counter(made.recipe for made in meet(found, ratios, seed))
        made = Counter(each.recipe for each in found)
        turns = kept["define"] // ratios["define"]
        assert kept == Counter({recipe: turns * share for recipe, share in ratios.items()})
        assert any(made[recipe] < (turns + 1) * share for recipe, share in ratios.items())  # no more would fit
        whole += kept
    assert (
        len({(whole[recipe], whole[recipe] % share, whole[recipe] // share)[1:] for recipe, share in ratios.items()})
        == 1
    )


@given(shards, shares, st.integers(0, 9), st.randoms(use_true_random=False))
def test_what_is_kept_stands_in_order_and_hangs_on_no_order(
    found: list[Made], ratios: dict[str, int], seed: int, chance: random.Random
) -> None:
    kept = meet(found, ratios, seed)
    assert kept == [made for made in found if made in set(kept)]
    records = sorted({made.record for made in found})
    chance.shuffle(records)
    moved = sorted(found, key=lambda made: records.index(made.record))
    assert set(meet(moved, ratios, seed)) == set(kept)


@given(shards, shares, st.integers(0, 9))
def test_no_record_gives_two_of_a_recipe_before_each_has_given_one(
    found: list[Made], ratios: dict[str, int], seed: int
) -> None:
    made = Counter((each.recipe, each.record) for each in found)
    kept = Counter((each.recipe, each.record) for each in meet(found, ratios, seed))
    for (recipe, _), number in kept.items():
        if number > 1:
            assert all(kept[pair] >= min(number - 1, most) for pair, most in made.items() if pair[0] == recipe)


@given(st.sets(st.text("abcdef", min_size=1, max_size=3), min_size=1), st.integers(1, 40), st.integers(0, 9))
def test_pairs_are_cut_to_halves_of_the_same_number_or_one_more(names: set[str], share: int, seed: int) -> None:
    found = shard({"judge": dict.fromkeys(names, 2), "define": {"a": 1}})
    kept = Counter(
        made.sample.variant for made in meet(found, {"judge": share, "define": 1}, seed) if made.recipe == "judge"
    )
    assert kept.total() == (share if share <= 2 * len(names) else 0)
    assert abs(kept["0"] - kept["1"]) <= 1


def declare(repo: Repo, ratios: str) -> None:
    repo.edit("proda.yaml", DEFAULT, f"{DEFAULT}, ratios: {ratios}")


def counts(repo: Repo) -> Counter[str]:
    return Counter(row["recipe"] for row in rows_below(repo.path / "build/dataset/train"))


def test_a_dataset_says_what_its_ratios_leave_out(repo: Repo) -> None:
    whole = repo.data()["samples"]
    declare(repo, "{define: 2, relate: 3, choose: 1, judge: 2}")
    outcome = repo.run("compile", "--to", "data", "--json")
    found = counts(repo)
    assert found["choose"] > 20
    assert found == Counter({name: share * found["choose"] for name, share in {"define": 2, "relate": 3, "choose": 1, "judge": 2}.items()})  # fmt: skip
    index = index_of(repo)
    assert index["ratios"] == {"define": 2, "relate": 3, "choose": 1, "judge": 2}
    assert index["left_out"] == whole - found.total()
    assert f"compile.ratios leave out {whole - found.total()} of {whole} samples\n" in outcome.err


def index_of(repo: Repo) -> dict[str, object]:
    index: dict[str, object] = orjson.loads(repo.read("build/dataset/dataset.json"))
    return index


def test_an_edit_moves_samples_of_the_shards_that_it_touches_alone(repo: Repo) -> None:
    declare(repo, "{define: 1, relate: 1, choose: 1, judge: 2}")
    repo.data()
    before = repo.files("build/dataset/train")
    dodo = "- id: zoo/dodo\n  name: dodo\n  definition: a bird that is no more\n  relations:\n  - {predicate: is_a, object: zoo/bird}\n"
    repo.edit("knowledge/zoo/kinds.yaml", "- id: zoo/gecko\n", f"{dodo}- id: zoo/gecko\n")
    built = {unit for unit in repo.data()["built"] if unit.startswith("shard:")}
    after = repo.files("build/dataset/train")
    moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert moved <= {f"{unit.removeprefix('shard:')}.jsonl" for unit in built}
    assert 1 <= len(moved) <= len(built)
    assert {name for name in moved if name.startswith("tools/")} == set()
    found = counts(repo)
    assert found["judge"] == 2 * found["define"] == 2 * found["relate"] == 2 * found["choose"] > 0


def test_ratios_that_no_shard_can_fill_are_refused(repo: Repo) -> None:
    declare(repo, "{define: 999, relate: 1, choose: 1, judge: 1}")
    outcome = repo.run("compile", "--to", "data", "-q")
    assert outcome.code == 1
    assert outcome.err == (
        "error: the dataset has no sample (while building dataset)\n"
        "hint: in every shard one of compile.recipes makes fewer samples than its share in compile.ratios\n"
    )


@pytest.mark.parametrize(
    "written", ["{define: 2, relte: 2, judge: 1}", "{define: 2.5, relate: 2, choose: 1, judge: 1}"]
)
def test_ratios_are_of_the_recipes_and_whole_numbers(repo: Repo, written: str) -> None:
    declare(repo, written)
    told = repo.run("check").out
    column = 1 + repo.read("proda.yaml").decode().splitlines()[5].index("ratios")
    if "relte" in written:
        wrong = "compile.ratios names 'relte', which is none of compile.recipes"
        assert f"proda.yaml:6:{column + 20}: error[M019]: {wrong}\nhint: did you mean 'relate'?\n" in told
        for name in ("relate", "choose"):
            assert f"proda.yaml:6:{column}: error[M019]: compile.ratios has no share for the recipe {name!r}\n" in told
    else:
        assert "error[M013]: compile.ratios.define: " in told


def test_a_lock_is_the_same_while_they_are_not_used(repo: Repo) -> None:
    repo.built()
    before = repo.read("proda.lock")
    repo.edit("proda.yaml", DEFAULT, f"{DEFAULT}, duplicates: keep, ratios: {{}}")
    repo.data("--locked")
    assert repo.read("proda.lock") == before
