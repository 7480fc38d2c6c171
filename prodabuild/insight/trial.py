"""The run of a claim card: both arms with every seed, on the source and on real text, and what follows from it."""

from __future__ import annotations

import math
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from prodabuild.errors import ProjectError
from prodabuild.events import Note
from prodabuild.insight.apprentice import Recipe, learn
from prodabuild.insight.catalogue import parse_source
from prodabuild.insight.claims import Found, Outcome, claim_digest, outcome_digest, read_card, with_outcome
from prodabuild.insight.entropy import Z
from prodabuild.insight.text import shipped_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.events import Emit
    from prodabuild.insight.claims import Arm, Card, Direction, Status, Verdict
    from prodabuild.insight.source import Source

# Student's two-sided 95 % quantiles by degrees of freedom; beyond them two terms of Cornish and Fisher are exact enough
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


def run_card(data: bytes, file: str, emit: Emit) -> tuple[bytes, Outcome]:
    """Return a frozen card with its outcome below it, and the outcome; raises `ProjectError` or `ProblemsError`."""
    card = read_card(data, file)
    if card.frozen is None:
        raise ProjectError(
            f"{file} is not frozen", f"what would refute it is settled first: `prodabuild probe freeze {file}`"
        )
    if card.outcome is not None:
        raise ProjectError(f"{file} was run before", "write another card for another run")
    outcome = outcome_of(card, emit)
    return with_outcome(data, outcome), outcome


def outcome_of(card: Card, emit: Emit) -> Outcome:
    """Train both arms with every seed, and return what that says of the claim."""
    seeds = [[_measure(card, arm, parse_source(arm.source), seed, emit) for arm in _arms(card)] for seed in card.seeds]
    texts: list[list[float]] = []
    if card.on_text:
        text = shipped_text()
        texts = [[_measure(card, arm, text, seed, emit) for arm in _arms(card)] for seed in card.seeds]
    internal = find(seeds, card.direction, card.epsilon)
    external = find(texts, card.direction, 0.0) if texts else None
    outcome = Outcome(
        claim=claim_digest(card),
        seeds=seeds,
        text_seeds=texts,
        internal=internal,
        external=external,
        status=status_of(internal, external),
        torch=metadata.version("torch"),
        digest="0" * 64,
    )
    return outcome.model_copy(update={"digest": outcome_digest(outcome)})


def find(pairs: Sequence[Sequence[float]], direction: Direction, epsilon: float) -> Found:
    """Return the mean change from baseline to treatment, and what its 95 % interval over seeds says of the claim.

    It holds where the whole interval lies beyond `epsilon` in the direction, and is refuted where none of it does.
    """
    changes = np.array([treatment - baseline for baseline, treatment in pairs])
    half = student(len(changes) - 1) * float(changes.std(ddof=1)) / math.sqrt(len(changes))
    mean = float(changes.mean())
    low, high = mean - half, mean + half
    least, most = (low, high) if direction == "higher" else (-high, -low)
    verdict: Verdict = "holds" if least > epsilon else "refuted" if most <= epsilon else "undecided"
    return Found(change=mean, low=low, high=high, verdict=verdict)


def student(free: int) -> float:
    """Return Student's two-sided 95 % quantile."""
    if free <= len(STUDENT):
        return STUDENT[free - 1]
    return Z + (Z**3 + Z) / (4 * free) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * free**2)


def status_of(internal: Found, external: Found | None) -> Status:
    """Return what becomes of a claim: nothing is accepted that holds for probes alone."""
    if internal.verdict != "holds":
        return "rejected" if internal.verdict == "refuted" else "undecided"
    return "accepted" if external is not None and external.verdict == "holds" else "probe-local"


def _arms(card: Card) -> tuple[Arm, Arm]:
    return card.baseline, card.treatment


def _measure(card: Card, arm: Arm, source: Source, seed: int, emit: Emit) -> float:
    recipe = Recipe(steps=arm.steps, distinct=arm.distinct, seed=seed, held_out=card.n)
    excess = learn(source, recipe, emit).final.excess.mean
    emit(Note(f"seed {seed}: {excess:.4f} bits a symbol"))
    return excess
