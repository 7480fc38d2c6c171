from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodabuild.knowledge.files import parse, place, place_all, render
from prodabuild.knowledge.places import Places
from prodabuild.knowledge.records import Level, Raw, identity_of, tidied, to_data, to_fact

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
        ("- a\n", "k.yaml:1:1: error[K011]: a file of records has the sections concepts, relations, chains, emphasis, samples"),
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
        (1, "level 'concpet' is not one of concept, relation, chain, emphasis, sample"),
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
    assert raws[0].data == tidied(data)
    assert raws[1].data == {"subject": "x/a", "predicate": "is_a", "object": "x/b"}


RECORDS: list[tuple[Level, dict[str, Any]]] = [
    ("concept", {"id": "x/a", "name": "a", "noun": "mass", "definition": "d", "aliases": ["b"], "disjoint": ["x/b"]}),
    ("concept", {"id": "x/a", "name": "a", "noun": "count", "definition": "d", "source": "doc.md#1-2"}),
    ("relation", {"subject": "x/a", "predicate": "p", "object": "y/b", "statement": "s"}),
    ("chain", {"id": "x/c", "title": "t", "steps": ["a", "b"], "preconditions": ["p"], "source": "isbn:1"}),
    ("emphasis", {"node": "x/a", "ways": ["steps"]}),
    ("sample", {"id": "x/s", "nodes": ["x/b", "x/a"], "question": "q", "answer": "a"}),
]


@pytest.mark.parametrize(("level", "record"), RECORDS)
def test_the_fields_of_a_fact_make_the_same_fact(level: Level, record: dict[str, Any]) -> None:
    fact = to_fact(level, record, "a.yaml", "x")
    assert to_fact(*to_data(fact), "a.yaml", "x") == fact


def test_emphasis_and_samples_are_rendered_too() -> None:
    text = render([Raw(level, record) for level, record in RECORDS[1:]])
    raws, problems = parse(text.encode(), "a.yaml")
    assert problems == []
    assert sorted(raw.level for raw in raws) == sorted(level for level, _ in RECORDS[1:])


TIDY = {"id": "x/é", "name": "a b", "definition": "one line", "aliases": ["c d"]}
BLOCK = """concepts:
- id: x/e\u0301
  name: "a\\tb"
  definition: >
    one
    line
  aliases: ["c   d\\u2028"]
"""


@pytest.mark.parametrize(
    ("data", "file"),
    [
        (BLOCK, "a.yaml"),
        (BLOCK.replace("\n", "\r\n"), "a.yaml"),
        ("\ufeff" + BLOCK.replace(">", "|"), "a.yaml"),
        (json.dumps({"level": "concept", **TIDY, "definition": " one  line\n"}), "a.jsonl"),
        (json.dumps({"level": "concept", **TIDY, "id": "x/e\u0301", "name": "a\x0bb"}), "a.jsonl"),
        ("\ufeff" + json.dumps({"level": "concept", **TIDY, "name": "a \x85b"}, ensure_ascii=False) + "\r\n", "a.jsonl"),
    ],
)  # fmt: skip
def test_texts_are_read_as_one_tidy_line_and_ids_in_nfc(data: str, file: str) -> None:
    (raw,), problems = parse(data.encode(), file)
    assert (raw.data, problems) == (TIDY, [])


def test_what_is_tidy_is_read_as_it_is() -> None:
    french = {
        "id": "x/a",
        "name": "« a\xa0»",
        "definition": "nom\u202f: e\u0301",
        "source": {"document": "d", "quote": "a\n  b"},
    }
    assert tidied(french) is french
    (raw,), _ = parse(json.dumps({"level": "concept", **french}).encode(), "a.jsonl")
    assert raw.data == french


def test_practice_is_tidied_but_for_the_lines_of_an_answer() -> None:
    sample = {"id": "x/s", "nodes": ["x/a"], "question": "what\nis it?\n", "answer": "one\n  two\n"}
    assert tidied(sample) == sample | {"question": "what is it?", "answer": "one\n  two"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({}, "a record has a `level`, a text"),
        ({"level": None}, "a record has a `level`, a text"),
        ({"level": ["concept"], "id": "a"}, "a record has a `level`, a text"),
        ({"level": {"concept": 1}}, "a record has a `level`, a text"),
        ({"level": "relation"}, "subject is missing, predicate is missing, object is missing"),
        ({"level": "emphasis", "ways": [[]]}, "ways is not a list of recall, contrast, steps, each at most once, node is missing"),
        ({"level": "relation", "subject": 1, "predicate": None, "object": {}}, "subject is not a text, predicate is not a text, object is not a text"),
    ],
)  # fmt: skip
def test_a_line_without_what_it_must_have_is_named(line: dict[str, Any], message: str) -> None:
    raws, problems = parse(b"\n" + json.dumps(line).encode(), "a.jsonl")
    assert (raws, ", ".join(problem.message for problem in problems)) == ([], message)
    assert {(problem.line, problem.column) for problem in problems} == {(2, 1)}


def test_many_flaws_of_one_file_are_located_in_linear_time() -> None:
    import time

    text = "concepts:\n" + "- {id: a, name: b, definition: c, no: d}\n" * 4000
    started = time.process_time()
    problems = parse(text.encode(), "a.yaml")[1]
    assert (len(problems), problems[-1].line) == (4000, 4001)
    assert time.process_time() - started < 20  # seconds; one after the other, they would take a quarter of an hour


MUTANTS = [(level, {"level": level, **record}) for level, record in RECORDS]
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a/#.!\x00 \u200b\ud83d\n:", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["document", "span", "quote", "a"]), inner),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=2000)
@given(st.sampled_from(MUTANTS), st.data())
def test_no_shape_of_a_record_is_a_bug(mutant: tuple[Level, dict[str, Any]], data: st.DataObject) -> None:
    level, record = mutant
    fields = data.draw(st.lists(st.sampled_from([*record, "id", "relations", "more"]), min_size=1, max_size=2))
    changed = record | {field: data.draw(odd) for field in fields}
    changed = {field: value for field, value in changed.items() if data.draw(st.integers(0, 9))}
    line = json.dumps(changed).encode()
    bare = {field: value for field, value in changed.items() if field != "level"}
    section = {"emphasis": "emphasis"}.get(level, f"{level}s")
    files = {"a.jsonl": line, "a.yaml": json.dumps({section: [bare]}).encode()}
    with tempfile.TemporaryDirectory() as folder:
        for file, text in files.items():
            raws, problems = parse(text, file)
            assert raws or problems
            assert all(problem.file == file and problem.line == 1 for problem in problems)
            (Path(folder) / file).write_bytes(text)
            for raw in raws:
                fact = to_fact(raw.level, raw.data, file, "x")
                assert to_fact(*to_data(fact), file, "x") == fact
                assert Places(Path(folder), {fact.key: file}.copy).locate(fact.key, "id")[0] == 1
