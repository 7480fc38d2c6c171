"""`prodabuild check`: formats, grades of warnings, coverage, exit codes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from prodabuild import __version__
from prodabuild.cli.problem_formats import to_github, to_sarif
from prodabuild.problems import Problem
from tests.conftest import Repo, settle

KINDS = "knowledge/zoo/kinds.yaml"
SOUND = "2 disciplines: 72 concepts, 64 relations, 48 chains\n"
# what SARIF 2.1.0 requires of the parts that are used here
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "artifactLocation": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"uri": {"type": "string", "format": "uri-reference"}, "uriBaseId": {"type": "string"}},
        },
        "region": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "startLine": {"type": "integer", "minimum": 1},
                "startColumn": {"type": "integer", "minimum": 1},
            },
        },
    },
}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"required": ["id"], "properties": {"shortDescription": TEXT}},
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": LEVEL,
                                "message": TEXT,
                                "locations": {
                                    "items": {"properties": {"physicalLocation": PLACE}, "additionalProperties": False}
                                },
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture
def spoilt(repo: Repo) -> Repo:
    """A repo with one error and one warning."""
    repo.edit(KINDS, "object: zoo/parrot}", "object: zoo/parot}")
    repo.edit(KINDS, "definition: a lizard with the habits of a gecko", "definition: gecko with the habits of a gecko")
    return repo


def test_github_gets_an_annotation_for_each_problem(spoilt: Repo) -> None:
    outcome = spoilt.run("check", "--format", "github")
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert (
        f"::error file={KINDS},line=14,col=31,title=K005::there is no concept 'zoo/parot'%0Ahint: did you mean 'zoo/parrot'?"
        in lines
    )
    assert any(line.startswith(f"::warning file={KINDS},line=") and "title=K014::" in line for line in lines)
    assert lines[-1] == f"2 errors, 1 warning in {SOUND}".rstrip()


def test_what_would_break_an_annotation_is_escaped() -> None:
    problem = Problem("K005", "50 % of\na:b,c", "a,b:c.yaml", 3, 0, None, "warning")
    assert list(to_github([problem])) == ["::warning file=a%2Cb%3Ac.yaml,line=3,title=K005::50 %25 of\\na:b,c"]
    assert list(to_github([Problem("M001", "m", "proda.yaml")])) == ["::error file=proda.yaml,title=M001::m"]


def test_sarif_says_what_the_text_says(spoilt: Repo) -> None:
    outcome = spoilt.run("check", "--format", "sarif")
    assert outcome.code == 1
    jsonschema.validate(outcome.json, SARIF)
    (run,) = outcome.json["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["semanticVersion"]) == ("prodabuild", __version__)
    assert [rule["id"] for rule in driver["rules"]] == ["K005", "K014"]
    assert [rule["defaultConfiguration"]["level"] for rule in driver["rules"]] == ["error", "warning"]
    told = [(each["ruleId"], each["level"], each["message"]["text"]) for each in run["results"]]
    problems = spoilt.run("check", "--json").json["problems"]
    assert told == [
        (each["code"], each["severity"], each["message"] + (f"\nhint: {each['hint']}" if each["hint"] else ""))
        for each in problems
    ]
    place = run["results"][-1]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": KINDS, "uriBaseId": "%SRCROOT%"}
    assert all(driver["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_sarif_of_a_sound_repo_has_no_result(repo: Repo) -> None:
    outcome = repo.run("check", "--format", "sarif")
    assert outcome.code == 0
    assert [each["ruleId"] for each in outcome.json["runs"][0]["results"]] == ["T004"]


def test_a_problem_keeps_its_fingerprint_when_it_moves() -> None:
    def prints(*problems: Problem) -> list[str]:
        results = to_sarif(problems)["runs"][0]["results"]
        return [result["partialFingerprints"]["problem/v1"] for result in results]

    first, second = Problem("K005", "m", "a b.yaml", 3, 1), Problem("K005", "m", "a b.yaml", 9, 1)
    assert prints(first, second) == prints(second, Problem("K005", "m", "a b.yaml", 99, 1))
    assert len({*prints(first, second)}) == 2
    document = to_sarif([first, Problem("K009", "whole file", "a b.yaml")])
    jsonschema.validate(document, SARIF)
    places = [result["locations"][0]["physicalLocation"] for result in document["runs"][0]["results"]]
    assert places[0]["artifactLocation"]["uri"] == "a%20b.yaml"
    assert "region" not in places[1]


def test_format_json_is_json(repo: Repo) -> None:
    assert repo.run("check", "--format", "json").out == repo.run("check", "--json").out


def test_warnings_pass_unless_they_are_made_errors(repo: Repo) -> None:
    repo.edit(KINDS, "definition: a lizard with the habits of a gecko", "definition: gecko with the habits of a gecko")
    outcome = repo.run("check")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == f"2 warnings in {SOUND}".rstrip()
    assert repo.data()["shards"]["built"] > 0
    for arguments, code, severities in (
        (["-W", "error"], 1, ["error", "error"]),
        (["-W", "error:K018"], 0, ["warning", "warning"]),
        (["-W", "ignore:K014", "-W", "ignore:T004"], 0, []),
        (["-W", "error", "-W", "default:K014", "-W", "ignore:T004"], 0, ["warning"]),
    ):
        outcome = repo.run("check", "--json", *arguments)
        assert outcome.code == code, arguments
        assert [problem["severity"] for problem in outcome.json["problems"]] == severities


def test_what_cannot_be_read_hides_only_what_it_may_hold(repo: Repo) -> None:
    repo.edit(KINDS, "definition: a lizard with the habits of a gecko", "definition: gecko with the habits")
    repo.edit(KINDS, "- id: zoo/cobra\n", "- id: zoo/cobra\n  colour: red\n")
    repo.edit("knowledge/tools/kinds.yaml", "concepts:\n", "concepts: [\n")
    found = repo.run("check", "--json").json["problems"]
    assert [(problem["code"], problem["file"]) for problem in found] == [
        ("Y002", "knowledge/tools/kinds.yaml"),
        ("K014", KINDS),
        ("K001", KINDS),
    ]


def test_errors_cannot_be_waved_through(spoilt: Repo) -> None:
    outcome = spoilt.run("check", "--json", "-W", "ignore", "-W", "ignore:K005")
    assert outcome.code == 1
    assert {problem["code"] for problem in outcome.json["problems"]} == {"K005"}


def test_strict_asks_for_the_source_of_every_record(repo: Repo) -> None:
    outcome = repo.run("check", "--strict", "--json")
    assert outcome.code == 0
    assert {problem["code"] for problem in outcome.json["problems"]} == {"K045", "T004"}
    assert len(outcome.json["problems"]) == 72 + 64 + 48 + 1
    assert outcome.json["problems"][-2]["message"] == "'zoo/adder.is_a.snake' has no source"
    assert repo.run("check", "--strict", "-W", "error").code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-W", "eror"], "error: -W eror: there is no action 'eror'\nhint: did you mean 'error'?\n"),
        (["-W", "error:K999"], "error: -W error:K999: there is no problem 'K999'\nhint: they are listed in docs/reference/problems.md\n"),
        (["--fail-under", "lots"], "error: --fail-under lots: 'lots' is not a number\nhint: write percent: `95`\n"),
        (["--fail-under", "learnt=9"], "error: --fail-under learnt=9 cannot be met\nhint: write `95` or `taught=95`, and `tested=50`\n"),
        (["--fail-under", "101"], "error: --fail-under 101 cannot be met\nhint: write `95` or `taught=95`, and `tested=50`\n"),
        (["--fail-under", "nan"], "error: --fail-under nan cannot be met\nhint: write `95` or `taught=95`, and `tested=50`\n"),
    ],
)  # fmt: skip
def test_an_option_that_makes_no_sense_exits_2(repo: Repo, arguments: list[str], message: str) -> None:
    outcome = repo.run("check", *arguments)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", message)


def test_json_and_another_format_exit_2(repo: Repo) -> None:
    outcome = repo.run("check", "--json", "--format", "sarif")
    assert outcome.code == 2
    assert outcome.err == "error: --json and --format sarif ask for two formats\nhint: choose one\n"


def test_coverage_says_what_is_built(repo: Repo) -> None:
    first = repo.run("check", "--coverage")
    assert first.code == 0
    assert first.out.splitlines()[5:] == [
        "                    concepts         relations            chains",
        "discipline   taught   tested   taught   tested   taught   tested  connected",
        "tools             -        -        -        -        -        -      25.0%",
        "zoo               -        -        -        -        -        -      25.0%",
        "all               -        -        -        -        -        -      12.5%",
        "",
        "no samples are built yet: run `prodabuild compile --to data`",
    ]
    repo.data()
    built = repo.run("check", "--coverage")
    assert built.out.splitlines()[7:] == [
        "tools        100.0%    41.6%   100.0%    37.5%   100.0%    33.3%      25.0%",
        "zoo          100.0%    88.8%   100.0%    87.5%   100.0%    83.3%      25.0%",
        "all          100.0%    65.2%   100.0%    62.5%   100.0%    58.3%      12.5%",
    ]
    row = repo.run("check", "--coverage", "--json").json["coverage"]["zoo"]
    assert row == {
        "concepts": 36, "relations": 32, "chains": 24, "connected": 0.25,
        "taught": {"concepts": 36, "relations": 32, "chains": 24},
        "tested": {"concepts": 32, "relations": 28, "chains": 20},
    }  # fmt: skip
    settle()
    repo.edit(KINDS, "definition: a lizard with", "definition: a small lizard with")
    edited = repo.run("check", "--coverage").out
    assert edited.endswith("\nknowledge was edited since this was built: run `prodabuild compile --to data`\n")


def test_without_coverage_nothing_is_counted_but_records(repo: Repo) -> None:
    repo.built()
    assert repo.run("check", "--json").json["coverage"]["zoo"] == {"concepts": 36, "relations": 32, "chains": 24}


def test_too_little_coverage_exits_3(repo: Repo) -> None:
    outcome = repo.run("check", "--fail-under", "1")
    assert outcome.code == 3
    assert outcome.err == "coverage: no record is taught yet, 1% is asked: run `prodabuild compile --to data`\n"
    repo.data()
    assert repo.run("check", "--fail-under", "100").code == 0
    assert repo.run("check", "--fail-under", "tested=43").code == 0
    outcome = repo.run("check", "--fail-under", "taught=100", "--fail-under", "tested=63")
    assert outcome.code == 3
    assert outcome.err == "coverage: 62.5% of the records are tested, 63% is asked\n"
    repo.edit(KINDS, "object: zoo/parrot}", "object: zoo/parot}")
    assert repo.run("check", "--fail-under", "tested=99").code == 1
