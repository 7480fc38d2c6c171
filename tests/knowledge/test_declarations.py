"""`knowledge/predicates.yaml`: what may stand there, and what is told of what may not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodabuild.knowledge.chains import conclude
from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.predicates import BUILTIN

EATS = """predicates:
  eats:
    forward: "{a subject} {does} eat {a object}"
    question: "What {does} {a subject} eat?"
    inverse_question: "What eats {a object}?"
    path: something that eats
    inverse: eaten_by
  eaten_by:
    forward: "{a subject} {is} eaten by {a object}"
    question: "What {is} {a subject} eaten by?"
    inverse_question: "What does {a object} eat?"
    path: eaten by
    inverse: eats
"""


def told(text: str) -> list[str]:
    return [problem.render() for problem in parse_predicates(text.encode(), "p.yaml")[1]]


def test_predicates_are_read() -> None:
    found, problems = parse_predicates(EATS.encode(), "p.yaml")
    assert problems == []
    assert [(predicate.name, predicate.inverse) for predicate in found] == [("eats", "eaten_by"), ("eaten_by", "eats")]


def test_a_built_in_one_keeps_what_is_not_said_anew() -> None:
    text = EATS + "  is_a: {path: a sort of, compose: {eats: eats}}\n"
    *_, found = parse_predicates(text.encode(), "p.yaml")[0]
    assert told(text) == []
    assert (found.path, found.forward) == ("a sort of", BUILTIN["is_a"].forward)
    assert found.compose == BUILTIN["is_a"].compose | {"eats": "eats"}


def test_a_transitive_one_composes_with_itself() -> None:
    text = EATS.replace("inverse: eaten_by", "transitive: true").replace("    inverse: eats\n", "")
    eats, _ = parse_predicates(text.encode(), "p.yaml")[0]
    assert conclude({"eats": eats}, ["eats", "eats", "eats"]) == "eats"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("predicates:", "predicate:", ["p.yaml:1:1: error[K020]: the file has one key, `predicates`, with a mapping of names"]),
        ("  eats:\n", "  eats it:\n", ["p.yaml:2:3: error[K020]: eats it: cannot be the name of a predicate\nhint: no spaces, no `#`, no braces", "p.yaml:13:14: error[K021]: eaten_by: inverse names the predicate 'eats', which is not declared\nhint: did you mean 'eats it'?"]),
        ("path: something", "paht: something", ["p.yaml:6:5: error[K020]: eats: unknown field 'paht'\nhint: did you mean 'path'?"]),
        ("    path: eaten by\n", "", ["p.yaml:8:3: error[K020]: eaten_by: path is missing\nhint: every predicate has one"]),
        ("path: eaten by", "path: [eaten, by]", ["p.yaml:12:11: error[K020]: eaten_by: path is not a text"]),
        ("    inverse: eats\n", "    inverse: eats\n    acyclic: 1\n", ["p.yaml:14:14: error[K020]: eaten_by: acyclic is not true or false"]),
        ("    inverse: eats\n", "    inverse: eats\n    compose: [is_a]\n", ["p.yaml:14:14: error[K020]: eaten_by: compose does not map the predicate of a second relation to what follows"]),
        ("    inverse: eats\n", "    inverse: eats\n    compose: {isa: eaten_by}\n", ["p.yaml:14:15: error[K021]: eaten_by: compose names the predicate 'isa', which is not declared\nhint: did you mean 'is_a'?"]),
        ("    inverse: eats\n", "    inverse: eats\n    compose: {is_a: eat_by}\n", ["p.yaml:14:21: error[K021]: eaten_by: compose names the predicate 'eat_by', which is not declared\nhint: did you mean 'eaten_by'?"]),
        ("    inverse: eats\n", "    inverse: eats\n    disjoint: [is_a, isnt_a]\n", ["p.yaml:14:22: error[K021]: eaten_by: disjoint names the predicate 'isnt_a', which is not declared\nhint: did you mean 'is_a'?"]),
        ("    inverse: eats\n", "    inverse: eats\n    disjoint: [eaten_by]\n", ["p.yaml:14:16: error[K022]: eaten_by: it cannot be disjoint with itself"]),
        ("    inverse: eats\n", "    inverse: eaten_by\n", ["p.yaml:7:14: error[K022]: eats: the inverse of 'eaten_by' is 'eaten_by', not this one", "p.yaml:13:14: error[K022]: eaten_by: it is its own inverse and not symmetric\nhint: write `symmetric: true`"]),
        ("    inverse: eats\n", "", ["p.yaml:7:14: error[K022]: eats: the inverse of 'eaten_by' is not declared, not this one"]),
        ("    inverse: eats\n", "    inverse: eats\n    transitive: true\n", ["p.yaml:7:14: error[K022]: eats: only one of it and its inverse 'eaten_by' is transitive", "p.yaml:14:17: error[K022]: eaten_by: only one of it and its inverse 'eats' is transitive"]),
        ("    inverse: eats\n", "    symmetric: true\n    inverse: eats\n    acyclic: true\n", ["p.yaml:14:14: error[K022]: eaten_by: a symmetric predicate is its own inverse, not that of 'eats'", "p.yaml:15:14: error[K022]: eaten_by: a symmetric predicate leads back at once: it cannot be acyclic", "p.yaml:7:14: error[K022]: eats: the inverse of 'eaten_by' is 'eats', not this one"]),
        ('"What {does} {a subject} eat?"', '"What {do} {a subject} eat?"', ["p.yaml:4:15: error[K023]: eats: question has the unknown mark {do}\nhint: did you mean 'does'?"]),
        ('"What {does} {a subject} eat?"', '"What {does} {a subject} eat"', ["p.yaml:4:15: error[K023]: eats: question does not end with a mark\nhint: end it with `?`"]),
        ('"What {does} {a subject} eat?"', '"Does {a subject} eat {object}?"', ["p.yaml:4:15: error[K023]: eats: question names the object\nhint: that would be the answer"]),
        ('"What eats {a object}?"', '"What eats that?"', ["p.yaml:5:23: error[K023]: eats: inverse_question does not name the object\nhint: write {object} or {a object}"]),
        ('"{a subject} {does} eat {a object}"', '"{a subject} {does} eat {a object}."', ["p.yaml:3:14: error[K023]: eats: forward ends with a mark\nhint: the full stop is added where the sentence is used"]),
        ('"{a subject} {does} eat {a object}"', '"{a subject} {does eat {a object}"', ["p.yaml:3:14: error[K023]: eats: forward has a brace that stands alone\nhint: a mark is written {subject}"]),
        ("path: eaten by", 'path: "{is} eaten by"', ["p.yaml:12:11: error[K023]: eaten_by: path has a mark\nhint: it stands between two names as it is: `part of`"]),
        ("    inverse: eats\n", "    inverse: eats\n  part_of:\n    inverse: eats\n", ["p.yaml:7:14: error[K022]: eats: 'part_of' names it as its inverse, too", "p.yaml:15:14: error[K022]: part_of: 'has_part' names it as its inverse, too", "p.yaml:15:14: error[K022]: part_of: the inverse of 'eats' is 'eaten_by', not this one"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, expected: list[str]) -> None:
    assert old in EATS
    assert sorted(told(EATS.replace(old, new, 1))) == sorted(expected)


def test_the_built_in_ones_keep_the_rules_themselves() -> None:
    lines = ["predicates:"]
    for name, predicate in BUILTIN.items():
        lines.append(f"  {name}:")
        for field, value in predicate.facets().items():
            if value:
                text = str(value).lower() if value is True else f'"{value}"' if isinstance(value, str) else str(value)
                lines.append(f"    {field}: {text}")
    found, problems = parse_predicates("\n".join(lines).encode(), "p.yaml")
    assert [problem.render() for problem in problems] == []
    assert found == list(BUILTIN.values())
    assert all(predicate.compose.get(name) == name for name, predicate in BUILTIN.items() if predicate.transitive)


strange = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a{}?. \x00", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["eats", "is_a", "a"]), inner),
    max_leaves=4,
)
FIELDS = {
    "forward": "{a subject} eats {a object}",
    "question": "What {does} {a subject} eat?",
    "inverse_question": "What eats {a object}?",
    "path": "something that eats",
    "inverse": "is_a",
    "symmetric": False,
    "transitive": True,
    "acyclic": True,
    "compose": {"is_a": "eats"},
    "disjoint": ["part_of"],
}


@settings(max_examples=1000)
@given(st.sampled_from(["eats", "is_a", "part_of"]), st.lists(st.sampled_from([*FIELDS]), max_size=3), st.data())
def test_no_shape_of_a_predicate_is_a_bug(name: str, fields: list[str], data: st.DataObject) -> None:
    values: object = FIELDS | {field: data.draw(strange) for field in fields}
    if not fields:
        values = data.draw(strange)
    found, problems = parse_predicates(json.dumps({"predicates": {name: values}}).encode(), "p.yaml")
    assert found or problems
