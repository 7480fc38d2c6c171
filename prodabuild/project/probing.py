"""Probes of a data repo's own models: the base, and what was trained on it, on sources whose statistics are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.engine.code import read_code
from prodabuild.engine.view import View
from prodabuild.errors import StaleError
from prodabuild.evaluation.loading import loaded, open_candidate
from prodabuild.events import Progress
from prodabuild.insight.catalogue import parse_source
from prodabuild.insight.context import alphabet_in, in_context, paired, refuse_merged
from prodabuild.insight.reading import forward_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.insight.context import Context
    from prodabuild.insight.reading import Excess
    from prodabuild.project.session import Session

UNIT = "probe"  # what its reads are named by; nothing of it is recorded
BASE, MODEL = "base", "model"
LADDER = (
    "lag:symbols=4,lag=1", "lag:symbols=4,lag=2", "lag:symbols=4,lag=4", "lag:symbols=4,lag=8", "lag:symbols=4,lag=16",
    "markov:symbols=4,order=1,entropy=0.5", "markov:symbols=4,order=1,entropy=1.5",
    "markov:symbols=4,order=2,entropy=0.5", "markov:symbols=4,order=2,entropy=1.5",
    "fresh:symbols=2", "fresh:symbols=4", "fresh:symbols=8", "even", "brackets:kinds=2",
)  # fmt: skip


@dataclass(frozen=True)
class ProbeRequest:
    """Which sources are put before the models, on how many rows of which length, drawn by which seed."""

    sources: tuple[str, ...] = LADDER
    rows: int = 64
    length: int = 128
    seed: int = 1


@dataclass(frozen=True)
class ProbeReport:
    """What each model made of each source, and how the tuned one changed over all: the words that were symbols."""

    found: dict[str, dict[str, Context]]  # by source, then by model
    change: Excess
    changes: dict[str, Excess]
    words: dict[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        rungs = [
            {
                "source": source,
                "words": list(self.words[source]),
                "change": self.changes[source]._asdict(),
                **{model: _context(context) for model, context in contexts.items()},
            }
            for source, contexts in self.found.items()
        ]
        return {"schema": 1, "rungs": rungs, "change": self.change._asdict()}


def probe(session: Session, request: ProbeRequest) -> ProbeReport:
    """Put sources before base and model; raises `StaleError` where the model is not that of the present sources."""
    if session.plan("model").stale:
        raise StaleError("the model is not that of the present sources", "run `prodabuild compile`")
    read: dict[str, dict[str, Context]] = {source: {} for source in request.sources}
    words: dict[str, tuple[str, ...]] = {}
    for name in (BASE, MODEL):
        view = View(UNIT, session.reader(), session.space.scratch)
        read_code(view, in_context.__module__)
        candidate = open_candidate(view, adapted=name == MODEL)
        with loaded(candidate) as (model, tokenizer):
            for number, text in enumerate(request.sources):
                session.options.emit(Progress(UNIT, number, len(request.sources), f"{name}: {text}"))
                source = parse_source(text)
                alphabet = alphabet_in(tokenizer, source.symbols)
                rows = source.sample(request.rows, request.length, "context", text, request.seed)
                refuse_merged(tokenizer, alphabet, rows)
                read[text][name] = in_context(forward_of(model), alphabet, source, rows, candidate.device)
                words[text] = tuple(tokenizer.decode([token]).strip() for token in alphabet.tokens)
    changes = {text: _change([contexts]) for text, contexts in read.items()}
    return ProbeReport(read, _change(list(read.values())), changes, words)


def _change(contexts: Sequence[dict[str, Context]]) -> Excess:
    return paired([each[BASE].rows for each in contexts], [each[MODEL].rows for each in contexts])


def _context(context: Context) -> dict[str, Any]:
    return {
        "excess": context.excess._asdict(),
        "leaked": context.leaked,
        "spans": [span._asdict() for span in context.spans],
    }
