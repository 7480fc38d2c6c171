"""Rounds: what was tried is read back as it was written, and says what helped."""

from __future__ import annotations

import pytest

from prodabuild.diagnosis.rounds import Outcome, Trial, flaky, last_trial, line_of, outcomes, parse, round_of
from prodabuild.problems import ProblemsError

PATCHES = {"0001-geckos": "ab"}
TRIED = Trial(
    "tried", 1, PATCHES, "cd", "pass", {"sealed": 0.1, "other dev": None}, {"zoo/gecko": Outcome("0001-geckos", 4, 1)}
)
ACCEPTED = TRIED._replace(event="accepted", nodes={})


def test_lines_are_read_back() -> None:
    assert parse(line_of(TRIED) + line_of(ACCEPTED)) == [TRIED, ACCEPTED]


def test_what_is_no_record_of_a_trial_is_named_by_its_line() -> None:
    with pytest.raises(ProblemsError) as found:
        parse(line_of(TRIED) + b"<<<<<<< HEAD\n" + b'{"event": "tried", "nodes": {}}\n' + b"[]\n")
    assert [(problem.code, problem.file, problem.line) for problem in found.value.problems] == [
        ("P011", "patches/trials.jsonl", line) for line in (2, 3, 4)
    ]


def test_a_round_ends_when_patches_are_accepted() -> None:
    assert [round_of(trials) for trials in ([], [TRIED], [TRIED, ACCEPTED], [TRIED, ACCEPTED, TRIED])] == [1, 1, 2, 2]


def test_a_record_helped_when_half_of_its_items_pass_in_its_last_trial() -> None:
    again = TRIED._replace(nodes={"zoo/gecko": Outcome("0002-geckos", 4, 2)})
    assert not outcomes([TRIED])["zoo/gecko"].helped
    assert outcomes([TRIED, again])["zoo/gecko"] == Outcome("0002-geckos", 4, 2)
    assert outcomes([TRIED, again, ACCEPTED])["zoo/gecko"].helped


def test_the_last_trial_of_the_very_same_patches_counts() -> None:
    later = TRIED._replace(results="ef")
    other = TRIED._replace(patches={"0001-geckos": "ab", "0002-skinks": "12"})
    assert last_trial([TRIED, later, other, ACCEPTED], PATCHES) == later
    assert last_trial([other, ACCEPTED], PATCHES) is None


def test_who_changes_back_is_flaky() -> None:
    histories = {
        "mended": [False, False, True],
        "new": [True],
        "wavering": [True, False, True],
        "falls": [True, True, False],
    }
    assert flaky(histories) == {"wavering"}
