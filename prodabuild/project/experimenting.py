"""A declared experiment, run as units of the data repo, and its arms side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import UsageError
from prodabuild.insight.experiments import MEASURED, units_of
from prodabuild.insight.regimes import compare_runs
from prodabuild.problems import raise_errors, suggest
from prodabuild.project.failures import raise_failures
from prodabuild.project.instruments import undeclared
from prodabuild.project.locking import unit_entries, update_lock
from prodabuild.project.stages import of_experiment

if TYPE_CHECKING:
    from prodabuild.insight.regimes import Comparison
    from prodabuild.project.session import Session


class Experimented(NamedTuple):
    """An experiment's arms side by side, and which of its units had to run for that."""

    comparison: Comparison
    ran: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return self.comparison.to_json() | {"ran": list(self.ran)}


def refuse_unknown(session: Session, name: str) -> None:
    """Raise `UsageError` where no experiment has this name."""
    known = session.manifest.insight.experiments
    if name not in known:
        hint = suggest(name, known, "experiments") if known else "declare one in proda.yaml: insight.experiments"
        raise UsageError(f"there is no experiment {name!r}", hint)


def compare_experiment(session: Session, name: str) -> Experimented:
    """Run what of an experiment is not there yet, and compare its arms; raises what a build function raised."""
    refuse_unknown(session, name)
    raise_errors(undeclared(session.root, session.manifest))
    stages = of_experiment(session.stages, name)
    result = session.run_stages(stages)
    raise_failures(result, session.root, session.state, session.options.keep_going)
    update_lock(session, "data", unit_entries(session, stages))
    units = units_of(name, session.manifest.insight.experiments[name])
    base, *runs = (session.read_output(unit) for unit in units[MEASURED])
    return Experimented(compare_runs(name, base, runs), tuple(sorted((*result.built, *result.restored))))
