"""The recipe `pick`: a question with options, each of them right as often, and wrong as often, as any other.

Relations whose answers are near misses of each other form a round of up to sixteen. The options of each are its own
answer and those at three fixed distances further around (two or one, where kinds are few): whatever is right once is
wrong three times. So neither how often an option comes, nor its length, nor its place, gives the answer away.

A round depends on its own members alone. It is found by halving, as shards are, so one record more changes one round.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import seeded
from prodabuild.knowledge.evidence import may_hold
from prodabuild.knowledge.reading import TAXONOMIC, ring
from prodabuild.segments import fold
from prodabuild.shards.contrast import options
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prodabuild.knowledge.reading import Knowledge, Relation, Ring

WRONG = 3
KINDS = 16  # most kinds that share a round
ROUND = 16  # most relations in a round


class Round(NamedTuple):
    """Relations in their order around, and how far from each its wrong options stand."""

    members: Sequence[Relation]
    distances: tuple[int, ...]


def pick(relation: Relation) -> Iterator[Sample]:
    """The right subject among three that are right elsewhere in the round."""
    members, distances = _balanced(_near(relation))
    at = next((at for at, member in enumerate(members) if member.id == relation.id), None)
    if at is None:
        return
    around = [members[(at + distance) % len(members)].subject for distance in (0, *distances)]
    if len({fold(concept.name.text) for concept in around}) == len(around):
        question = f"{relation.say(relation.predicate.inverse_question)} {options(around, relation.id)}"
        nodes = (relation.id, relation.triple[2], *(concept.id for concept in around))
        yield Sample("subject", question, f"{relation.subject.name.text}.", nodes)


def _near(relation: Relation) -> list[Relation]:
    """Return the relations of one predicate that may share a round with one, itself included.

    Of kinds: those that lead to siblings of its object. Of all else: those that begin at siblings of its subject.
    """
    knowledge, (subject, predicate, target) = relation.knowledge, relation.triple
    kinds = predicate in TAXONOMIC
    siblings = _siblings(knowledge, target if kinds else subject)
    if kinds:
        rings = [knowledge.view.posting(f"to:{sibling}", ring) for sibling in siblings]
        found: Iterable[Relation] = map(knowledge.relation, _halved(rings, seeded(relation.id), ROUND))
        return [other for other in found if other.triple[1] == predicate]
    links = sorted(link.id for sibling in siblings for link in knowledge.outgoing(sibling, [predicate]))
    return [knowledge.relation(link) for link in _halved([ring(links)], seeded(relation.id), ROUND)]


def _siblings(knowledge: Knowledge, concept: str) -> list[str]:
    """Return a concept and some others of the same parent, the same ones for each of them."""
    home = _home(knowledge, concept)
    if home is None:
        return []
    (link,) = [link for link in knowledge.outgoing(concept, TAXONOMIC) if link.triple[2] == home][:1]
    links = _halved([knowledge.view.posting(f"to:{home}", ring)], seeded(link.id), KINDS)
    found = {triple[0] for _, _, triple in map(knowledge.relation, links) if triple[1] in TAXONOMIC}
    return [other for other in sorted(found) if _home(knowledge, other) == home]


def _home(knowledge: Knowledge, concept: str) -> str | None:
    """Return the one parent that a concept stands with here."""
    return min(knowledge.parents(concept), key=seeded, default=None)


def _halved(rings: Sequence[Ring], hashed: int, most: int) -> list[str]:
    """Return the members whose hashes lie in the same half of a half of ... as one does, `most` of them at most."""
    low, size = 0, 2**64
    while True:
        spans = [(bisect_left(hashes, low), bisect_left(hashes, low + size)) for hashes, _ in rings]
        if size == 1 or sum(end - start for start, end in spans) <= most:
            return [name for (_, names), (start, end) in zip(rings, spans, strict=True) for name in names[start:end]]
        size //= 2
        low += size if hashed >= low + size else 0


def _balanced(members: Sequence[Relation]) -> Round:
    """Return a round in which no wrong option is right, with the most options that half of the members can have."""
    members = sorted(members, key=lambda member: (seeded(member.triple[2]), seeded(member.id)))
    rounds = (_fitting(members, wrong) for wrong in range(WRONG, 0, -1))
    return next((found for found in rounds if 2 * len(found.members) >= len(members)), Round((), ()))


def _fitting(members: Sequence[Relation], wrong: int) -> Round:
    """Return the round of so many wrong options; members that stand in the way are left out, the worst one first."""
    while len(members) > wrong:
        bad = {distance: _unfit(members, distance) for distance in range(1, len(members))}
        fine = [distance for distance in bad if not bad[distance]]
        if len(fine) >= wrong:
            return Round(members, min(combinations(fine, wrong), key=lambda far: (_alike(members, far), far)))
        worst = max(range(len(members)), key=lambda at: (sum(at in found for found in bad.values()), at))
        members = [member for at, member in enumerate(members) if at != worst]
    return Round((), ())


def _unfit(members: Sequence[Relation], distance: int) -> set[int]:
    """Return where the subject so far around would be right, too, or is akin to the right one."""
    ahead = [*members[distance:], *members[:distance]]
    return {at for at, (one, other) in enumerate(zip(members, ahead, strict=True)) if not _wrong(one, other)}


def _wrong(relation: Relation, other: Relation) -> bool:
    """Tell whether another relation's subject is a wrong answer to what has this one's subject as its answer."""
    knowledge, (subject, predicate, target), child = relation.knowledge, relation.triple, other.triple[0]
    if child in (subject, target) or other.triple[2] == target or may_hold(knowledge, child, predicate, target):
        return False
    return child not in knowledge.ancestors(subject) and subject not in knowledge.ancestors(child)


def _alike(members: Sequence[Relation], distances: tuple[int, ...]) -> int:
    """Return how often two wrong options have the same object: the right one would stand out."""
    targets = [member.triple[2] for member in members]
    gaps = [two - one for one, two in combinations(distances, 2)]
    return sum(targets[at] == targets[(at + gap) % len(targets)] for gap in gaps for at in range(len(targets)))
