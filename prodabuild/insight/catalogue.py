"""Sources by name, as a command line or a claim card writes them: `markov:symbols=8,order=2,entropy=1.5`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.errors import UsageError
from prodabuild.insight.fresh import Fresh
from prodabuild.insight.grammar import brackets, splitting
from prodabuild.insight.hidden import noisy, random_hidden
from prodabuild.insight.lag import Lag
from prodabuild.insight.markov import even, golden, random_chain, ring, two_state
from prodabuild.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Callable

    from prodabuild.insight.source import Source


class Knob(NamedTuple):
    """A number that a source hangs on, whole where its usual value is, and the least and greatest that it may be."""

    usual: float
    low: float
    high: float


class Kind(NamedTuple):
    """How a source is made of its knobs."""

    make: Callable[..., Source]
    knobs: dict[str, Knob]
    says: str


def _fresh(symbols: int, weight: float) -> Fresh:
    if weight % 0.5:
        raise UsageError(f"fresh: weight={weight:g} is no multiple of 0.5")
    return Fresh(symbols, round(2 * weight))


_SYMBOLS, _SEED, _SHARE = Knob(4, 2, 512), Knob(1, 0, 2**31), Knob(0.1, 0.0, 1.0)
KINDS: dict[str, Kind] = {
    "markov": Kind(
        lambda symbols, order, entropy, seed: random_chain(symbols, order, entropy, "markov", seed),
        {"symbols": _SYMBOLS, "order": Knob(1, 0, 10), "entropy": Knob(1.0, 0.0, 9.0), "seed": _SEED},
        "a Markov chain drawn by seed, its rate tuned to `entropy` bits",
    ),
    "two": Kind(two_state, {"up": Knob(0.1, 0.0, 1.0), "down": Knob(0.4, 0.0, 1.0)}, "a chain of two symbols"),
    "ring": Kind(ring, {"symbols": _SYMBOLS, "share": _SHARE}, "round all symbols, in a share of steps to any"),
    "lag": Kind(
        Lag,
        {"symbols": _SYMBOLS, "lag": Knob(4, 1, 4096), "flip": _SHARE},
        "a copy from `lag` back, with errors",
    ),
    "golden": Kind(golden, {}, "no two 1 in a row"),
    "even": Kind(even, {}, "1 come in runs of even length"),
    "noisy": Kind(noisy, {"flip": _SHARE, "noise": _SHARE}, "a symmetric chain seen through a noisy channel"),
    "hidden": Kind(
        lambda states, symbols, seed: random_hidden(states, symbols, "hidden", seed),
        {"states": Knob(4, 1, 64), "symbols": _SYMBOLS, "seed": _SEED},
        "a hidden Markov chain drawn by seed",
    ),
    "split": Kind(splitting, {"split": Knob(0.25, 0.0, 1.0)}, "the grammar S -> S S | a"),
    "brackets": Kind(
        brackets,
        {"kinds": Knob(2, 1, 16), "nest": Knob(0.3, 0.0, 1.0), "more": Knob(0.4, 0.0, 1.0)},
        "well-formed brackets of several kinds",
    ),
    "fresh": Kind(
        _fresh,
        {"symbols": Knob(4, 2, 64), "weight": Knob(0.5, 0.5, 8.0)},
        "another Markov chain for every row, drawn from a Dirichlet",
    ),
}


def parse_source(text: str) -> Source:
    """Return the source that a text names; raises `UsageError`, or `ProjectError` where its knobs make none."""
    name, _, rest = text.partition(":")
    if name not in KINDS:
        raise UsageError(f"there is no source {name!r}", suggest(name, KINDS, "sources"))
    kind = KINDS[name]
    values = {key: knob.usual for key, knob in kind.knobs.items()}
    parts = [part.partition("=") for part in rest.split(",") if part]
    for key, _, written in parts:
        if key not in kind.knobs:
            raise UsageError(f"{name} has no knob {key!r}", suggest(key, kind.knobs, "knobs"))
        if [each for each, _, _ in parts].count(key) > 1:
            raise UsageError(f"{name} has {key} twice")
        values[key] = _value(name, key, kind.knobs[key], written)
    return kind.make(**values)


def _value(name: str, key: str, knob: Knob, written: str) -> float:
    whole = isinstance(knob.usual, int)
    try:
        value = int(written) if whole else float(written)
    except ValueError:
        raise UsageError(f"{name}: {key}={written} is no {'whole ' if whole else ''}number") from None
    if not knob.low <= value <= knob.high:
        raise UsageError(f"{name}: {key}={written} does not lie between {knob.low:g} and {knob.high:g}")
    return value
