"""The grammar of patches: what is refused, and where."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodabuild.knowledge.patches import make_patch, name_of, read_patch, records_named
from prodabuild.knowledge.records import WAYS
from prodabuild.knowledge.schema import patch_schema
from prodabuild.shards import practice
from prodabuild.yamlio import TextError, decode, load

FILE = "patches/0007-owls.yaml"
HEAD = "title: t\nreason: r\ncause: correction\n"
FINE = HEAD + "ops:\n- remove: zoo/owl\n"
VALIDATOR = jsonschema.Draft7Validator(patch_schema())


def problems(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    document, found = read_patch(data, FILE)
    assert (document is None) == bool(found)
    with suppress(TextError):  # the schema refuses what the reader refuses, and no more
        assert VALIDATOR.is_valid(load(decode(data))) == (not found)
    return [problem.render().removeprefix(f"{FILE}:") for problem in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\xff", ["1:1: error[Y001]: byte 0xff is not UTF-8\nhint: save the file as UTF-8"]),
        ("", ["1:1: error[P003]: a patch has the keys title, reason, cause, evidence, after, ops"]),
        ("- a\n", ["1:1: error[P003]: a patch has the keys title, reason, cause, evidence, after, ops"]),
        (FINE + "opps: 1\n", ["6:1: error[P003]: unknown key 'opps'\nhint: did you mean 'ops'?"]),
        (FINE.replace("title: t\n", ""), ["1:1: error[P003]: title is missing\nhint: every patch has one"]),
        (FINE.replace("title: t", "title: 7"), ["1:8: error[P003]: title is not a text\nhint: quote it, if it is meant as text"]),
        (FINE.replace("reason: r", "reason:"), ["2:8: error[P003]: reason is empty"]),
        (FINE.replace("correction", "whim"), ["3:8: error[P003]: cause is not one of concept_gap, reasoning_gap, correction"]),
        (FINE + "evidence: [a]\n", ["6:11: error[P003]: evidence has the keys items, diagnosis"]),
        (FINE + "evidence: {itmes: []}\n", ["6:12: error[P003]: unknown key 'itmes'\nhint: did you mean 'items'?"]),
        (FINE + "evidence: {items: a}\n", ["6:19: error[P003]: items is not a list of ids of test items"]),
        (FINE + "evidence: {diagnosis: ''}\n", ["6:23: error[P003]: diagnosis is empty"]),
        (FINE + "after: 1\n", ["6:8: error[P003]: after is not a list of patches\nhint: `after: [7]` or `after: [0007-iguanas-swim]`"]),
        (FINE + "after: [1, one]\n", ["6:12: error[P003]: 'one' is no patch\nhint: `after: [7]` or `after: [0007-iguanas-swim]`"]),
        (FINE + "after: [99999999999999999999]\n", ["6:9: error[P003]: 99999999999999999999 is no patch\nhint: `after: [7]` or `after: [0007-iguanas-swim]`", "1:1: error[P003]: holds what JSON cannot: Integer exceeds 64-bit range"]),
        (HEAD + "ops: []\n", ["4:6: error[P003]: ops is not a list of operations\nhint: operations: add, replace, remove, emphasise, sample"]),
        (HEAD + "ops:\n- remvoe: a\n", ["5:3: error[P003]: an operation has one of the keys add, replace, remove, emphasise, sample\nhint: did you mean 'remove'?"]),
        (HEAD + "ops:\n- {remove: a, replace: b}\n", ["5:3: error[P003]: an operation has one of the keys add, replace, remove, emphasise, sample\nhint: operations: add, replace, remove, emphasise, sample"]),
        (HEAD + "ops:\n- {remove: a, with: {b: c}}\n", ["5:15: error[P003]: remove has no key 'with'\nhint: keys: remove, expect"]),
        (HEAD + "ops:\n- replace: a\n", ["5:3: error[P003]: replace needs `with`: the fields and their new values"]),
        (HEAD + "ops:\n- {replace: a, with: {}}\n", ["5:22: error[P003]: with is not a mapping of fields to values"]),
        (HEAD + "ops:\n- {replace: a, with: {id: b}}\n", ["5:23: error[P008]: a record keeps its id\nhint: remove the record, and add another"]),
        (HEAD + "ops:\n- remove: [a]\n", ["5:11: error[P003]: the id after remove is not a text\nhint: quote it, if it is meant as text"]),
        (HEAD + "ops:\n- add: {}\n", ["5:8: error[P003]: add is a mapping of one of concept, relation, chain to its fields"]),
        (HEAD + "ops:\n- add: {concept: {id: a, nmae: b}}\n", ["5:18: error[K002]: definition is missing\nhint: every concept has one", "5:18: error[K002]: name is missing\nhint: every concept has one", "5:26: error[K001]: a concept has no field 'nmae'\nhint: did you mean 'name'?"]),
        (HEAD + "ops:\n- emphasise: a\n", ["5:14: error[P003]: emphasise is not a list of ids"]),
        (HEAD + "ops:\n- {emphasise: [a], ways: [step]}\n", ["5:26: error[K003]: ways is not a list of recall, contrast, steps, each at most once"]),
        (HEAD + "ops:\n- sample: a\n", ["5:11: error[P003]: sample is a mapping of id, nodes, question and answer"]),
        (HEAD + "ops:\n- sample: {id: a, nodes: [], question: q, answer: b}\n", ["5:26: error[K003]: nodes is empty"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_patch_is_told_with_its_place(text: str | bytes, expected: list[str]) -> None:
    assert sorted(problems(text)) == sorted(expected)


def test_names() -> None:
    assert name_of("patches/0007-a-b2.yaml") == "0007-a-b2"
    for file in (
        "patches/7-a.yaml",
        "patches/0007.yaml",
        "patches/0007-A.yaml",
        "patches/0007-a.yml",
        "patches/x/0007-a.yaml",
    ):
        assert name_of(file) is None


@pytest.mark.parametrize(
    "more",
    [
        "evidence: {items: [], diagnosis: ab12}\n",
        "after: [7, '0007', 0007-owls-fly]\n",
        "- {replace: a, with: {noun: null}, expect: {definition: b}}\n",
        "- {add: {concept: {id: zoo/é, name: b, definition: c, source: 'book:1#2-3'}}, file: knowledge/a.yaml}\n",
        "- {add: {relation: {subject: a, predicate: b, object: c, source: {document: d, span: [0, 4], quote: e}}}}\n",
        "- {add: {chain: {id: a, title: b, steps: [c, d], preconditions: []}}}\n",
        "- {emphasise: [a, b], ways: [steps, contrast]}\n",
        "- {sample: {id: a, nodes: [b], question: c, answer: d}}\n",
    ],
)
def test_a_sound_patch_has_no_problem(more: str) -> None:
    assert problems(FINE + more) == []


def test_what_a_sound_patch_says() -> None:
    text = (
        HEAD
        + "after: [3, 0002-b, 2]\nops:\n- emphasise: [a, b]\n- add: {relation: {subject: x/a, predicate: p, object: x/b}}\n"
    )
    document, _ = read_patch(text.encode(), FILE)
    assert document is not None
    patch = make_patch("0007-owls", document)
    assert (patch.number, patch.file, patch.after) == (7, FILE, (2, 3))
    assert [(op.id, op.path) for op in patch.ops] == [
        ("a!emphasis", ("ops", 0, "emphasise", 0)),
        ("b!emphasis", ("ops", 0, "emphasise", 1)),
        ("x/a.p.b", ("ops", 1, "add", "relation")),
    ]


def test_every_way_of_emphasis_is_made() -> None:
    assert tuple(practice.WAYS) == WAYS


SOUND: dict[str, Any] = {
    "title": "t",
    "reason": "r",
    "cause": "correction",
    "evidence": {"items": ["a"], "diagnosis": "d"},
    "after": [1, "0002", "0003-x"],
    "ops": [
        {"add": {"concept": {"id": "x/a", "name": "a", "definition": "d"}}, "file": "knowledge/x.yaml"},
        {"replace": "x/b", "with": {"name": "b"}, "expect": {"name": "c"}},
        {"remove": "x/c", "expect": {"name": "c"}},
        {"emphasise": ["x/d"], "ways": ["recall"], "against": ["x/e"]},
        {"sample": {"id": "x/s", "nodes": ["x/a"], "question": "q", "answer": "a"}},
    ],
}
strange = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a/\x00\u200b ", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["concept", "id", "a"]), inner),
    max_leaves=4,
)


def places_in(value: Any) -> Iterator[tuple[str | int, ...]]:
    """Return the path of everything in a value."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in rows:
        yield (step,)
        yield from ((step, *path) for path in places_in(inner))


PLACES = list(places_in(SOUND))


@settings(max_examples=2000)
@given(st.data())
def test_no_shape_of_a_patch_is_a_bug(data: st.DataObject) -> None:
    document = copy.deepcopy(SOUND)
    *inside, last = data.draw(st.sampled_from(PLACES))
    here: Any = document
    for step in inside:
        here = here[step]
    here[last] = data.draw(strange)
    text = json.dumps(document).encode()
    found, problems = read_patch(text, "patches/0001-x.yaml")
    assert (found is None) == bool(problems)
    if found is not None:
        assert records_named(found["ops"])
        make_patch("0001-x", found)
