"""`patch try` and `patch accept`: what is refused before anything is built, and what a trial looks like."""

from __future__ import annotations

from dataclasses import replace

from prodabuild.cli.patch_trials import _text
from prodabuild.evaluation.gates import GateResult
from prodabuild.project.candidate import TryReport
from tests.conftest import Repo

PATCH = "title: Geckos\nreason: a test\ncause: correction\nops:\n- emphasise: [zoo/gecko]\n"
CHANGE = {"n": 40, "acc": 0.5, "better": 6, "worse": 2, "difference": 0.1, "interval": [-0.025, 0.225], "p": 0.2891}
FALL = CHANGE | {"better": 0, "worse": 12, "difference": -0.3, "interval": [-0.45, -0.175], "p": 0.00049}
REPORT = TryReport(
    patches=("0001-geckos",),
    against="the accepted version",
    round=2,
    groups={
        "failed, named": CHANGE,
        "failed, not named": None,
        "dev": CHANGE | {"difference": 0.0},
        "sealed": CHANGE,
        "untouched disciplines": None,
    },
    suites={"general": FALL},
    disciplines={"zoo": FALL | {"p_holm": 0.001}, "tools": CHANGE | {"p_holm": 0.5782}},
    gates=(
        GateResult("chains.failed, named.gain", 0.1, 0.0, ok=True),
        GateResult("general.drop", 0.3, 0.01, ok=False),
        GateResult("disciplines.fallen", 1.0, 0.0, ok=False),
    ),
    samples=(1200, 1215),
    model="ab",
    seconds=3.0,
)


def test_a_trial_says_what_rose_and_what_fell() -> None:
    assert list(_text(REPORT, (), verbosity=0)) == [
        "round 2: 1 patch, 1200 -> 1215 samples, against the accepted version",
        "items                   n  before    now  change     95 % interval  better  worse       p",
        "failed, named          40   0.500  0.600  +0.100  -0.025 to +0.225       6      2  0.2891",
        "failed, not named       0       -      -       -                 -       -      -       -",
        "dev                    40   0.500  0.500  +0.000  -0.025 to +0.225       6      2  0.2891",
        "sealed                 40   0.500  0.600  +0.100  -0.025 to +0.225       6      2  0.2891",
        "untouched disciplines   0       -      -       -                 -       -      -       -",
        "general                40   0.500  0.200  -0.300  -0.450 to -0.175       0     12  0.0005",
        "zoo: -0.300 of 40, p (Holm) 0.0010",
        "ok   chains.failed, named.gain is 0.100",
        "FAIL general.drop is 0.300",
        "FAIL disciplines.fallen is 1.000",
        "fail: drop patches that do harm (`prodabuild patch drop`), and try the others",
    ]
    passing = replace(REPORT, gates=REPORT.gates[:1])
    assert list(_text(passing, ("1", "3"), verbosity=0))[-1] == "pass: `prodabuild patch accept 1 3`"


def test_with_verbosity_every_discipline_is_told() -> None:
    told = [line for line in _text(REPORT, (), verbosity=1) if "Holm" in line]
    assert told == ["zoo: -0.300 of 40, p (Holm) 0.0010", "tools: +0.100 of 40, p (Holm) 0.5782"]


def errors(repo: Repo, *arguments: str) -> tuple[int, list[str]]:
    outcome = repo.run(*arguments)
    return outcome.code, outcome.err.splitlines()


def test_without_a_patch_there_is_nothing_to_try(repo: Repo) -> None:
    expected = ["error: there is no patch: nothing is left to try", "hint: draft some: `prodabuild debug --draft`"]
    assert errors(repo, "patch", "try") == (2, expected)


def test_without_results_there_is_nothing_to_compare_with(repo: Repo) -> None:
    repo.write("patches/0001-geckos.yaml", PATCH)
    assert errors(repo, "patch", "try") == (
        2,
        ["error: there are no results to compare with", "hint: test the version without the patches first"],
    )


def test_a_patch_that_is_not_there_is_refused(repo: Repo) -> None:
    repo.write("patches/0001-geckos.yaml", PATCH)
    expected = ["error: there is no patch '7'", "hint: patches: 0001-geckos"]
    assert errors(repo, "patch", "try", "7") == (1, expected)
    assert errors(repo, "patch", "accept", "7") == (1, expected)


def test_what_was_not_tried_is_not_accepted(repo: Repo) -> None:
    repo.write("patches/0001-geckos.yaml", PATCH)
    expected = ["error: these patches were not tried as they are now", "hint: run `prodabuild patch try 0001`"]
    assert errors(repo, "patch", "accept") == (4, expected)


def test_a_broken_record_of_trials_is_named(repo: Repo) -> None:
    repo.write("patches/0001-geckos.yaml", PATCH)
    repo.write("patches/trials.jsonl", "<<<<<<< HEAD\n")
    assert errors(repo, "patch", "try") == (
        1,
        [
            "patches/trials.jsonl:1:1: error[P011]: this is no record of a trial",
            "hint: take the line as git has it: `git checkout` the file, or remove the line",
            "",
            "1 error",
        ],
    )
