"""Samples that say word for word what another one says: one of them is kept, tied to the records of all.

The one kept is that of the smallest id among the records that may say the same: the relations of one subject and
predicate, in whichever shard they are, and all records of the shard. Nothing else moves when one of them is edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.shards.making import make
from prodabuild.shards.sample import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prodabuild.knowledge.reading import Knowledge
    from prodabuild.shards.making import Made, Recipe

    Text = tuple[str, str]


def without_repeats(knowledge: Knowledge, records: Iterable[str], recipes: Sequence[Recipe]) -> list[Made]:
    """Return the samples of a shard's records without those that others own. Pairs stay whole, or go whole."""
    kept: dict[Text, Made] = {}
    for record in records:
        rivals = _rivals(knowledge, record)
        for recipe in recipes:
            theirs = _by_text(made for rival in rivals for made in make(knowledge, rival, [recipe]))
            group = list(make(knowledge, record, [recipe]))
            fresh = []
            for made in group:
                text = said(made.sample)
                same = theirs.get(text, [])
                if text in kept:
                    kept[text] = _tied(kept[text], [made])
                elif all(other.record > record for other in same):
                    fresh.append(_tied(made, same))
            if not recipe.paired or len(fresh) == len(group):
                for made in fresh:
                    text = said(made.sample)
                    kept[text] = _tied(kept[text], [made]) if text in kept else made
    return list(kept.values())


def _by_text(found: Iterable[Made]) -> dict[Text, list[Made]]:
    by_text: dict[Text, list[Made]] = {}
    for made in found:
        by_text.setdefault(said(made.sample), []).append(made)
    return by_text


def _rivals(knowledge: Knowledge, record: str) -> list[str]:
    """Return the other relations of a relation's subject and predicate: a question about one may be one about them."""
    if knowledge.level(record) != "relation":
        return []
    subject, predicate, _ = knowledge.relation(record).triple
    return [other.id for other in knowledge.outgoing(subject, [predicate]) if other.id != record]


def _tied(made: Made, others: Iterable[Made]) -> Made:
    """Return a sample with the nodes of others beside its own."""
    nodes = (*made.sample.nodes, *(node for other in others for node in other.sample.nodes))
    return made._replace(sample=made.sample._replace(nodes=tuple(dict.fromkeys(nodes))))
