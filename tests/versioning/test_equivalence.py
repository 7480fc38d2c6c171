"""The verdict on a rebuild: identical, equivalent or different."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from prodabuild.versioning.equivalence import score_moves, verdict_of
from tests.conftest import Versioned
from tests.training.conftest import teach

OTHER = [("torch", "1", "2")]


def scores(acc: float, n: int = 300) -> dict[str, Any]:
    return {"score:chains/dev": {"acc": acc, "n": n, "stderr": 0.02}, "model": {"sha256": "0"}}


@pytest.mark.parametrize(
    ("unequal", "surroundings", "now", "verdict"),
    [
        ({}, OTHER, 0.6, "identical"),
        ({"model": True, "base": True, "results:chains@base": True, "score:chains/dev": True}, OTHER, 0.58, "equivalent"),
        ({"model": True}, [], 0.6, "different"),  # same kernels: no reason for other bits
        ({"model": True, "shard:zoo/0": True}, OTHER, 0.6, "different"),
        ({"model": False}, OTHER, 0.6, "different"),
        ({"model": True, "score:chains/dev": True}, OTHER, 0.4, "different"),
    ],
)  # fmt: skip
def test_verdicts(unequal: dict[str, bool], surroundings: list[Any], now: float, verdict: str) -> None:
    assert verdict_of(unequal, surroundings, score_moves(scores(0.6), scores(now))) == verdict


def test_scores_are_compared_by_the_interval_of_their_difference() -> None:
    (move,) = score_moves(scores(0.6), scores(0.5))
    assert (move.name, move.locked, move.rebuilt, move.compatible) == ("chains/dev", 0.6, 0.5, False)
    assert move.interval.low < -0.1 < move.interval.high
    (few,) = score_moves(scores(0.6, 20), scores(0.5, 20))
    assert few.compatible
    assert not list(score_moves(scores(0.6), {}))


@pytest.mark.train
def test_a_rebuild_with_other_libraries_is_equivalent_and_says_so(versioned: Versioned, base: Path) -> None:
    teach(versioned.repo, base)
    assert versioned.repo.run("compile").code == 0
    lock = versioned.repo.read("proda.lock").decode()
    (line,) = re.findall(r'^"model": .*$', lock, re.MULTILINE)
    other = re.sub(r'"torch":[^,}]*', '"torch":"0.9"', re.sub(r'"sha256":"\w+"', f'"sha256":"{"0" * 64}"', line))
    versioned.repo.write("proda.lock", lock.replace(line, other))
    versioned.commit()
    outcome = versioned.repo.run("rebuild", "HEAD", "--from-scratch")
    assert (outcome.code, "of 37 equal, equivalent\n" in outcome.out) == (0, True), outcome.out
    assert "warning: torch was 0.9, here it is" in outcome.err
    document = versioned.repo.run("rebuild", "HEAD", "--from-scratch", "--json").json
    assert (document["verdict"], document["identical"], document["scores"]) == ("equivalent", False, [])
    versioned.repo.write(
        "proda.lock", lock.replace(line, other.replace('"torch":"0.9"', re.findall(r'"torch":[^,}]*', line)[0]))
    )
    versioned.commit()
    outcome = versioned.repo.run("rebuild", "HEAD", "--from-scratch")
    assert (outcome.code, "of 37 equal, 1 differ\n" in outcome.out) == (1, True), outcome.out
