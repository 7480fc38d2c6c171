from __future__ import annotations

import pytest

from prodabuild.problems import Problem, ProblemsError, raise_errors, render, suggest, summary


def test_a_problem_reads_as_one_line_and_a_hint() -> None:
    problem = Problem("M012", "unknown key 'aplha'", "proda.yaml", 7, 5, "did you mean 'alpha'?")
    assert problem.render() == "proda.yaml:7:5: error[M012]: unknown key 'aplha'\nhint: did you mean 'alpha'?"


def test_a_problem_of_a_whole_file_has_no_line() -> None:
    assert Problem("K009", "no record", "knowledge/law").render() == "knowledge/law: error[K009]: no record"


def test_many_alike_are_counted_not_printed() -> None:
    problems = [Problem("K005", f"no {n}", "a.yaml", n, 1) for n in range(1, 31)]
    text = render(problems, most_alike=2)
    assert text.splitlines() == [
        "a.yaml:1:1: error[K005]: no 1",
        "a.yaml:2:1: error[K005]: no 2",
        "... and 28 more of K005",
    ]


def test_warnings_do_not_raise_errors_do() -> None:
    warning = Problem("K008", "w", "a", severity="warning")
    raise_errors([warning])
    with pytest.raises(ProblemsError) as caught:
        raise_errors([warning, Problem("K001", "e", "a")])
    assert summary(caught.value.problems) == "1 error, 1 warning"


def test_suggest_names_the_nearest_word_or_lists_the_few() -> None:
    assert suggest("sepal", ["petal", "seal"]) == "did you mean 'seal'?"
    assert suggest("xyz", ["petal", "seal"], "words") == "words: petal, seal"
    assert suggest("xyz", [str(n) for n in range(50)]) is None
