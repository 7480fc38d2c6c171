"""Near misses of a relation: concepts that could stand in the place of its object, and for which nothing speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodabuild.knowledge.evidence import may_hold
from prodabuild.segments import fold

if TYPE_CHECKING:
    from prodabuild.knowledge.reading import Relation


@dataclass(frozen=True)
class Spoken:
    """The concepts that may be true of a relation's subject in the place of its object, and some `others`."""

    relation: Relation
    others: set[str] = field(default_factory=set)

    def __contains__(self, concept: object) -> bool:
        """Tell whether a concept is none to be called wrong."""
        subject, predicate, _ = self.relation.triple
        return concept in self.others or may_hold(self.relation.knowledge, subject, predicate, str(concept))


def near_misses(relation: Relation, count: int, draw: int) -> list[str]:
    """Return up to `count` concepts, siblings of the object first, then of the subject, from `draw` on.

    Their names differ from the object's, and from each other's.
    """
    knowledge, (subject, _, target) = relation.knowledge, relation.triple
    found = knowledge.siblings(target, count, draw, Spoken(relation))[:count]
    if len(found) < count:
        found += knowledge.siblings(subject, count, draw, Spoken(relation, set(found)))[: count - len(found)]
    by_name = {fold(knowledge.name(other).text): other for other in reversed([target, *found])}
    return [other for other in found if by_name[fold(knowledge.name(other).text)] == other]
