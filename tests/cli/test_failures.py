from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.cli.console import Console
from prodabuild.cli.failures import tell_units
from prodabuild.errors import OutsideError, ProjectError, UnitsError
from prodabuild.problems import Problem, ProblemsError

WRONG = ProblemsError([Problem("R003", "fails", "recipes/cases.py", 3, 1)])
TOLD = {
    "recipes/cases.py:3:1: error[R003]: fails": WRONG,
    "error: no item\nhint: add one": ProjectError("no item", "add one"),
    "error: no network": OutsideError("no network"),
}


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([WRONG], 1),
        ([WRONG, WRONG], 1),
        ([OutsideError("no network")], 5),
        ([OutsideError("no network"), WRONG], 1),
        ([OSError(28, "No space left on device"), ProjectError("no item")], 1),
        ([ModuleNotFoundError("No module named 'torch'", name="torch")], 5),
        ([WRONG, RuntimeError("two and two are five")], 70),
        ([ModuleNotFoundError("No module named 'prodabuild.x'", name="prodabuild.x")], 70),
    ],
)
def test_the_gravest_failure_gives_the_exit_code(
    failures: list[Exception], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = UnitsError([(f"unit:{n}", failure) for n, failure in enumerate(failures)], [])
    assert tell_units(Console(), failed) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(f"\n\n{failed.message}\n")
    for report in (line.rpartition(" ")[2] for line in err.splitlines() if "report it with" in line):
        Path(report).unlink()


def test_alike_problems_are_told_once_and_every_unit_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    failures = [
        *((f"shard:{n}", WRONG) for n in "ab"),
        *((f"suite:{n}", error) for n, error in enumerate(TOLD.values())),
    ]
    tell_units(
        Console(), UnitsError(failures, ["dataset", "items:x", "leaks:1", "leaks:2", "leaks:3", "leaks:4", "model"])
    )
    assert capsys.readouterr().err == (
        "\n".join(TOLD) + "\n\n5 units failed: shard:a, shard:b, suite:0, suite:1, suite:2; blocked by that: "
        "dataset, items:x, 4 of leaks, model\n"
    )
