"""What is raised when units could not be built: failures of own recipes as problems with a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.errors import ProdaError, UnitsError
from prodabuild.problems import Problem, ProblemsError
from prodabuild.project.inputs import RecordPlaces
from prodabuild.shards.own import RecipeError

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.run import RunResult
    from prodabuild.engine.state import State

_HINTS = {
    "R003": "a recipe is run on every record of its level",
    "R004": "yield Sample(variant, question, answer, nodes), each variant once a record",
}


def raise_failures(result: RunResult, root: Path, state: State, keep_going: bool) -> None:
    """Raise what a run failed with: the first failure, or all of them when it was to keep going."""
    places = RecordPlaces(root)
    failures = [(unit, _told(unit, failure, places, state)) for unit, failure in sorted(result.failures, key=_unit)]
    if failures and keep_going:
        raise UnitsError(failures, result.blocked)
    for _, failure in failures:
        raise failure


def _unit(failure: tuple[str, Exception]) -> str:
    return failure[0]


def _told(unit: str, failure: Exception, places: RecordPlaces, state: State) -> Exception:
    """Return a failure as it is to be told: it names the unit, or the lines of the recipe and the record."""
    if isinstance(failure, RecipeError):
        return ProblemsError([_problem(failure, places, state)])
    if isinstance(failure, ProdaError):
        failure.add_note(f"while building {unit}")
    return failure


def _problem(error: RecipeError, places: RecordPlaces, state: State) -> Problem:
    fact = state.fact(error.record)
    if fact is None:
        message = f"the recipe {error.recipe!r} cannot be loaded: {error.what}"
        return Problem(
            error.code, message, *error.place, "mend what the file does at its top level, or what it imports"
        )
    line, _ = places.locate(fact.source, fact.key, "id")
    record = f"{error.record} ({fact.source}:{line})" if line else f"{error.record} ({fact.source})"
    return Problem(
        error.code, f"the recipe {error.recipe!r} on {record}: {error.what}", *error.place, _HINTS[error.code]
    )
