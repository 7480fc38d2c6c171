"""A candidate: patches laid over the accepted version, built and tested in a space of its own, and what they change."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.diagnosis.rounds import FILE, Outcome, Trial, last_trial, line_of, parse, round_of
from prodabuild.engine import lockfile
from prodabuild.engine.store import place
from prodabuild.errors import ProjectError, StaleError, UsageError
from prodabuild.evaluation.figures import Reference, change, correct_for_number
from prodabuild.evaluation.gates import GateResult, judge
from prodabuild.knowledge.patches import FOLDER, records_of
from prodabuild.paths import read_source
from prodabuild.project.failures import raise_failures
from prodabuild.project.locking import ACCEPTED, LOCK
from prodabuild.project.patching import find_patch, load_patch, patch_names, patch_now
from prodabuild.project.redo import PRIVATE
from prodabuild.project.session import candidate_session
from prodabuild.project.testing import SEALED, ceilings, read_rows
from prodabuild.project.versions import accepted as accepted_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prodabuild.diagnosis.rounds import Verdict
    from prodabuild.evaluation.figures import Figures
    from prodabuild.evaluation.results import ItemResult
    from prodabuild.knowledge.patches import Patch
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.outcome import Options
    from prodabuild.project.session import Session

LAST = "the last test"
SURE = 0.05  # a fall counts as one when chance gives it less often than this
NAMED, CONTROL = "failed, named", "failed, not named"  # of dev items
GUARDED = ("dev", "sealed", "untouched disciplines")
GROUPS = (NAMED, CONTROL, *GUARDED)


class Patches(NamedTuple):
    """The patches that a candidate has, by name, and those among them that are tried."""

    all: dict[str, str]  # name -> digest
    fresh: tuple[Patch, ...]


@dataclass(frozen=True)
class TryReport:
    """What patches change, paired item by item: groups of the suite made from chains, other suites, disciplines.

    Failed items can only rise, and training anew repairs some by chance: those that no patch names tell how many.
    A group without items that both versions have is None. `samples` are those before and now.
    """

    patches: tuple[str, ...]
    against: str
    round: int
    groups: dict[str, Figures | None]
    suites: dict[str, Figures | None]
    disciplines: dict[str, Figures]
    gates: tuple[GateResult, ...]
    samples: tuple[int, int]
    model: str
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Return `pass` when every gate is met."""
        return "pass" if all(gate.ok for gate in self.gates) else "fail"

    def to_json(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        return {
            "schema": 1,
            "patches": list(self.patches),
            "verdict": self.verdict,
            "against": self.against,
            "round": self.round,
            "groups": self.groups,
            "suites": self.suites,
            "disciplines": self.disciplines,
            "gates": [
                {"name": gate.name, "value": gate.value, "limit": gate.limit, "ok": gate.ok} for gate in self.gates
            ],
            "samples": {"before": self.samples[0], "now": self.samples[1]},
            "model": self.model,
            "seconds": round(self.seconds, 3),
        }


def read_trials(root: Path) -> list[Trial]:
    """Return the trials that the repo records; raises `ProblemsError`."""
    return parse(read_source(root, FILE)) if os.path.lexists(root / FILE) else []


def record(root: Path, trial: Trial) -> None:
    """Add a trial to the record."""
    before = read_source(root, FILE) if os.path.lexists(root / FILE) else b""
    place(root, FILE, before + b"\n" * bool(before and not before.endswith(b"\n")) + line_of(trial), _scratch(root))


def try_patches(root: Path, manifest: Manifest, options: Options, names: Sequence[str]) -> TryReport:
    """Build and test the accepted version with some patches laid over it (all, where none is named), and record it.

    Neither `build/` nor `proda.lock` changes. Raises `UsageError` where there is nothing to try or to compare with.
    """
    started = time.monotonic()
    if manifest.chain_suite is None:
        raise ProjectError("proda.yaml has no suite made from chains", "add one: `tests: {chains: {from: chains}}`")
    trials, patches = read_trials(root), chosen(root, names)
    files = {f"{FOLDER}/{name}.yaml" for name in patches.all}
    with candidate_session(root, manifest, options, "prodabuild patch try", lambda file: file in files) as sessions:
        recorded, session = sessions
        before = _before(recorded)
        result = session.run("results")
        raise_failures(result, root, session.state, keep_going=False)
        report = _report(recorded, session, before, patches, round_of(trials))
        suite = manifest.chain_suite[0]
        nodes = dict(_outcomes(session, patches.fresh, read_rows(session, f"results:{suite}")))
        results = session.state.made(f"results:{suite}")
    assert results is not None, "the results were just built"
    found = {name: group and group["difference"] for name, group in report.groups.items()}
    record(root, Trial("tried", report.round, patches.all, results.files[0].sha256, report.verdict, found, nodes))
    return replace(report, seconds=time.monotonic() - started)


def approved(root: Path, names: Sequence[str]) -> Trial:
    """Return the last trial of some patches (all, where none is named), for who is about to accept them.

    Raises `StaleError` where they were not tried as they are, `UsageError` where patches lie beside them.
    """
    patches = chosen(root, names)
    numbers = " ".join(patch.name[:4] for patch in patches.fresh)
    trial = last_trial(read_trials(root), patches.all)
    if trial is None:
        raise StaleError("these patches were not tried as they are now", f"run `prodabuild patch try {numbers}`")
    beside = [name for name in patch_names(root) if name not in patches.all]
    if beside:
        more = f" and {len(beside) - 1} more" if len(beside) > 1 else ""
        hint = "drop what is not to be in this version (`prodabuild patch drop`), or try all"
        raise UsageError(f"{beside[0]}{more} would be part of the version, and was not tried with it", hint)
    return trial


def refuse_other(session: Session, trial: Trial) -> None:
    """Raise `StaleError` where what was just built is not what was tried."""
    assert session.manifest.chain_suite, "a trial has seen to it"
    made = session.state.made(f"results:{session.manifest.chain_suite[0]}")
    if made is None or made.files[0].sha256 != trial.results:
        raise StaleError("the sources have changed since these patches were tried", "try them again")


def chosen(root: Path, names: Sequence[str]) -> Patches:
    """Return the patches of a candidate: those of the accepted version, and the named ones (or else all)."""
    entries = lockfile.read(root / LOCK).items()
    accepted = {
        pair for name, entry in entries if name.startswith(ACCEPTED) for pair in entry.get("patches", {}).items()
    }
    present = {name: patch_now(root, name) for name in patch_names(root)}
    known = {name for name, digest in present.items() if (name, digest) in accepted}
    wanted = [find_patch(root, name)[len(FOLDER) + 1 : -len(".yaml")] for name in names] or [*present]
    fresh = tuple(load_patch(root, f"{FOLDER}/{name}.yaml") for name in dict.fromkeys(wanted) if name not in known)
    if not fresh:
        what = "the accepted version has these patches" if wanted else "there is no patch"
        raise UsageError(f"{what}: nothing is left to try", "draft some: `prodabuild debug --draft`")
    fresh_names = {patch.name for patch in fresh}
    return Patches({name: digest for name, digest in present.items() if name in known | fresh_names}, fresh)


def _before(recorded: Session) -> dict[str, Reference]:
    """Return what the accepted version got, or else the last test, by suite; raises `UsageError`."""
    found = accepted_results(lockfile.read(recorded.root / LOCK), recorded.space.store)
    for suite in recorded.manifest.tests:
        if suite not in found or not found[suite].rows:
            rows = {row.id: row for row in read_rows(recorded, f"results:{suite}")}
            found[suite] = Reference(LAST, rows, {})
    chains = recorded.manifest.chain_suite
    if chains and not found[chains[0]].rows:
        raise UsageError("there are no results to compare with", "test the version without the patches first")
    return found


def _report(
    recorded: Session, session: Session, before: Mapping[str, Reference], patches: Patches, number: int
) -> TryReport:
    assert session.manifest.chain_suite, "the caller has seen to it"
    suite = session.manifest.chain_suite[0]
    rows, reference = read_rows(session, f"results:{suite}"), before[suite]
    parts = _groups(recorded, session, rows, patches.fresh, reference)
    groups = {name: change(part, reference.rows) for name, part in parts.items()}
    others = {
        name: change(read_rows(session, f"results:{name}"), before[name].rows)
        for name in session.manifest.tests
        if name != suite
    }
    disciplines = _by_discipline(rows, reference)
    model = session.state.made("model")
    return TryReport(
        tuple(patch.name for patch in patches.fresh),
        reference.name,
        number,
        groups,
        others,
        disciplines,
        (*_gates(session.manifest, suite, groups, others, disciplines), *judge({}, {}, ceilings(session)).gates),
        (_samples(recorded), _samples(session)),
        str(lockfile.unit_entry(model.files)["sha256"]) if model else "",
        0.0,
    )


def _groups(
    recorded: Session, session: Session, rows: Sequence[ItemResult], patches: Sequence[Patch], reference: Reference
) -> dict[str, list[ItemResult]]:
    named = {item for patch in patches for item in patch.evidence.get("items", ())}
    touched = {found for patch in patches for found in _disciplines(recorded, session, patch)}
    dev = [row for row in rows if row.split != SEALED]
    failed = [row for row in dev if row.id in reference.rows and not reference.rows[row.id].correct]
    parts = (
        [row for row in failed if row.id in named],
        [row for row in failed if row.id not in named],
        dev,
        [row for row in rows if row.split == SEALED],
        [row for row in rows if row.discipline not in touched],
    )
    return dict(zip(GROUPS, parts, strict=True))


def _by_discipline(rows: Sequence[ItemResult], reference: Reference) -> dict[str, Figures]:
    names = sorted({row.discipline for row in rows if row.discipline})
    found = {name: change([row for row in rows if row.discipline == name], reference.rows) for name in names}
    changes = {name: figures for name, figures in found.items() if figures}
    correct_for_number([{"against": figures} for figures in changes.values()])
    return changes


def _gates(
    manifest: Manifest,
    suite: str,
    groups: Mapping[str, Figures | None],
    others: Mapping[str, Figures | None],
    disciplines: Mapping[str, Figures],
) -> Iterator[GateResult]:
    """What is named has to be repaired more often than what is not; nothing may fall beyond its gate, or chance."""
    named, control = groups[NAMED], groups[CONTROL]
    if named:
        gain = named["difference"] - (control["difference"] if control else 0.0)
        yield GateResult(f"{suite}.{NAMED}.gain", gain, 0.0, gain > 0)
    parts = [(f"{suite}.{name}", suite, groups[name]) for name in GUARDED]
    for name, of, found in (*parts, *((name, name, found) for name, found in others.items())):
        gate = manifest.tests[of].gate
        limit = gate.max_drop if gate else None
        if found:
            significant = found["difference"] < 0 and found["p"] < SURE
            beyond = limit is not None and -found["difference"] > limit
            yield GateResult(f"{name}.drop", -found["difference"] + 0.0, limit or 0.0, not (beyond or significant))
    fallen = [name for name, found in disciplines.items() if found["difference"] < 0 and found["p_holm"] < SURE]
    yield GateResult("disciplines.fallen", float(len(fallen)), 0.0, not fallen)


def _disciplines(recorded: Session, session: Session, patch: Patch) -> Iterator[str]:
    """Return the disciplines of the records that a patch names, before or after it."""
    for key in (key for op in patch.ops for key in records_of(op)):
        fact = session.state.fact(key) or recorded.state.fact(key)
        if fact:
            yield fact.group.partition(":")[2]


def _outcomes(session: Session, patches: Iterable[Patch], rows: Iterable[ItemResult]) -> Iterator[tuple[str, Outcome]]:
    """Return what came of each record: of the patch's failed items that it is part of, how many pass."""
    right = {row.id: row.correct for row in rows if row.split != SEALED}
    nodes = _nodes(session)
    for patch in patches:
        items = [item for item in patch.evidence.get("items", ()) if item in right]
        for node in dict.fromkeys(node for op in patch.ops for node in records_of(op)):
            mine = [item for item in items if node in nodes.get(item, ())]
            if mine:
                yield node, Outcome(patch.name, len(mine), sum(right[item] for item in mine))


def _nodes(session: Session) -> dict[str, list[str]]:
    """Return the records of each dev item; the file of sealed ones is not opened."""
    assert session.manifest.chain_suite, "the caller has seen to it"
    made = session.state.made(f"suite:{session.manifest.chain_suite[0]}")
    files = [stored for stored in made.files if stored.path.endswith("/dev.jsonl")] if made else []
    lines = (line for stored in files for line in session.space.store.open(stored).read_bytes().splitlines())
    return {row["id"]: row["nodes"] for row in map(orjson.loads, lines)}


def _samples(session: Session) -> int:
    made = session.state.made("dataset")
    return int(orjson.loads(made.summary)["samples"]) if made else 0


def _scratch(root: Path) -> Path:
    return root / PRIVATE / "tmp"
