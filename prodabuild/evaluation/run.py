"""Results of the suite made from chains: `results:NAME` of the adapted model, `results:NAME@base` of its base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical
from prodabuild.engine.code import read_code
from prodabuild.evaluation.encoding import request_of
from prodabuild.evaluation.known import known_file, score_unknown
from prodabuild.evaluation.loading import loaded, open_candidate
from prodabuild.evaluation.results import BASE, ItemResult, choose, digest_of, document, rounded
from prodabuild.evaluation.scoring import prepare, score
from prodabuild.events import Note, Progress

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.evaluation.encoding import Request
    from prodabuild.evaluation.loading import Candidate
    from prodabuild.evaluation.scoring import Likelihood


class ResultsOf(NamedTuple):
    """What a unit of results is about: a suite, and whether of the base."""

    suite: str
    base: bool


def parse_unit(unit: str) -> ResultsOf:
    """Return what a unit of results is about."""
    suite, _, which = unit.partition(":")[2].partition("@")
    return ResultsOf(suite, which == BASE)


def results_file(unit: str, rows: Sequence[ItemResult]) -> Output:
    """Return the one file of a unit of results, below `results/`."""
    suite, base = parse_unit(unit)
    found = document(suite, BASE if base else "adapter", rows)
    return {f"results/{unit.partition(':')[2]}.json": canonical(found) + b"\n"}


def build_results(unit: str, view: View) -> Output:
    """Return the results of the suite made from chains."""
    return results_file(unit, score_chains(unit, view))


def score_chains(unit: str, view: View, only: Collection[str] | None = None) -> list[ItemResult]:
    """Return the results of the items of the suite, or only of those with some ids."""
    read_code(view, __name__)
    suite, base = parse_unit(unit)
    candidate = open_candidate(view, adapted=not base)
    known = known_file(view)
    items = [item for item in read_items(view, suite) if only is None or item["id"] in only]
    requests = [request_of(item["question"], item["choices"]) for item in items]
    found = score_unknown(known, requests, lambda unknown: _score(view, unit, candidate, unknown))
    return [_row(item, likelihoods) for item, likelihoods in zip(items, found, strict=True)]


def read_items(view: View, suite: str) -> list[dict[str, Any]]:
    """Return the items of a suite, as they stand in its files."""
    files = [view.path(stored) for stored in view.output(f"suite:{suite}") if stored.path.endswith(".jsonl")]
    return [orjson.loads(line) for file in sorted(files, key=_name) for line in file.read_bytes().splitlines()]


def _name(file: Path) -> str:
    return file.name


def _score(view: View, unit: str, candidate: Candidate, requests: list[Request]) -> list[list[Likelihood]]:
    which = "the base" if candidate.adapter is None else "the adapted model"
    view.emit(Note(f"testing {which} on {parse_unit(unit).suite}, on {candidate.device}: {len(requests)} items"))

    def told(done: int) -> None:
        view.emit(Progress(unit, done, len(requests), "items"))

    with loaded(candidate) as (model, tokenizer):
        return score(prepare(model, tokenizer), requests, told)


def _row(item: dict[str, Any], likelihoods: Sequence[Likelihood]) -> ItemResult:
    values = [likelihood.value for likelihood in likelihoods]
    pick, asked = choose(values), digest_of([item["question"], item["choices"], item["gold"]])
    return ItemResult(item["id"], asked, item["split"], item["discipline"], pick == item["gold"], pick, rounded(values))
