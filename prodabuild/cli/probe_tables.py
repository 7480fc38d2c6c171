"""What probes found, as JSON documents, tables and drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.insight.apprentice import Learnt
    from prodabuild.insight.claims import Card, Found
    from prodabuild.insight.decoding import Sweep
    from prodabuild.insight.reading import Excess
    from prodabuild.insight.source import Source
    from prodabuild.project.probing import ProbeReport

SHOWN = 32  # symbols of a sample
CLOSE = 1e-6  # bits between the bounds of a rate that is shown as one


class Table(NamedTuple):
    """A table whose first columns, as many as `names`, are words."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1


Told = tuple[dict[str, Any], list[Table], str]


def kinds() -> Told:
    """Return which sources there are, with what their knobs are when nothing is said."""
    from prodabuild.insight.catalogue import KINDS

    usual = {name: {key: knob.usual for key, knob in kind.knobs.items()} for name, kind in KINDS.items()}
    rows = [
        (name, ",".join(f"{key}={value:g}" for key, value in usual[name].items()), kind.says)
        for name, kind in KINDS.items()
    ]
    document = [{"name": name, "knobs": usual[name], "says": kind.says} for name, kind in KINDS.items()]
    return {"sources": document}, [Table(("source", "knobs", "what it is"), rows, 3)], ""


def facts(name: str, source: Source, length: int) -> Told:
    """Return what is known of a source."""
    from prodabuild.insight.source import typical

    limits, variance = typical(source, length)
    first = source.sample(1, SHOWN, "shown")[0].tolist()
    document = {
        "source": name,
        "symbols": source.symbols,
        "rate": source.rate._asdict(),
        "varentropy": {"value": variance, "exact": source.varentropy is not None},
        "band": {"length": length, **limits._asdict()},
        "floors": source.floors(),
        "sample": first,
    }
    rows = [
        ("symbols", str(source.symbols)),
        ("entropy rate", _rate(source)),
        *((f"floor {floor}", f"{value:.6f}") for floor, value in source.floors().items()),
        ("varentropy", f"{variance:.4f}" + ("" if source.varentropy is not None else " (estimated)")),
        (f"typical, {length} symbols", f"{limits.low:.4f} to {limits.high:.4f} (95 %)"),
        ("begins", " ".join(map(str, first))),
    ]
    return document, [Table((name, ""), rows, 2)], ""


def _rate(source: Source) -> str:
    low, high = source.rate
    return f"{high:.6f}" if high - low < CLOSE else f"{low:.6f} to {high:.6f}"


def course(name: str, source: Source, learnt: Learnt) -> Told:
    """Return how a model came closer to its source."""
    points = [(point.step, point.symbols, point.bits, point.excess.mean, point.excess.error) for point in learnt.points]
    document = {
        "source": name,
        "rate": source.rate._asdict(),
        "floors": source.floors(),
        "oracle": learnt.oracle,
        "points": [dict(zip(("step", "symbols", "bits", "excess", "error"), point, strict=True)) for point in points],
        "places": [{"first": first, "last": last, "excess": excess} for first, last, excess in learnt.places],
    }
    known = [*((f"floor {floor}", f"{value:.4f}") for floor, value in source.floors().items())]
    known += [("entropy rate", _rate(source)), ("source on these rows", f"{learnt.oracle:.4f}")]
    rows = [
        (str(step), str(symbols), f"{bits:.4f}", f"{excess:.4f}", f"{error:.4f}")
        for step, symbols, bits, excess, error in points
    ]
    places = [(f"{first} to {last}", f"{excess:+.4f}") for first, last, excess in learnt.places]
    last = f"{_figure(learnt.final.excess)} bits a symbol are left to learn"
    tables = [
        Table((name, "bits"), known),
        Table(("step", "symbols", "held out", "excess", "s.e."), rows, 0),
        Table(("places", "excess"), places),
    ]
    return document, tables, last


def _figure(excess: Excess) -> str:
    return f"{excess.mean:.4f} (s.e. {excess.error:.4f}, {excess.rows} rows)"


def draw_course(name: str, source: Source, learnt: Learnt) -> bytes:
    """Return held-out loss by step, with the floors and the rate as lines."""
    from prodabuild.insight.curves import Chart, Map, draw

    curve = [(float(point.step), point.bits) for point in learnt.points]
    lines = source.floors() | _rate_lines(source)
    columns = [f"{first} to {last}" for first, last, _ in learnt.places]
    return draw(
        Chart(f"{name}: bits a held-out symbol", "step", {"model": curve}, lines, logarithmic=True),
        Map("excess by place, bits a symbol", columns, {name: [excess for _, _, excess in learnt.places]}),
    )


def _rate_lines(source: Source) -> dict[str, float]:
    """Return the entropy rate as a line, or as two where it is a bracket."""
    low, high = source.rate
    return {"rate": high} if high - low < CLOSE else {"rate, at least": low, "rate, at most": high}


SPAN = ("places", "source", "pairs", "counts", "base", "model", "leaked base", "leaked model")


def contexts(report: ProbeReport) -> Told:
    """Return what two models made of one source, place by place."""
    ((name, found),) = report.found.items()
    base, model = found["base"], found["model"]
    rows = [
        (
            f"{one.first} to {one.last}",
            *(f"{value:.3f}" for value in (one.source, one.pairs, one.counts, one.model, other.model)),
            f"{one.leaked:.4f}",
            f"{other.leaked:.4f}",
        )
        for one, other in zip(base.spans, model.spans, strict=True)
    ]
    last = (
        f"{name} as {', '.join(report.words[name])}\n"
        f"excess of base {_figure(base.excess)}\nexcess of model {_figure(model.excess)}\n"
        f"change {_signed(report.changes[name])}"
    )
    return report.to_json(), [Table(SPAN, rows)], last


def rungs(report: ProbeReport) -> Told:
    """Return the excess of two models on each rung of a ladder."""
    rows = []
    for name, found in report.found.items():
        base, model, change = found["base"], found["model"], report.changes[name]
        figures = (f"{base.excess.mean:.3f}", f"{model.excess.mean:.3f}", f"{change.mean:+.3f}", f"{change.error:.3f}")
        rows.append((name, *figures, f"{base.leaked:.3f}", f"{model.leaked:.3f}"))
    header = ("excess", "base", "model", "change", "s.e.", "leaked base", "leaked model")
    return report.to_json(), [Table(header, rows)], f"mean change over the ladder {_signed(report.change)}"


def _signed(change: Excess) -> str:
    low, high = (change.mean + side * 1.96 * change.error for side in (-1, 1))
    return f"{change.mean:+.4f} bits a symbol (95 %: {low:+.4f} to {high:+.4f})"


def draw_contexts(report: ProbeReport) -> bytes:
    """Return what is paid by place in the context."""
    from prodabuild.insight.curves import Chart, draw

    ((name, found),) = report.found.items()
    curves = {model: [(float(span.last), span.model) for span in each.spans] for model, each in found.items()}
    spans = found["base"].spans
    curves |= {"source": [(float(span.last), span.source) for span in spans]}
    curves |= {"pairs": [(float(span.last), span.pairs) for span in spans]}
    return draw(Chart(f"{name}: bits a symbol", "place in the context", curves, {}, logarithmic=True))


def draw_rungs(report: ProbeReport) -> bytes:
    """Return excess and its change as a map, and below it what the model pays above the source, place by place."""
    from prodabuild.insight.curves import Map, draw

    rows = {
        name: (found["base"].excess.mean, found["model"].excess.mean, report.changes[name].mean)
        for name, found in report.found.items()
    }
    maps = [Map("excess over the source, bits a symbol", ("base", "model", "change"), rows)]
    for model in ("base", "model"):
        spans = {name: found[model].spans for name, found in report.found.items()}
        columns = [f"{span.first} to {span.last}" for span in next(iter(spans.values()))]
        excess = {name: [span.model - span.source for span in each] for name, each in spans.items()}
        maps.append(Map(f"excess of {model} by place in the context", columns, excess))
    return draw(*maps)


REGIME = (
    "temperature",
    "bits",
    "s.e.",
    "own",
    "regime",
    "below",
    "inside",
    "above",
    "impossible",
    "KS",
    "repeats",
    "TV",
)


def regimes(name: str, source: Source, swept: Sweep) -> Told:
    """Return what a source says of what a model wrote."""
    named = [("source", swept.truth), *((f"{one.temperature:g}", one) for one in swept.regimes)]
    rows = [
        (
            label,
            *(f"{value:.4f}" for value in (one.bits, one.error, one.own)),
            one.place,
            *(f"{share:.3f}" for share in one.shares.values()),
            *(f"{value:.3f}" for value in (one.impossible, one.distance, one.repeated, one.frequencies)),
        )
        for label, one in named
    ]
    document = {
        "source": name,
        "rate": source.rate._asdict(),
        "band": swept.band._asdict(),
        "truth": swept.truth._asdict(),
        "regimes": [one._asdict() for one in swept.regimes],
    }
    last = f"typical is {swept.band.low:.4f} to {swept.band.high:.4f} bits a symbol: 95 % of rows of {name}"
    return document, [Table(REGIME, rows)], last


def draw_regimes(name: str, source: Source, swept: Sweep) -> bytes:
    """Return the mean bits of what was written, by temperature, and the band."""
    from prodabuild.insight.curves import Chart, draw

    curve = [(one.temperature, one.bits) for one in swept.regimes if one.bits < float("inf")]
    lines = _rate_lines(source)
    return draw(Chart(f"{name}: bits of what was written", "temperature", {"model": curve}, lines, swept.band))


CARD = ("card", "status", "internal", "change", "95 % interval", "external", "change", "95 % interval")


def cards(found: dict[str, Card]) -> Told:
    """Return what became of claims."""
    rows = []
    for file, card in found.items():
        outcome = card.outcome
        if outcome is None:
            status = "frozen, not run" if card.frozen else "not frozen"
            rows.append((file, status, *[""] * 6))
        else:
            rows.append((file, outcome.status, *_validity(outcome.internal), *_validity(outcome.external)))
    document = [{"card": file, **card.model_dump()} for file, card in found.items()]
    return {"cards": document}, [Table(CARD, rows, 3)], ""


def _validity(found: Found | None) -> tuple[str, str, str]:
    if found is None:
        return "", "", ""
    return found.verdict, f"{found.change:+.4f}", f"{found.low:+.4f} to {found.high:+.4f}"
