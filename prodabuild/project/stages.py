"""The spine: every stage in order, in one tuple. A target is a prefix of it; experiments stand at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from prodabuild.engine.units import Stage
from prodabuild.evaluation.results import BASE
from prodabuild.insight.experiments import ARM, FOLDER, KINDS, MEASURED, RUN, units_of
from prodabuild.insight.rungs import FOOTPRINT, PROBE, PROBE_BASE
from prodabuild.shards.compile import build_shard
from prodabuild.shards.dataset import build_dataset
from prodabuild.suites.items import BUCKET, build_items
from prodabuild.suites.leaks import build_index, find_leaks
from prodabuild.suites.tasks import build_suite

if TYPE_CHECKING:
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.manifest.model import Experiment, Manifest

Target = Literal["data", "base", "model", "results"]
LAST: dict[Target, str] = {"data": "dataset", "base": "base", "model": "model", "results": "results"}


def stages_of(manifest: Manifest) -> tuple[Stage, ...]:
    """Return the stages of a data repo, in build order."""
    chains = manifest.chain_suite
    made, given = (
        tuple(unit for name in names for unit in (f"results:{name}@{BASE}", f"results:{name}"))
        for names in ([chains[0]] if chains else [], [name for name in manifest.tests if name != (chains or [""])[0]])
    )
    size = manifest.compile.shard_size
    insight = manifest.insight
    items = (Stage("items", build_items, kind="items", bucket_size=BUCKET, parallel=True, folder="items"),)
    return (
        Stage("shards", build_shard, kind="shard", bucket_size=size, parallel=True, folder="dataset"),
        *(items if chains else ()),
        Stage("suites", build_suite, fixed=(f"suite:{chains[0]}",) if chains else (), folder="suites"),
        Stage("index", build_index, fixed=("index",) if chains else (), folder="leaks"),
        Stage(
            "leaks", find_leaks, kind="leaks", beside="shards" if chains else "nothing", parallel=True, folder="leaks"
        ),
        Stage("dataset", build_dataset, fixed=("dataset",), folder="dataset"),
        Stage("base", _build_base, fixed=("base",), folder="base"),
        Stage("model", _build_model, fixed=("model",), folder="model"),
        Stage("probe", _build_probe, fixed=(PROBE_BASE, PROBE) if insight.probe else (), folder="insight"),
        Stage("footprint", _build_footprint, fixed=(FOOTPRINT,) if insight.footprint else (), folder="insight"),
        Stage("tasks", _build_task_results, fixed=given, folder="results"),
        Stage("results", _build_results, fixed=made, folder="results"),
        *(stage for name, found in insight.experiments.items() for stage in _stages_of(name, found)),
    )


def _stages_of(name: str, experiment: Experiment) -> tuple[Stage, ...]:
    """Return the stages of an experiment: the data of its runs, their training, and what they came to."""
    units = units_of(name, experiment)
    return (
        Stage(f"{ARM} {name}", _build_arm, fixed=units[ARM], folder=FOLDER),
        Stage(f"{RUN} {name}", _build_run, fixed=units[RUN], folder=FOLDER),
        Stage(f"{MEASURED} {name}", _build_measured, fixed=units[MEASURED], folder=FOLDER),
    )


def up_to(stages: tuple[Stage, ...], target: Target) -> tuple[Stage, ...]:
    """Return the stages that a target needs."""
    names = [stage.name for stage in stages]
    return stages[: names.index(LAST[target]) + 1]


def of_experiment(stages: tuple[Stage, ...], name: str) -> tuple[Stage, ...]:
    """Return the stages that an experiment needs: no run begins at the model of the dataset."""
    own = {f"{kind} {name}" for kind in KINDS}
    return up_to(stages, "base") + tuple(stage for stage in stages if stage.name in own)


# What trains and tests is imported when it does: a build of data, or of nothing, goes without.


def _build_base(unit: str, view: View) -> Output:
    from prodabuild.training.base import build_base

    return build_base(unit, view)


def _build_model(unit: str, view: View) -> Output:
    from prodabuild.training.model import build_model

    return build_model(unit, view)


def _build_probe(unit: str, view: View) -> Output:
    from prodabuild.insight.ladder import build_probe

    return build_probe(unit, view)


def _build_footprint(unit: str, view: View) -> Output:
    from prodabuild.insight.keeping import build_footprint

    return build_footprint(unit, view)


def _build_task_results(unit: str, view: View) -> Output:
    from prodabuild.evaluation.harness import build_task_results

    return build_task_results(unit, view)


def _build_results(unit: str, view: View) -> Output:
    from prodabuild.evaluation.run import build_results

    return build_results(unit, view)


def _build_arm(unit: str, view: View) -> Output:
    from prodabuild.insight.arms import build_arm

    return build_arm(unit, view)


def _build_run(unit: str, view: View) -> Output:
    from prodabuild.insight.running import build_run

    return build_run(unit, view)


def _build_measured(unit: str, view: View) -> Output:
    from prodabuild.insight.measuring import build_measured

    return build_measured(unit, view)
