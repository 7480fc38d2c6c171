"""What the commands are asked and what they answer, as plain data with the keys of the `--json` documents."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.events import Emit, silent
from prodabuild.problems import errors_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prodabuild.evaluation.gates import Verdict
    from prodabuild.evaluation.results import ItemResult
    from prodabuild.problems import Problem
    from prodabuild.project.coverage import Coverage
    from prodabuild.project.stages import Target
    from prodabuild.project.trust import Trust

SCHEMA = 1


@dataclass(frozen=True)
class Options:
    """How a command is to run. `device` is `auto`, `cpu` or `cuda`; objects are in `cache` where it is given.

    `trust` says what is believed of builds elsewhere: nothing, what a trusted version names, or everything. `proof` is
    the share of the data units restored from there that are built again and compared; 1 is all, those of here, too.
    Without `own_code` no code of the data repo runs: a session that could run some raises `ProblemsError`.
    `made_with` are versions, device and kernels to take for those of here: only for what is restored, never trained.
    """

    to: Target = "model"
    jobs: int = 1
    locked: bool = False
    keep_going: bool = False
    device: str = "auto"
    emit: Emit = silent
    cache: Path | None = None
    trust: Trust = "lock"
    proof: float = 0.02
    own_code: bool = True
    made_with: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportRequest:
    """What is to be exported. `items` names the test items that go in place of training data: dev or sealed.

    `held_out` names a split beside train, and the share of the samples that it gets.
    """

    format: str
    to: str | None = None
    disciplines: tuple[str, ...] = ()
    held_out: tuple[str, float] | None = None
    items: str | None = None


@dataclass(frozen=True)
class CheckReport:
    """Every problem of a repo, how many records of each level there are, by discipline, and what reaches them."""

    problems: tuple[Problem, ...]
    records: dict[str, dict[str, int]]
    coverage: Coverage | None = None

    @property
    def ok(self) -> bool:
        """Tell whether there is no error (warnings do not count)."""
        return not errors_in(self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        coverage = self.coverage.to_json() if self.coverage else self.records
        return {
            "schema": SCHEMA,
            "problems": [problem.to_json() for problem in self.problems],
            "coverage": coverage,
            **({"repeated": self.coverage.repeated} if self.coverage else {}),
        }


@dataclass(frozen=True)
class PlanReport:
    """The steps of a plan, their `reasons` located, and the files in `build/` that will go."""

    stale: bool
    steps: tuple[dict[str, Any], ...]
    removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {"schema": SCHEMA, "stale": self.stale, "steps": list(self.steps), "removed": list(self.removed)}


class Row(NamedTuple):
    """One thing, where it lies, a word on it, and what a compile would do with it."""

    what: str
    where: str = ""
    note: str = ""
    action: str = ""


@dataclass(frozen=True)
class Group:
    """Things of one kind: how many there are, and the first of them."""

    what: str
    count: int
    rows: tuple[Row, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the group as it stands in `--json` documents."""
        return {"what": self.what, "count": self.count, "first": [row._asdict() for row in self.rows]}


@dataclass(frozen=True)
class WhyReport:
    """The path of one thing, from where it is written to what it ends in, and what it hangs together with.

    `kind` is unit, concept, relation, chain or sample; `action` and `reasons` are those of the plan for the unit that
    the thing is, or belongs to. What a record is made of are the records that it names, and its source.
    """

    thing: str
    kind: str
    path: tuple[Row, ...]
    action: str
    reasons: tuple[dict[str, Any], ...] = ()
    made_from: tuple[Group, ...] = ()
    read_by: tuple[Group, ...] = ()
    samples: tuple[Group, ...] = ()
    items: tuple[Group, ...] = ()
    follows: tuple[Group, ...] = ()
    messages: tuple[dict[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        sections = {name: getattr(self, name) for name in SECTIONS}
        return {
            "schema": SCHEMA,
            "thing": self.thing,
            "kind": self.kind,
            "path": [{"unit": row.what, "where": row.where} for row in self.path],
            "action": self.action,
            "reasons": list(self.reasons),
            **{name: [group.to_json() for group in groups] for name, groups in sections.items()},
            "messages": list(self.messages),
            "notes": list(self.notes),
        }


SECTIONS = ("made_from", "read_by", "samples", "items", "follows")


@dataclass(frozen=True)
class CompileReport:
    """What a compile did and what there is now. Digests are sha256."""

    built: tuple[str, ...]
    restored: tuple[str, ...]
    clean: int
    shards: int
    samples: int
    items: int
    dataset: str | None
    model: str | None
    seconds: float
    lock_changed: bool

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {
            "schema": SCHEMA,
            "built": list(self.built),
            "restored": list(self.restored),
            "clean": self.clean,
            "shards": {"total": self.shards, "built": sum(unit.startswith("shard:") for unit in self.built)},
            "samples": self.samples,
            "items": self.items,
            "dataset": self.dataset,
            "model": self.model,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class TrialReport:
    """The first steps of a training run: how many of how many, and where they left the model. Nothing else knows it."""

    steps: int
    of: int
    loss: float
    tokens_per_second: float
    folder: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {"schema": SCHEMA, **asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class VerifyReport:
    """What was verified. Files are named by their paths in the repo; `lost` and `stale` are units.

    `stale` ones stand in `proda.lock` with other contents; `unbuilt` ones wait for the next compile. `recorded` are
    outputs that stand in `dvc.lock` with other contents; `needed` tells of what is lost which version it was for.
    `proved` data units were built again; those of them that came out otherwise are `refuted`. `unproven` units are not
    built here, and the lock names other contents than a trusted version does.
    """

    objects: int
    damaged: tuple[str, ...]
    healed: tuple[str, ...]
    lost: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    unbuilt: int = 0
    seconds: float = 0.0
    recorded: tuple[str, ...] = ()
    needed: tuple[tuple[str, str], ...] = ()
    proved: int = 0
    refuted: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Tell whether a lock names contents that are not those that were built, or that nobody vouches for."""
        return bool(self.stale or self.recorded or self.refuted or self.unproven)

    @property
    def whole(self) -> bool:
        """Tell whether everything is whole, or is so again."""
        return not set(self.damaged) - set(self.healed)

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {
            "schema": SCHEMA,
            "objects": self.objects,
            "damaged": list(self.damaged),
            "healed": list(self.healed),
            "lost": list(self.lost),
            "stale": list(self.stale),
            "recorded": list(self.recorded),
            "needed": dict(self.needed),
            "unbuilt": self.unbuilt,
            "proved": self.proved,
            "refuted": list(self.refuted),
            "unproven": list(self.unproven),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class TestRequest:
    """What a test is to do: `against` names a git ref to compare with, `accept` records a version that passes.

    `failed` asks for those items alone that failed last time.
    """

    __test__ = False  # no test class, whatever pytest thinks of its name

    against: str | None = None
    accept: bool = False
    failed: bool = False


@dataclass(frozen=True)
class TestedItem:
    """How one item of a suite was answered; `text` is the item itself, where it failed and is not sealed."""

    __test__ = False

    suite: str
    row: ItemResult
    text: dict[str, Any] | None = None


@dataclass(frozen=True)
class TestReport:
    """Figures of every suite by split, the verdict over its gates, and the units that had to run for them.

    `against` is the version compared with, beside the base. `part`: only what failed last time was tested again.
    """

    __test__ = False

    verdict: Verdict
    suites: dict[str, dict[str, dict[str, Any]]]
    disciplines: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    ran: tuple[str, ...] = ()
    seconds: float = 0.0
    against: str | None = None
    part: bool = False
    accepted: bool = False
    items: tuple[TestedItem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        gates = [
            {"name": gate.name, "value": gate.value, "limit": gate.limit, "ok": gate.ok}
            | ({"against": gate.against} if gate.against else {})
            for gate in self.verdict.gates
        ]
        return {
            "schema": SCHEMA,
            "verdict": "part" if self.part else self.verdict.verdict,
            "suites": self.suites,
            "gates": gates,
            "disciplines": self.disciplines,
            "against": self.against,
            "accepted": self.accepted,
            "ran": list(self.ran),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote: rows by split, discipline and recipe, and every file. `load` is a line that reads it."""

    format: str
    folder: str
    splits: dict[str, int]
    disciplines: dict[str, int]
    recipes: dict[str, int]
    files: tuple[dict[str, Any], ...]
    data: str
    load: str
    lock_changed: bool = False
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {
            "schema": SCHEMA,
            "format": self.format,
            "folder": self.folder,
            "rows": sum(self.splits.values()),
            "splits": self.splits,
            "disciplines": self.disciplines,
            "recipes": self.recipes,
            "files": list(self.files),
            "data": self.data,
            "load": self.load,
            "seconds": round(self.seconds, 3),
        }
