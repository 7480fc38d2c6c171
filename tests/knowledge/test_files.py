from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.knowledge.files import parse, place, place_all, render
from prodabuild.knowledge.records import Raw, identity_of, to_fact

TEXT = b"""concepts:
- id: chem/acid
  name: acid
  definition: a sour compound
  relations:
  - {predicate: is_a, object: chem/compound}
relations:
- {subject: chem/acid, predicate: antonym_of, object: chem/base, id: chem/opposites}
chains:
- id: chem/one
  title: one
  steps: [chem/opposites, chem/other]
"""


def test_a_file_states_records_and_relations_under_their_subject() -> None:
    raws, problems = parse(TEXT, "a.yaml")
    assert problems == []
    assert [(raw.level, identity_of(raw.level, raw.data)) for raw in raws] == [
        ("concept", "chem/acid"),
        ("relation", "chem/acid.is_a.compound"),
        ("relation", "chem/opposites"),
        ("chain", "chem/one"),
    ]


def test_jsonl_states_the_same_records() -> None:
    data = b'{"level":"concept","id":"chem/acid","name":"acid","definition":"a sour compound"}\n'
    (raw,), _ = parse(data, "a.jsonl")
    (other, *_), _ = parse(TEXT, "a.yaml")
    assert (
        to_fact("concept", raw.data, "a.jsonl", "chem").value == to_fact("concept", other.data, "a.yaml", "chem").value
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("concepts:\n- {id: a, name: b}\n", "k.yaml:2:3: error[K002]: definition is missing\nhint: every concept has one"),
        ("concepts:\n- {id: a, name: b, definition: c, nmae: d}\n", "k.yaml:2:35: error[K001]: a concept has no field 'nmae'\nhint: did you mean 'name'?"),
        ("concepts:\n- {id: a, name: no, definition: true}\n", "k.yaml:2:33: error[K003]: definition is not a text\nhint: quote it, if it is meant as text"),
        ("concepts:\n- {id: a b, name: b, definition: c}\n", "k.yaml:2:8: error[K010]: 'a b' cannot be an id\nhint: begin with a letter or digit; no spaces, no `#`"),
        ("concepts:\n- {id: a, name: b, definition: c, noun: many}\n", "k.yaml:2:41: error[K003]: noun is not one of count, mass, proper, plural"),
        ("concept: []\n", "k.yaml:1:1: error[K011]: unknown section 'concept'\nhint: did you mean 'concepts'?"),
        ("- a\n", "k.yaml:1:1: error[K011]: a file of records has the sections concepts, relations, chains"),
        ("concepts: {}\n", "k.yaml:1:11: error[K003]: concepts is not a list of records"),
        ("concepts: [a]\n", "k.yaml:1:12: error[K003]: a concept is a mapping of fields"),
        ("chains:\n- {id: a, title: b, steps: [c]}\n", "k.yaml:2:28: error[K003]: steps has fewer than two relations"),
        ("concepts:\n- {id: a, name: b, definition: c, source: {document: d, span: [2, 1]}}\n", "k.yaml:2:43: error[K003]: source has a span that is not [start, end]"),
        ("concepts:\n- id: a\n  name: b\n  definition: c\n  relations:\n  - {subject: x, predicate: is_a, object: y}\n", "k.yaml:6:6: error[K001]: a relation under a concept has that concept as its subject\nhint: remove `subject`"),
    ],
)  # fmt: skip
def test_a_record_that_is_wrong_by_itself_is_told_with_its_place(text: str, expected: str) -> None:
    _, problems = parse(text.encode(), "k.yaml")
    assert [problem.render() for problem in problems] == [expected]


def test_a_bad_line_of_jsonl_is_told() -> None:
    _, problems = parse(b'{"level": "concpet", "id": "a"}\n[]\n', "k.jsonl")
    assert [(problem.line, problem.message) for problem in problems] == [
        (1, "level 'concpet' is not one of concept, relation, chain"),
        (2, "a line is one record: a JSON object"),
    ]


def test_records_are_found_with_their_lines() -> None:
    raw = next(raw for raw in parse(TEXT, "a.yaml")[0] if raw.data.get("id") == "chem/opposites")
    assert place(TEXT, raw, "predicate") == (8, 35)
    lines = place_all(TEXT, "a.yaml")
    assert (lines["chem/acid", ""], lines["chem/acid", "definition"], lines["chem/acid.is_a.compound", ""]) == (2, 4, 6)


words = st.one_of(
    st.text(string.printable + "éß漢 «»\x7f\x85\u2028\u2029\ufeff\uffff", min_size=1),
    st.text(st.characters(codec="utf-8"), min_size=1),
).filter(lambda text: text.strip() != "")
one_line = words.filter(lambda text: "\n" not in text)
sources = st.one_of(
    one_line,
    st.fixed_dictionaries({"document": one_line}, optional={"quote": words, "span": st.just([3, 14])}),
)
records = st.fixed_dictionaries(
    {"id": st.just("x/a"), "name": words, "definition": words},
    optional={"aliases": st.lists(words, min_size=1, max_size=3), "kind": words, "source": sources},
)


@given(records)
def test_what_is_rendered_reads_back(data: dict[str, object]) -> None:
    text = render([Raw("concept", data), Raw("relation", {"subject": "x/a", "predicate": "is_a", "object": "x/b"})])
    raws, problems = parse(text.encode(), "a.yaml")
    assert problems == []
    assert raws[0].data == data
    assert raws[1].data == {"subject": "x/a", "predicate": "is_a", "object": "x/b"}
