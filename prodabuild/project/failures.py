"""What is raised when units could not be built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.errors import ProdaError, UnitsError

if TYPE_CHECKING:
    from prodabuild.engine.run import RunResult


def raise_failures(result: RunResult, keep_going: bool) -> None:
    """Raise what a run failed with: the first failure, or all of them when it was to keep going."""
    failures = [(unit, _told(unit, failure)) for unit, failure in sorted(result.failures, key=_unit)]
    if failures and keep_going:
        raise UnitsError(failures, result.blocked)
    for _, failure in failures:
        raise failure


def _unit(failure: tuple[str, Exception]) -> str:
    return failure[0]


def _told(unit: str, failure: Exception) -> Exception:
    """Return a failure as it is to be told: it names the unit."""
    if isinstance(failure, ProdaError):
        failure.add_note(f"while building {unit}")
    return failure
