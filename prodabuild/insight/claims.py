"""Claim cards: what is claimed, how it is measured and what would refute it, all frozen before the run.

A card is a YAML file. `freeze` writes the digest of the claim below it, `run` the outcome and a digest of that. A card
whose claim or outcome is not what was frozen and found is refused. That somebody froze a card anew, git tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from prodabuild.digest import canonical, sha256
from prodabuild.errors import ProdaError, ProjectError
from prodabuild.insight.catalogue import parse_source
from prodabuild.knowledge.files import flow, scalar
from prodabuild.manifest.strict import Part, read_strict
from prodabuild.problems import Problem, raise_errors
from prodabuild.yamlio import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

Text = Annotated[str, Field(min_length=1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Direction = Literal["higher", "lower"]
Verdict = Literal["holds", "refuted", "undecided"]
Status = Literal["accepted", "probe-local", "rejected", "undecided"]


class Arm(Part):
    """What one side of the comparison is trained on."""

    source: Text = Field(description="a source, as `prodabuild probe source` lists them")
    distinct: Count | None = Field(
        None, description="train on so many rows again and again; without it each row is new"
    )
    steps: Count = Field(200, description="optimiser steps")


class Found(Part):
    """How much more the treatment gave than the baseline, with a 95 % interval over seeds."""

    change: float
    low: float
    high: float
    verdict: Verdict


class Outcome(Part):
    """What the run found; written by the run alone."""

    claim: Digest
    seeds: list[list[float]] = Field(description="baseline and treatment, seed by seed")
    text_seeds: list[list[float]] = Field(description="the same on real text")
    internal: Found
    external: Found | None = Field(description="on real text; null where the knob was not turned there")
    status: Status
    torch: Text
    digest: Digest


class Card(Part):
    """A claim that can be refuted, and what came of it."""

    title: Text
    claim: Text = Field(description="the claim, in a sentence")
    knob: Literal["source", "distinct", "steps"] = Field(description="the one thing that differs between the arms")
    baseline: Arm
    treatment: Arm
    direction: Direction = Field(description="where the diagnostic moves, by the claim")
    diagnostic: Literal["excess"] = Field("excess", description="held-out bits a symbol above the source")
    n: Annotated[int, Field(ge=2, le=1_000_000)] = Field(128, description="held-out rows")
    epsilon: Annotated[float, Field(ge=0)] = Field(description="changes up to this do not count, in bits a symbol")
    refuted_if: Text = Field(description="what would refute the claim, in a sentence")
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2)] = Field(
        description="one run of each arm each"
    )
    on_text: bool = Field(False, description="also turn the knob on real text: its external validity")
    frozen: Digest | None = Field(None, description="written by `prodabuild probe freeze`")
    outcome: Outcome | None = Field(None, description="written by `prodabuild probe run`")


def read_card(data: bytes, file: str) -> Card:
    """Return the card in a file; raises `ProblemsError` with every mistake, or else with what was tampered with."""
    card, text = read_strict(Card, data, file)
    raise_errors(Problem("C001", message, file, *locate(text, where), hint) for where, message, hint in _unsound(card))
    raise_errors(
        Problem(code, message, file, *locate(text, where), hint) for code, where, message, hint in _broken(card)
    )
    return card


def claim_digest(card: Card) -> str:
    """Return the digest of all that is settled before the run."""
    return sha256(canonical(card.model_dump(exclude={"frozen", "outcome"})))


def outcome_digest(outcome: Outcome) -> str:
    """Return the digest of what a run found."""
    return sha256(canonical(outcome.model_dump(exclude={"digest"})))


def freeze(data: bytes, file: str) -> tuple[bytes, str]:
    """Return a card with the digest of its claim below it, and the digest; raises `ProjectError` if it was frozen."""
    card = read_card(data, file)
    if card.frozen is not None:
        raise ProjectError(f"{file} was frozen before", "write another card: this claim was staked as it is")
    digest = claim_digest(card)
    return _ended(data) + f"frozen: {scalar(digest)}\n".encode(), digest


def with_outcome(data: bytes, outcome: Outcome) -> bytes:
    """Return a card with what its run found below it."""
    lines = (f"  {key}: {flow(value)}" for key, value in outcome.model_dump().items())
    return _ended(data) + "\n".join(["outcome:", *lines, ""]).encode()


def _ended(data: bytes) -> bytes:
    return data if data.endswith(b"\n") else data + b"\n"


def _unsound(card: Card) -> Iterator[tuple[tuple[str, ...], str, str | None]]:
    """Return what makes a card no experiment: a source that is none, arms that differ in more than the knob."""
    for name, arm in (("baseline", card.baseline), ("treatment", card.treatment)):
        try:
            parse_source(arm.source)
        except ProdaError as error:
            yield (name, "source"), error.message, error.hint
    differ = [key for key in Arm.model_fields if getattr(card.baseline, key) != getattr(card.treatment, key)]
    if differ != [card.knob]:
        said = " and ".join(differ) or "nothing"
        yield ("knob",), f"the arms differ in {said}, not in {card.knob} alone", "change one thing at a time"
    if card.on_text and card.knob == "source":
        yield ("on_text",), "real text has no source to be changed", "leave it out: the claim is about probes alone"
    if len(set(card.seeds)) != len(card.seeds):
        yield ("seeds",), "a seed stands twice", "each run needs a seed of its own"


def _broken(card: Card) -> Iterator[tuple[str, tuple[str, ...], str, str | None]]:
    """Return what is not as it was frozen, or not as the run wrote it."""
    digest = claim_digest(card)
    if card.frozen is not None and card.frozen != digest:
        hint = (
            "take the change back, or write another card"
            if card.outcome
            else "take the change back, or the line `frozen`"
        )
        yield "C002", ("frozen",), f"the claim was changed after it was frozen: it is {digest[:12]} now", hint
    if card.outcome is None:
        return
    if card.frozen is None or card.outcome.claim != card.frozen:
        yield "C003", ("outcome", "claim"), "the outcome is that of another claim", "run the card that was frozen"
    if card.outcome.digest != outcome_digest(card.outcome):
        yield "C003", ("outcome", "digest"), "the outcome was changed after the run", "take the change back"
