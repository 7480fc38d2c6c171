"""Test items from L3 chains: the chain's end is the answer, each wrong option names its operator and relation.

TRUNC     the chain is cut short: a concept that it passes through (only where the question does not name it)
INVREL    a relation is read the wrong way: a concept that a relation leads from, towards the chain
NEARMISS  another concept of the answer's family stands in its place
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from prodabuild.digest import canonical
from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.code import read_code
from prodabuild.knowledge.reading import Knowledge
from prodabuild.knowledge.splits import SPLITS, share, split_of
from prodabuild.suites.chain import Chain, Distractor, read_chain
from prodabuild.suites.pairing import pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

BUCKET = 256  # chains whose items are made, and balanced, together


def build_items(unit: str, view: View) -> Output:
    """Return the item files of one bucket of chains: one for each split, below `items/`."""
    group, prefix = prefix_of(unit)
    discipline = group.partition(":")[2]
    read_code(view, __name__)
    output, unbalanced = {}, []
    with closing(Knowledge(view, view.read("manifest", "compile.seed"))) as knowledge:
        chains = _chains(view, knowledge)
        for split, ids in _splits(view, chains):
            sound = {each: chain for each in ids if (chain := chains[each])}
            found = pair(list(sound.values()), knowledge.seed)
            rows = (_row(sound[each], found.wrong[each], discipline, split) for each in sorted(found.wrong))
            path = f"items/{split}/{discipline}/{prefix or 'all'}.jsonl"
            output[path] = b"".join(canonical(row) + b"\n" for row in rows)
            unbalanced += [split] * (not found.balanced)
    if unbalanced:
        view.summary = {"unbalanced": unbalanced}
    return output


def reasons_for_none(view: View) -> dict[str, str]:
    """Return why chains of a unit's bucket carry no item: by chain id, a key of `REASONS`."""
    with closing(Knowledge(view, view.read("manifest", "compile.seed"))) as knowledge:
        chains = _chains(view, knowledge)
        none = {each: "conclusion" for each, chain in chains.items() if chain is None}
        for _, ids in _splits(view, chains):
            none |= pair([chain for each in ids if (chain := chains[each])], knowledge.seed).none
        return none


def _chains(view: View, knowledge: Knowledge) -> dict[str, Chain | None]:
    difficulty = view.read("manifest", "chains.difficulty")
    return {each: read_chain(knowledge, each, hidden=share("hidden", each) < difficulty) for each in view.members()}


def _splits(view: View, chains: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Return the chains of each split: it is balanced in itself, so that its answers tell nothing of the other's."""
    sealed = view.read("manifest", "chains.sealed")
    for split in SPLITS:
        yield split, [each for each in chains if split_of(each, sealed) == split]


def _row(chain: Chain, wrong: list[Distractor], discipline: str, split: str) -> dict[str, Any]:
    knowledge = chain.knowledge
    by_concept = {option.concept: option for option in wrong}
    order = knowledge.draw([chain.answer, *by_concept], len(wrong) + 1, chain.id, "order")
    return {
        "id": chain.id,
        "discipline": discipline,
        "split": split,
        "question": chain.question,
        "choices": [f"{knowledge.concept(concept).name.text}." for concept in order],
        "gold": order.index(chain.answer),
        "options": [_option(concept, by_concept.get(concept)) for concept in order],
        "nodes": [chain.path[0], *(node for step in chain.steps for node in (step.id, step.triple[2]))],
    }


def _option(concept: str, wrong: Distractor | None) -> dict[str, str]:
    if wrong is None:
        return {"concept": concept, "operator": "", "violates": ""}
    return {"concept": concept, "operator": wrong.operator, "violates": wrong.violates}
