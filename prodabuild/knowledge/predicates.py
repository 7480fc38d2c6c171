"""Predicates: how a relation reads, and what follows from two of them in a row.

`forward` and the questions are sentences with the marks {subject}, {object} (bare names), {a subject},
{a object} (with an article where the noun takes one) and {is} (agrees with the subject).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.problems import Problem
from prodabuild.yamlio import TextError, decode, load, locate

if TYPE_CHECKING:
    from collections.abc import Iterator

SENTENCES = ("forward", "question", "inverse_question", "path")
FLAGS = ("symmetric", "transitive", "acyclic")


@dataclass(frozen=True, slots=True)
class Predicate:
    """One predicate. `compose` maps a second predicate to what the two conclude: x p y, y q z => x r z."""

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

    def facets(self) -> dict[str, Any]:
        """Return everything but the name, as the facets of a fact."""
        return {slot: getattr(self, slot) for slot in self.__slots__ if slot != "name"}


_KINDS = {"is_a": "is_a", "part_of": "part_of", "member_of": "member_of"}
_ROWS = (
    Predicate(
        "is_a",
        "{a subject} {is} a kind of {object}",
        "What kind of thing {is} {a subject}?",
        "What is one kind of {object}?",
        "a kind of",
        transitive=True,
        acyclic=True,
        compose=_KINDS,
    ),
    Predicate(
        "instance_of",
        "{a subject} {is} an example of {a object}",
        "What {is} {a subject} an example of?",
        "What is one example of {a object}?",
        "an example of",
        acyclic=True,
        compose={**_KINDS, "is_a": "instance_of"},
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
        compose={"part_of": "part_of", "is_a": "part_of", "instance_of": "part_of"},
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
    ),
)
BUILTIN: dict[str, Predicate] = {predicate.name: predicate for predicate in _ROWS}


def parse_predicates(data: bytes, file: str) -> tuple[list[Predicate], list[Problem]]:
    """Return the predicates that `knowledge/predicates.yaml` declares, and what is wrong with it."""
    try:
        text = decode(data)
        tree = load(text)
    except TextError as error:
        return [], [Problem(error.code, error.message, file, error.line, error.column, error.hint)]
    if not isinstance(tree, dict) or set(tree) != {"predicates"} or not isinstance(tree["predicates"], dict):
        return [], [Problem("K020", "the file has one key, `predicates`, with a mapping of names", file, 1, 1)]
    found, problems = [], []
    for name, fields in tree["predicates"].items():
        wrong = list(_flaws(fields))
        problems += [
            Problem("K020", f"{name}: {message}", file, *locate(text, ("predicates", name, *path)))
            for path, message in wrong
        ]
        if not wrong:
            found.append(Predicate(name=name, **fields))
    return found, problems


def _flaws(fields: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(fields, dict):
        yield (), "a predicate is a mapping of fields"
        return
    known = set(Predicate.__slots__) - {"name"}
    yield from (((field,), f"unknown field {field!r}") for field in fields if field not in known)
    yield from (((), f"{field} is missing") for field in SENTENCES if not isinstance(fields.get(field), str))
    yield from (
        ((field,), f"{field} is true or false") for field in FLAGS if not isinstance(fields.get(field, False), bool)
    )
    compose = fields.get("compose", {})
    if not isinstance(compose, dict) or not all(isinstance(value, str) for value in compose.values()):
        yield ("compose",), "compose maps a predicate to the one that follows"
