"""The units of declared experiments, by name: runs of arms that differ in what they declare, and in nothing else.

`arm:EXPERIMENT/ARM@SEED` is what a run trains on, `run:...` what it trained, `measured:...` what that came to;
`measured:EXPERIMENT@base` is what the base does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.evaluation.results import BASE

if TYPE_CHECKING:
    from prodabuild.manifest.model import Experiment

ARM, RUN, MEASURED = KINDS = "arm", "run", "measured"
EXPERIMENTS = "experiments"  # the key that they are declared below
ASK = "ask"  # a recipe for arms alone: single links in the words of the tests
FOLDER = "experiments"


class Named(NamedTuple):
    """What a unit of an experiment is about; `arm` is empty, and the seed 0, where that is the base."""

    experiment: str
    arm: str
    seed: int

    def unit(self, kind: str) -> str:
        """Return the unit of a kind that is about the same."""
        return f"{kind}:{self.experiment}/{self.arm}@{self.seed}" if self.arm else f"{kind}:{self.experiment}@{BASE}"

    def setting(self, name: str) -> str:
        """Return the key of a setting of the experiment."""
        return f"insight.experiments.{self.experiment}.{name}"

    @property
    def folder(self) -> str:
        """Return where files of this lie, below `build/`."""
        return f"{FOLDER}/{self.experiment}/{f'{self.arm}@{self.seed}' if self.arm else BASE}"


def parse_unit(unit: str) -> Named:
    """Return what a unit of an experiment is about."""
    rest, _, which = unit.partition(":")[2].rpartition("@")
    experiment, _, arm = rest.partition("/")
    return Named(experiment, arm, int(which) if arm else 0)


def units_of(name: str, experiment: Experiment) -> dict[str, tuple[str, ...]]:
    """Return the units of an experiment by kind, in the order of its arms and seeds; the base is measured first."""
    runs = [Named(name, arm, seed) for arm in experiment.arms for seed in experiment.seeds]
    units = {kind: tuple(run.unit(kind) for run in runs) for kind in KINDS}
    return units | {MEASURED: (Named(name, "", 0).unit(MEASURED), *units[MEASURED])}
