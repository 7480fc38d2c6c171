"""Chains: their steps join end to end, and something follows from them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from prodabuild.knowledge.chains import conclude

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.knowledge.graph import Graph
    from prodabuild.knowledge.places import Places
    from prodabuild.problems import Problem


def check_joints(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell which steps do not begin where the one before them ends."""
    relations = graph.relations
    for key, steps in graph.chains.items():
        triples = [relations.get(step) for step in steps]
        for number, (one, two) in enumerate(pairwise(triples), 1):
            if one and two and one[2] != two[0]:
                message = f"steps {number} and {number + 1} do not join: {one[2]!r} is not {two[0]!r}"
                hint = "each step begins at the concept that the one before it ends at"
                yield places.problem("K007", key, message, "steps", number, hint=hint)


def check_conclusions(graph: Graph, places: Places) -> Iterator[Problem]:
    """Tell from which chains nothing follows: their predicates do not compose."""
    known: dict[tuple[str, ...], bool] = {}
    for key, steps in graph.chains.items():
        if not all(step in graph.relations for step in steps):
            continue
        predicates = tuple(graph.relations[step][1] for step in steps)
        if predicates not in known:
            known[predicates] = conclude(graph.predicates, predicates) is not None
        if not known[predicates]:
            message = f"nothing follows from {', '.join(predicates)}: no test item is made of this chain"
            hint = "say what they conclude under `compose` in knowledge/predicates.yaml, or remove the chain"
            yield places.problem("K019", key, message, "steps", hint=hint)
