"""Rounds of repair: which patches were tried, what came of each record that they name, which items are flaky.

A round ends when patches are accepted. The record of it is `patches/trials.jsonl`: it belongs in git, since it keeps
whoever comes next from trying the same again.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from prodabuild.digest import canonical
from prodabuild.knowledge.patches import FOLDER
from prodabuild.problems import Problem, raise_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Verdict = Literal["pass", "fail"]
FILE = f"{FOLDER}/trials.jsonl"
HELPED = 0.5  # share of a record's failed items that must pass after it was emphasised


class Outcome(NamedTuple):
    """What came of one record that a patch names: of its items that failed, how many pass now."""

    patch: str
    items: int
    passed: int

    @property
    def helped(self) -> bool:
        """Tell whether it was worth it."""
        return self.passed >= HELPED * self.items


class Trial(NamedTuple):
    """Patches that were tried on a version, or accepted. `patches` are digests by name, of all that the version has.

    `results` is the digest of what the candidate got; `nodes` holds outcomes by record.
    """

    event: Literal["tried", "accepted"]
    round: int
    patches: Mapping[str, str]
    results: str
    verdict: Verdict
    groups: Mapping[str, Any]
    nodes: Mapping[str, Outcome]


def parse(data: bytes) -> list[Trial]:
    """Return the trials of a file; raises `ProblemsError`."""
    found, problems = [], []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            row = orjson.loads(line)
            nodes = {node: Outcome(*outcome) for node, outcome in row["nodes"].items()}
            found.append(Trial(**row | {"nodes": nodes}))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            hint = "take the line as git has it: `git checkout` the file, or remove the line"
            problems.append(Problem("P011", "this is no record of a trial", FILE, number, 1, hint))
    raise_errors(problems)
    return found


def line_of(trial: Trial) -> bytes:
    """Return the line of a trial."""
    return canonical(trial._asdict() | {"nodes": {node: list(found) for node, found in trial.nodes.items()}}) + b"\n"


def round_of(trials: Iterable[Trial]) -> int:
    """Return the number of the present round, counted from 1."""
    return 1 + sum(trial.event == "accepted" for trial in trials)


def outcomes(trials: Iterable[Trial]) -> dict[str, Outcome]:
    """Return what came of each record when it was tried last."""
    return {node: found for trial in trials for node, found in trial.nodes.items()}


def last_trial(trials: Sequence[Trial], patches: Mapping[str, str]) -> Trial | None:
    """Return the last trial of exactly these patches, as they are."""
    return next((found for found in reversed(trials) if found.event == "tried" and found.patches == patches), None)


def flaky(histories: Mapping[str, Sequence[bool]]) -> set[str]:
    """Return the items that changed their mind at least twice over the versions that were tested."""
    return {item for item, passed in histories.items() if sum(one != other for one, other in pairwise(passed)) >= 2}
