"""Predicates: how a relation reads, what contradicts it, and what follows from two of them in a row.

`forward` and the questions are sentences with the marks {subject}, {object} (bare names), {a subject},
{a object} (with an article where the noun takes one) and {is}, {has}, {does} (agree with the subject).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PREDICATE = "predicate:"  # and a name: the key of the fact about a predicate


@dataclass(frozen=True, slots=True)
class Predicate:
    """One predicate. `compose` maps a second predicate to what the two conclude: x p y, y q z => x r z.

    `disjoint` are the predicates that cannot hold between two concepts that this one holds between.
    """

    name: str
    forward: str
    question: str
    inverse_question: str
    path: str  # between two names in a row: "a kind of"
    inverse: str | None = None
    symmetric: bool = False
    transitive: bool = False
    acyclic: bool = False
    compose: dict[str, str] = field(default_factory=dict)
    disjoint: list[str] = field(default_factory=list)

    def facets(self) -> dict[str, Any]:
        """Return everything but the name, as the facets of a fact."""
        return {slot: getattr(self, slot) for slot in self.__slots__ if slot != "name"}


def opposite(predicates: Mapping[str, Predicate], name: str) -> str | None:
    """Return the predicate that states the same from object to subject: the inverse, or a symmetric one itself."""
    found = predicates.get(name)
    if found is None:
        return None
    return name if found.symmetric else found.inverse


# What holds of a kind also holds of what is of that kind.
_OF_A_KIND = {name: name for name in ("is_a", "part_of", "member_of", "requires", "used_for", "measured_in")}
_ROWS = (
    Predicate(
        "is_a",
        "{a subject} {is} a kind of {object}",
        "What kind of thing {is} {a subject}?",
        "What is one kind of {object}?",
        "a kind of",
        transitive=True,
        acyclic=True,
        compose=_OF_A_KIND,
        disjoint=["instance_of", "part_of", "antonym_of"],
    ),
    Predicate(
        "instance_of",
        "{a subject} {is} an example of {a object}",
        "What {is} {a subject} an example of?",
        "What is one example of {a object}?",
        "an example of",
        acyclic=True,
        compose={**_OF_A_KIND, "is_a": "instance_of"},
        disjoint=["is_a", "part_of", "antonym_of"],
    ),
    Predicate(
        "part_of",
        "{a subject} {is} part of {a object}",
        "What {is} {a subject} part of?",
        "What is one part of {a object}?",
        "part of",
        inverse="has_part",
        transitive=True,
        acyclic=True,
        compose={"part_of": "part_of", "is_a": "part_of", "instance_of": "part_of", "located_in": "located_in"},
        disjoint=["antonym_of"],
    ),
    Predicate(
        "has_part",
        "{a subject} {has} {a object} as a part",
        "What {does} {a subject} have as a part?",
        "What has {a object} as a part?",
        "something with a part that is",
        inverse="part_of",
        transitive=True,
        acyclic=True,
        compose={"has_part": "has_part"},
    ),
    Predicate(
        "member_of",
        "{a subject} {is} a member of {a object}",
        "What {is} {a subject} a member of?",
        "What is one member of {a object}?",
        "a member of",
        inverse="has_member",
        acyclic=True,
        compose={"is_a": "member_of", "instance_of": "member_of"},
    ),
    Predicate(
        "has_member",
        "{a subject} {has} {a object} as a member",
        "What {does} {a subject} have as a member?",
        "What has {a object} as a member?",
        "something with a member that is",
        inverse="member_of",
        acyclic=True,
    ),
    Predicate(
        "substance_of",
        "{a subject} {is} a substance found in {a object}",
        "What {is} {a subject} a substance of?",
        "What is one substance found in {a object}?",
        "a substance of",
        inverse="has_substance",
        acyclic=True,
        compose={"is_a": "substance_of"},
    ),
    Predicate(
        "has_substance",
        "{a subject} {has} {a object} in it as a substance",
        "Which substance {does} {a subject} have in it?",
        "What has {a object} in it as a substance?",
        "something with a substance that is",
        inverse="substance_of",
        acyclic=True,
    ),
    Predicate(
        "antonym_of",
        "{a subject} {is} the opposite of {a object}",
        "What {is} {a subject} the opposite of?",
        "What is the opposite of {a object}?",
        "the opposite of",
        inverse="antonym_of",
        symmetric=True,
        disjoint=["is_a", "instance_of", "part_of"],
    ),
    Predicate(
        "causes",
        "{a subject} {is} a cause of {a object}",
        "What {is} {a subject} a cause of?",
        "What is one cause of {a object}?",
        "a cause of",
        transitive=True,
        compose={"causes": "causes", "is_a": "causes"},
    ),
    Predicate(
        "requires",
        "{a subject} {has} {a object} as a requirement",
        "What {does} {a subject} require?",
        "What requires {a object}?",
        "something that requires",
        transitive=True,
        compose={"requires": "requires", "is_a": "requires"},
    ),
    Predicate(
        "precedes",
        "{a subject} {is} followed by {a object}",
        "What {is} {a subject} followed by?",
        "What comes before {a object}?",
        "something that is followed by",
        transitive=True,
        acyclic=True,
        compose={"precedes": "precedes"},
    ),
    Predicate(
        "produces",
        "{a subject} {is} a source of {a object}",
        "What {is} {a subject} a source of?",
        "What is one source of {a object}?",
        "a source of",
        compose={"is_a": "produces"},
    ),
    Predicate(
        "used_for",
        "{a subject} {is} used for {a object}",
        "What {is} {a subject} used for?",
        "What is used for {a object}?",
        "something that is used for",
        compose={"is_a": "used_for"},
    ),
    Predicate(
        "located_in",
        "{a subject} {is} located in {a object}",
        "Where {is} {a subject} located?",
        "What is located in {a object}?",
        "something that is located in",
        transitive=True,
        acyclic=True,
        compose={"located_in": "located_in", "part_of": "located_in", "is_a": "located_in"},
    ),
    Predicate(
        "measured_in",
        "one unit of {subject} is the {object}",
        "In which unit {is} {subject} measured?",
        "What does the {object} measure?",
        "a quantity whose unit is",
    ),
)
BUILTIN: dict[str, Predicate] = {predicate.name: predicate for predicate in _ROWS}
