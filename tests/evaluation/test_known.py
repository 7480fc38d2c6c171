from __future__ import annotations

from pathlib import Path

from prodabuild.evaluation.encoding import Request
from prodabuild.evaluation.known import KEPT, read, score_unknown
from prodabuild.evaluation.scoring import Likelihood

ASKED = [Request("a", (" b", " c")), Request("d", (" e",)), Request("a", (" b", " c"))]


class Scoring:
    """Scores by length, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def __call__(self, requests: list[Request]) -> list[list[Likelihood]]:
        self.asked += requests
        return [[Likelihood(-len(text) / 3, True) for text in request.continuations] for request in requests]


def test_what_was_scored_once_is_not_scored_again(tmp_path: Path) -> None:
    first, second = Scoring(), Scoring()
    found = score_unknown(tmp_path / "known/m.jsonl", ASKED, first)
    assert first.asked == ASKED[:2]
    more = [*ASKED, Request("a", (" c", " b"))]
    assert score_unknown(tmp_path / "known/m.jsonl", more, second)[:3] == found
    assert second.asked == more[3:]
    assert found[0][0].value == -2 / 3  # to the bit


def test_a_damaged_line_counts_as_never_written(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    whole = score_unknown(file, ASKED, Scoring())
    for damaged in (
        file.read_bytes()[:-5],
        file.read_bytes().replace(b"0.6666666666666666", b"0.1666666666666666", 1),
        b"\xff" + file.read_bytes(),
        b"",
        b"not a line\n\n",
    ):
        file.write_bytes(damaged)
        again = Scoring()
        assert score_unknown(file, ASKED, again) == whole
        assert again.asked != []
        assert len(read(file)) == 2


def test_the_likelihoods_of_the_latest_models_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        score_unknown(tmp_path / f"{number:02}.jsonl", ASKED, Scoring())
    assert sorted(file.stem for file in tmp_path.glob("*.jsonl")) == [f"{number:02}" for number in range(3, KEPT + 3)]
