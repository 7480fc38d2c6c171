"""Probes of a data repo's own models: the base, and what was trained on it, on sources whose statistics are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.engine.view import View
from prodabuild.errors import StaleError
from prodabuild.evaluation.gates import Ceiling
from prodabuild.insight.context import paired
from prodabuild.insight.ladder import climb, from_document
from prodabuild.insight.rungs import PROBE, PROBE_BASE
from prodabuild.problems import raise_errors
from prodabuild.project.inputs import declared_ladder
from prodabuild.project.instruments import undeclared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prodabuild.insight.context import Context
    from prodabuild.insight.ladder import Rung
    from prodabuild.insight.reading import Excess
    from prodabuild.insight.rungs import ProbeRequest
    from prodabuild.project.session import Session

BASE, MODEL = "base", "model"
UNITS = {BASE: PROBE_BASE, MODEL: PROBE}
PLACES = 6  # of what a gate looks at


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


def probe(session: Session, request: ProbeRequest | None = None) -> ProbeReport:
    """Put sources before base and model, without a request those that the manifest declares or else those that ship.

    Where the units of the manifest hold the answer, it is theirs. Raises `StaleError` where the model is not that of
    the present sources.
    """
    declared = declared_ladder(session.manifest)
    if request is None:
        raise_errors(undeclared(session.root, session.manifest))
    if session.plan("model").stale:
        raise StaleError("the model is not that of the present sources", "run `prodabuild compile`")
    asked = request or declared
    if asked == declared and session.is_clean(UNITS.values()):
        return recorded(session)
    return _report({name: climb(_view(session), name == MODEL, asked) for name in UNITS})


def recorded(session: Session) -> ProbeReport:
    """Return what the units of the ladder held when they were built last; the caller knows that they were."""
    return _report({name: from_document(session.read_output(unit)) for name, unit in UNITS.items()})


def ceilings(session: Session) -> Iterable[Ceiling]:
    """Return what the gate of the ladder looks at, where the manifest declares one."""
    ladder = session.manifest.insight.probe
    if ladder and ladder.gate:
        yield Ceiling("probe.excess.rise", round(recorded(session).change.mean, PLACES) + 0.0, ladder.gate.max_rise)


def _view(session: Session) -> View:
    return View(PROBE, session.reader(), session.space.scratch)  # nothing of what it reads is recorded


def _report(rungs: Mapping[str, Mapping[str, Rung]]) -> ProbeReport:
    found = {text: {name: rungs[name][text].context for name in UNITS} for text in rungs[BASE]}
    changes = {text: _change([contexts]) for text, contexts in found.items()}
    words = {text: rung.words for text, rung in rungs[MODEL].items()}
    return ProbeReport(found, _change(list(found.values())), changes, words)


def _change(contexts: Sequence[dict[str, Context]]) -> Excess:
    return paired([each[BASE].rows for each in contexts], [each[MODEL].rows for each in contexts])


def _context(context: Context) -> dict[str, Any]:
    return {
        "excess": context.excess._asdict(),
        "leaked": context.leaked,
        "spans": [span._asdict() for span in context.spans],
    }
