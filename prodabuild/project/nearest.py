"""The nearest known name to one that is not known, among units and a hundred thousand records."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prodabuild.engine.state import State

ENOUGH = 2000  # names that are compared letter by letter
CLOSE = 0.6


def nearest(state: State, name: str) -> str | None:
    """Return a hint: the record of that name in some discipline, else the closest units and records."""
    found = state.grouped_keys(suffix=f"/{name}")[:3] or _closest(state, name)
    return f"did you mean {' or '.join(map(repr, found))}?" if found else None


def _closest(state: State, name: str) -> list[str]:
    """Return names that begin alike and are alike: the longer the common beginning has to be, the quicker."""
    for length in range(len(name), -1, -1):
        prefix = name[:length]
        known = {*state.unit_names_below(prefix), *state.grouped_keys(prefix)}
        if len(known) > ENOUGH:
            known = set(sorted(known, key=lambda other: abs(len(other) - len(name)))[:ENOUGH])
        if close := difflib.get_close_matches(name, sorted(known), n=3, cutoff=CLOSE):
            return close
        if len(known) == ENOUGH:
            break
    return []
