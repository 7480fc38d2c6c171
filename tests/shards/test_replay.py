"""Replay: a round holds what patches touch, and an even share of the rest; the same one each time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.shards.replay import make_round, shares
from tests.conftest import Repo

PATCH = """title: Geckos again
reason: a round
cause: correction
ops:
- emphasise: [zoo/gecko.is_a.lizard]
  ways: [recall]
"""


def rows(number: int) -> list[dict[str, Any]]:
    kinds = [("zoo", "define"), ("zoo", "relate"), ("tools", "define")]
    return [
        {
            "id": f"s{at}",
            "discipline": kinds[at % 3][0],
            "recipe": kinds[at % 3][1],
            "nodes": [f"n{at}", "all" * (at < 5)],
        }
        for at in range(number)
    ]


@given(st.dictionaries(st.tuples(st.text(), st.text()), st.integers(1, 1000), min_size=1), st.floats(0, 1))
def test_shares_add_up_and_none_is_over_its_stratum(sizes: dict[tuple[str, str], int], part: float) -> None:
    number = int(part * sum(sizes.values()))
    found = shares(sizes, number)
    assert sum(found.values()) == number
    exact = {stratum: number * size / sum(sizes.values()) for stratum, size in sizes.items()}
    assert all(abs(found[stratum] - exact[stratum]) < 1 for stratum in sizes)
    assert all(found[stratum] <= sizes[stratum] for stratum in sizes)


def test_a_round_is_what_is_touched_and_a_ratio_of_the_rest() -> None:
    found = make_round(rows(305), {"all"}, 6.0, seed=7)
    assert (found.patched, found.replayed) == (5, 30)
    assert [row["id"] for row in found.rows][:5] == ["s0", "s1", "s2", "s3", "s4"]
    assert Counter((row["discipline"], row["recipe"]) for row in found.rows[5:]) == {
        ("zoo", "define"): 10,
        ("zoo", "relate"): 10,
        ("tools", "define"): 10,
    }
    assert make_round(rows(305), {"all"}, 6.0, seed=7) == found
    assert make_round(rows(305), {"all"}, 6.0, seed=8) != found


def test_more_is_replayed_than_there_is_never() -> None:
    found = make_round(rows(20), {"all"}, 100.0, seed=7)
    assert (found.patched, found.replayed, len(found.rows)) == (5, 15, 20)
    assert make_round(rows(20), {"all"}, 0.0, seed=7).replayed == 0


def test_an_edit_elsewhere_moves_little_of_the_draw() -> None:
    before = {row["id"] for row in make_round(rows(300), {"all"}, 10.0, seed=7).rows}
    after = {row["id"] for row in make_round(rows(303), {"all"}, 10.0, seed=7).rows}
    assert len(before - after) <= 3


def test_a_repo_trains_on_its_round_only_while_there_are_patches(repo: Repo) -> None:
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 16, replay: 2")
    repo.run("compile", "--to", "data")
    assert "round" not in index(repo)
    assert not Path(repo.path, "build/dataset/round.jsonl").exists()

    repo.write("patches/0001-geckos.yaml", PATCH)
    outcome = repo.run("compile", "--to", "data")
    found = index(repo)["round"]
    assert found["replayed"] == 2 * found["patched"]
    told = f"compile.replay: {found['patched']} samples that patches touch, {found['replayed']} of the others"
    assert told in outcome.err.splitlines()
    lines = [orjson.loads(line) for line in repo.read("build/dataset/round.jsonl").splitlines()]
    assert len(lines) == 3 * found["patched"]
    assert sum("zoo/gecko.is_a.lizard" in row["nodes"] for row in lines) == found["patched"]

    Path(repo.path, "patches/0001-geckos.yaml").unlink()
    repo.run("compile", "--to", "data")
    assert "round" not in index(repo)
    assert not Path(repo.path, "build/dataset/round.jsonl").exists()


def index(repo: Repo) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(repo.read("build/dataset/dataset.json"))
    return found
