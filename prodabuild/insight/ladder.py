"""The ladder of one model: what it makes of each source in context; as a unit, `probe` or `probe@base`."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from prodabuild.digest import canonical
from prodabuild.engine.code import read_code
from prodabuild.evaluation.loading import loaded, open_candidate
from prodabuild.events import Progress
from prodabuild.insight.catalogue import parse_source
from prodabuild.insight.context import Context, Span, alphabet_in, in_context, refuse_merged
from prodabuild.insight.reading import Excess, forward_of
from prodabuild.insight.rungs import PROBE, PROBE_BASE, ProbeRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

DECIMALS = 4  # of bits in the file of a unit: what batching and processors do to them shows in the fifth


class Rung(NamedTuple):
    """What a model made of one source, and the words that stood for its symbols."""

    context: Context
    words: tuple[str, ...]


def climb(view: View, adapted: bool, request: ProbeRequest) -> dict[str, Rung]:
    """Return what the base of a view, or the model adapted from it, makes of each source."""
    read_code(view, __name__)
    candidate = open_candidate(view, adapted)
    name = "model" if adapted else "base"
    found: dict[str, Rung] = {}
    with loaded(candidate) as (model, tokenizer):
        for number, text in enumerate(request.sources):
            view.emit(Progress(view.unit, number, len(request.sources), f"{name}: {text}"))
            found[text] = rung_of(text, request, model, tokenizer, candidate.device)
    return found


def rung_of(text: str, request: ProbeRequest, model: Any, tokenizer: Any, device: str) -> Rung:
    """Return what a model makes of one source."""
    source = parse_source(text)
    alphabet = alphabet_in(tokenizer, source.symbols)
    rows = source.sample(request.rows, request.length, "context", text, request.seed)
    refuse_merged(tokenizer, alphabet, rows)
    context = in_context(forward_of(model), alphabet, source, rows, device)
    return Rung(context, tuple(tokenizer.decode([token]).strip() for token in alphabet.tokens))


def build_probe(unit: str, view: View) -> Output:
    """Return the one file of a unit of the ladder that the manifest declares."""
    asked = {each.name: view.read("manifest", f"insight.probe.{each.name}") for each in fields(ProbeRequest)}
    found = climb(view, unit != PROBE_BASE, ProbeRequest(**{**asked, "sources": tuple(asked["sources"])}))
    return {f"insight/{unit}.json": canonical(to_document(unit, found)) + b"\n"}


def to_document(unit: str, rungs: Mapping[str, Rung]) -> dict[str, Any]:
    """Return what the file of a unit holds; bits and shares are rounded."""
    return {
        "model": "adapter" if unit == PROBE else "base",
        "rungs": [
            {
                "source": source,
                "words": list(rung.words),
                "excess": _rounded(rung.context.excess._asdict()),
                "leaked": round(rung.context.leaked, DECIMALS),
                "spans": [_rounded(span._asdict()) for span in rung.context.spans],
                "rows": [round(float(bits), DECIMALS) + 0.0 for bits in rung.context.rows],
            }
            for source, rung in rungs.items()
        ],
    }


def from_document(document: Mapping[str, Any]) -> dict[str, Rung]:
    """Return the rungs that the file of a unit holds."""
    return {
        rung["source"]: Rung(
            Context(
                Excess(**rung["excess"]),
                rung["leaked"],
                tuple(Span(**span) for span in rung["spans"]),
                np.array(rung["rows"]),
            ),
            tuple(rung["words"]),
        )
        for rung in document["rungs"]
    }


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures with their decimals cut; counts stay, and there is no minus before a zero."""
    return {
        name: round(value, DECIMALS) + 0.0 if isinstance(value, float) else value for name, value in figures.items()
    }
