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
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

BUCKET = 256  # chains whose items are made, and balanced, together


def build_items(unit: str, view: View) -> Output:
    """Return the item files of one bucket of chains: one for each split, below `items/`."""
    group, prefix = prefix_of(unit)
    discipline = group.partition(":")[2]
    read_code(view, __name__)
    seed = view.read("manifest", "compile.seed")
    sealed, difficulty = view.read("manifest", "chains.sealed"), view.read("manifest", "chains.difficulty")
    output = {}
    with closing(Knowledge(view, seed)) as knowledge:
        chains = [read_chain(knowledge, chain, hidden=share("hidden", chain) < difficulty) for chain in view.members()]
        for split in SPLITS:  # each is balanced in itself, so that the answers of one tell nothing of the other's
            sound = {chain.id: chain for chain in chains if chain and split_of(chain.id, sealed) == split}
            options = pair(list(sound.values()), seed)
            rows = (_row(sound[chain], options[chain], discipline, split) for chain in sorted(options))
            path = f"items/{split}/{discipline}/{prefix or 'all'}.jsonl"
            output[path] = b"".join(canonical(row) + b"\n" for row in rows)
    return output


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
