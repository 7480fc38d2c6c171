"""Debugging: the failed dev items of the last results are probed, their causes named, patches drafted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.diagnosis.causes import Asked, Evidence, diagnose, measure
from prodabuild.diagnosis.findings import gather
from prodabuild.diagnosis.probes import given, link, meaning, read_item, recall, reordered
from prodabuild.diagnosis.rounds import flaky, outcomes, round_of
from prodabuild.digest import canonical, seeded, sha256
from prodabuild.engine.code import read_code
from prodabuild.engine.store import place
from prodabuild.engine.view import View
from prodabuild.errors import ProjectError, StaleError
from prodabuild.evaluation.known import known_file, score_unknown
from prodabuild.evaluation.loading import loaded, open_candidate
from prodabuild.evaluation.results import choose
from prodabuild.evaluation.scoring import prepare, score
from prodabuild.events import Note, Progress
from prodabuild.knowledge.reading import Knowledge
from prodabuild.project.candidate import read_trials
from prodabuild.project.drafting import write_drafts
from prodabuild.project.redo import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prodabuild.diagnosis.causes import Diagnosis, Rates
    from prodabuild.diagnosis.findings import Finding
    from prodabuild.diagnosis.probes import Item, Probe
    from prodabuild.diagnosis.rounds import Outcome, Trial
    from prodabuild.evaluation.scoring import Likelihood
    from prodabuild.knowledge.reading import Relation
    from prodabuild.project.session import Session

CONTROLS = 200  # items that the model passes, of which the rates are measured
UNIT = "debug"  # what its reads are named by; nothing of it is recorded
REPORTS = f"{PRIVATE}/diagnosis"


class Picked(NamedTuple):
    """An item, and the option that the model picked."""

    item: Item
    pick: int


@dataclass(frozen=True)
class DebugReport:
    """What was found out about the failed items of a suite. `rates` say what the probes were worth.

    `tried` are the records in the findings that were emphasised before, and it did not help. `flaky` failed items
    changed their mind over the `versions` that are remembered.
    """

    suite: str
    failures: int
    findings: tuple[Finding, ...]
    rates: Rates
    digest: str
    file: str
    round: int
    tried: dict[str, Outcome]
    flaky: tuple[str, ...]
    versions: int
    drafts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        return {
            "schema": 1,
            "suite": self.suite,
            "failures": self.failures,
            "findings": [finding._asdict() for finding in self.findings],
            "rates": self.rates._asdict(),
            "digest": self.digest,
            "file": self.file,
            "round": self.round,
            "tried": {node: found._asdict() for node, found in self.tried.items()},
            "flaky": list(self.flaky),
            "versions": self.versions,
            "drafts": list(self.drafts),
        }


def debug(session: Session, drafting: bool) -> DebugReport:
    """Diagnose the failed dev items of the suite made from chains, and write drafts of patches if asked to.

    Raises `ProjectError` where there is no such suite, `StaleError` where its results are not those of the sources.
    """
    suite = session.manifest.chain_suite
    if suite is None:
        raise ProjectError("proda.yaml has no suite made from chains", "add one: `tests: {chains: {from: chains}}`")
    name = suite[0]
    view = View(UNIT, session.reader(), session.space.scratch)
    results = _results(session, view, name)
    knowledge = Knowledge(view, view.read("manifest", "compile.seed"))
    failed, passed = _items(view, knowledge, name, results)
    controls = sorted(passed, key=lambda picked: seeded(knowledge.seed, "control", picked.item.id))[:CONTROLS]
    evidence = _probe(View(UNIT, session.reader(), session.space.scratch), knowledge, [*failed, *controls])
    rates = measure(evidence[len(failed) :], evidence[: len(failed)])
    diagnoses = [diagnose(row, rates) for row in evidence[: len(failed)]]
    findings = gather(diagnoses, {picked.item.id: picked.item.discipline for picked in failed})
    document = canonical(_document(name, findings, diagnoses, rates))
    digest = sha256(document)
    file = f"{REPORTS}/{name}-{digest[:12]}.json"
    place(session.root, file, document + b"\n", session.space.scratch)
    trials = read_trials(session.root)
    tried = _in_vain(trials, findings)
    fresh = [finding for finding in findings if tried.keys().isdisjoint(finding.nodes)]
    histories = _histories(session, name, results)
    return DebugReport(
        suite=name,
        failures=len(failed),
        findings=tuple(findings),
        rates=rates,
        digest=digest,
        file=file,
        round=round_of(trials),
        tried=tried,
        flaky=tuple(sorted(flaky({one.item.id: histories[one.item.id] for one in failed}))),
        versions=max(map(len, histories.values()), default=0),
        drafts=write_drafts(session, knowledge, fresh, evidence, digest) if drafting else (),
    )


def _in_vain(trials: Sequence[Trial], findings: Iterable[Finding]) -> dict[str, Outcome]:
    """Return the records in findings that were tried, and it did not help."""
    named = {node for finding in findings for node in finding.nodes}
    return {node: found for node, found in outcomes(trials).items() if node in named and not found.helped}


def _results(session: Session, view: View, name: str) -> list[dict[str, Any]]:
    unit = session.state.unit(f"results:{name}")
    if unit is None or unit.inputs is None or unit.dirty is not None or session.state.dirty():
        raise StaleError("the results are not those of the present sources", "run `prodabuild test`")
    (stored,) = view.output(f"results:{name}")
    rows: list[dict[str, Any]] = orjson.loads(view.path(stored).read_bytes())["items"]
    return rows


def _items(
    view: View, knowledge: Knowledge, name: str, results: Iterable[Mapping[str, Any]]
) -> tuple[list[Picked], list[Picked]]:
    """Return the dev items that failed and those that passed. The file of sealed items is not opened."""
    dev = {row["id"]: row for row in results if row["split"] == "dev"}
    found: tuple[list[Picked], list[Picked]] = ([], [])
    for stored in view.output(f"suite:{name}"):
        if not stored.path.endswith("/dev.jsonl"):
            continue
        for line in view.path(stored).read_bytes().splitlines():
            row = orjson.loads(line)
            item = read_item(row, view.read(row["id"], "steps"))
            result = dev[item.id]
            found[result["correct"]].append(Picked(item, result["pick"]))
    return found


def _histories(session: Session, name: str, results: Iterable[Mapping[str, Any]]) -> dict[str, list[bool]]:
    """Return of each item whether the versions that the state remembers passed it, the oldest first."""
    digests = {row["id"]: row["digest"] for row in results}
    histories: dict[str, list[bool]] = {item: [] for item in digests}
    for trace in reversed(session.state.traces(f"results:{name}")):
        data = session.space.store.peek(trace.files[0])
        for row in orjson.loads(data)["items"] if data else ():
            if digests.get(row["id"]) == row["digest"]:
                histories[row["id"]].append(row["correct"])
    return histories


def _probe(view: View, knowledge: Knowledge, picked: Sequence[Picked]) -> list[Evidence]:
    """Ask the model what the items' chains are made of, each record once, and the items in other ways."""
    relations = {step: knowledge.relation(step) for one in picked for step in one.item.steps}
    concepts = {concept for relation in relations.values() for concept in relation.triple[::2]}
    probes = [probe for relation in relations.values() for probe in (*recall(relation), *link(relation))]
    probes += [probe for concept in sorted(concepts) for probe in meaning(knowledge.concept(concept))]
    for one in picked:
        facts = [relations[step].say(relations[step].predicate.forward, end=".") for step in one.item.steps]
        probes += [*given(one.item, facts), *reordered(one.item)]
    asked = _ask(view, probes)
    return [_evidence(one, relations, asked) for one in picked]


def _evidence(
    picked: Picked, relations: Mapping[str, Relation], asked: Mapping[tuple[str, str], list[Asked]]
) -> Evidence:
    item = picked.item
    path = [relations[item.steps[0]].triple[0], *(relations[step].triple[2] for step in item.steps)]
    return Evidence(
        item.id,
        {step: [*asked.get(("recall", step), ()), *asked.get(("link", step), ())] for step in item.steps},
        {concept: asked.get(("meaning", concept), []) for concept in path},
        asked.get(("given", item.id), []),
        asked.get(("order", item.id), []),
        item.violates[picked.pick],
    )


def _ask(view: View, probes: Sequence[Probe]) -> dict[tuple[str, str], list[Asked]]:
    """Return what each kind of probe gave, by what it is about.

    What was asked before is remembered by all that the view has read: code and libraries that score, device, model.
    """
    read_code(view, score.__module__)
    candidate = open_candidate(view, adapted=True)
    requests = [probe.request for probe in probes]

    def ask(unknown: list[Any]) -> list[list[Likelihood]]:
        options = sum(len(request.continuations) for request in unknown)
        view.emit(Note(f"probing the model on {candidate.device}: {len(unknown)} questions, {options} options"))
        with loaded(candidate) as (model, tokenizer):
            told = lambda done: view.emit(Progress(UNIT, done, len(unknown), "probes"))  # noqa: E731
            return score(prepare(model, tokenizer), unknown, told)

    found: dict[tuple[str, str], list[Asked]] = {}
    for probe, likelihoods in zip(probes, score_unknown(known_file(view), requests, ask), strict=True):
        pick = choose([likelihood.value for likelihood in likelihoods])
        one = Asked(pick == probe.gold, probe.options[pick], len(probe.options))
        found.setdefault((probe.kind, probe.about), []).append(one)
    return found


def _document(suite: str, findings: Sequence[Finding], diagnoses: Sequence[Diagnosis], rates: Rates) -> dict[str, Any]:
    return {
        "suite": suite,
        "rates": rates._asdict(),
        "findings": [finding._asdict() for finding in findings],
        "diagnoses": [diagnosis._asdict() for diagnosis in diagnoses],
    }
