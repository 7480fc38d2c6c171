"""Edits of files of records: what they leave alone stays to the byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.knowledge.editing import START, Edit, apply, encode
from prodabuild.knowledge.files import parse, render
from prodabuild.knowledge.records import Level, Raw, identity_of

TEXT = """# Birds, as we know them

concepts:   # in no order
  # the first
  - id: zoo/owl
    name: owl
    definition: "it sees at night"   # mostly
    relations:
      # as everybody knows
      - {predicate: is_a, object: zoo/bird}

  # the second
  - {id: zoo/bird, name: bird, definition: what flies}
  # nothing follows
relations:
  - {subject: zoo/bird, predicate: eats, object: zoo/owl}
chains:
  - id: zoo/one
    title: one
    steps: [zoo/a, zoo/b]
# the end
"""


def concept(name: str, text: str = "new") -> Raw:
    return Raw("concept", {"id": f"zoo/{name}", "name": name, "definition": text})


def relation(subject: str, target: str, predicate: str = "is_a") -> Raw:
    return Raw("relation", {"subject": f"zoo/{subject}", "predicate": predicate, "object": f"zoo/{target}"})


def edit(text: str, change: Edit, file: str = "a.yaml") -> str:
    return apply(text.encode(), file, change).decode()


def content(data: bytes, file: str = "a.yaml") -> dict[str, tuple[Level, dict[str, Any]]]:
    raws, problems = parse(data, file)
    assert problems == []
    return {identity_of(raw.level, raw.data): (raw.level, raw.data) for raw in raws}


def test_an_empty_edit_changes_nothing() -> None:
    assert edit(TEXT, Edit()) == TEXT


def test_a_replaced_record_is_written_anew_and_nothing_else() -> None:
    expected = TEXT.replace(
        "  - {id: zoo/bird, name: bird, definition: what flies}\n",
        "  - id: zoo/bird\n    name: bird\n    definition: what has feathers\n",
    )
    assert edit(TEXT, Edit(replaced={"zoo/bird": concept("bird", "what has feathers")})) == expected


def test_a_relation_under_a_concept_is_written_anew_and_the_concept_is_not() -> None:
    more = relation("owl", "bird")._replace(data=relation("owl", "bird").data | {"source": "book"})
    found = edit(TEXT, Edit(replaced={"zoo/owl.is_a.bird": more}))
    assert '  # the first\n  - id: zoo/owl\n    name: owl\n    definition: "it sees at night"   # mostly\n' in found
    assert (
        "      # as everybody knows\n      - predicate: is_a\n        object: zoo/bird\n        source: book\n\n  # the second\n"
        in found
    )


def test_a_removed_record_takes_the_comment_above_it_along() -> None:
    found = edit(TEXT, Edit(removed={"zoo/bird"}))
    assert "# the second" not in found
    assert "# nothing follows\n" in found
    assert found.count("\n") == TEXT.count("\n") - 3


def test_a_section_whose_last_record_is_removed_goes_but_not_its_comments() -> None:
    found = edit(TEXT, Edit(removed={"zoo/one"}))
    assert "chains:" not in found
    assert found.endswith("# the end\n")


def test_added_records_follow_the_one_they_name() -> None:
    change = Edit(
        added=[
            ("zoo/owl", concept("hawk")),
            ("zoo/owl", concept("kite")),
            (START, concept("auk")),
            (None, concept("wren")),
            ("zoo/owl.is_a.bird", relation("owl", "hawk", "fears")),
            (START, relation("hawk", "bird")),
            (START, relation("hawk", "owl")),
            (None, relation("cat", "bird", "eats")),
        ]
    )
    raws = parse(edit(TEXT, change).encode(), "a.yaml")[0]
    assert [identity_of(raw.level, raw.data).removeprefix("zoo/") for raw in raws] == [
        *("auk", "owl", "owl.is_a.bird", "owl.fears.hawk", "hawk", "hawk.is_a.bird", "hawk.is_a.owl", "kite", "bird", "wren"),
        *("bird.eats.owl", "cat.eats.bird", "one"),
    ]  # fmt: skip
    assert "  # the second\n  - {id: zoo/bird, name: bird, definition: what flies}\n" in edit(TEXT, change)


def test_a_new_section_stands_at_the_end() -> None:
    chain = Raw("chain", {"id": "zoo/two", "title": "two", "steps": ["zoo/a", "zoo/b"]})
    found = edit("concepts:\n- {id: zoo/owl, name: owl, definition: d}\n", Edit(added=[(None, chain)]))
    assert found.endswith("definition: d}\nchains:\n- id: zoo/two\n  title: two\n  steps:\n  - zoo/a\n  - zoo/b\n")


def test_when_the_last_record_goes_nothing_is_left() -> None:
    assert edit("concepts:\n- {id: zoo/owl, name: owl, definition: d}\n", Edit(removed={"zoo/owl"})) == ""


@pytest.mark.parametrize(
    "text",
    [
        "concepts: [{id: zoo/owl, name: owl, definition: d}, {id: zoo/bird, name: bird, definition: e}]\n",
        "{concepts: [{id: zoo/owl, name: owl, definition: d}, {id: zoo/bird, name: bird, definition: e}]}\n",
        "concepts:\n-\n  id: zoo/owl\n  name: owl\n  definition: d\n- {id: zoo/bird, name: bird, definition: e}\n",
        "concepts:\n- id: zoo/owl\n  name: owl\n  definition: |-\n    d\u2028    - x\n- {id: zoo/bird, name: bird, definition: e}",
        "# none yet\n",
        "",
    ],
)
def test_other_layouts_are_written_anew_with_the_same_content(text: str) -> None:
    change = Edit(added=[("zoo/owl", concept("hawk"))])
    if "zoo/owl" in text:
        change.replaced["zoo/bird"] = concept("bird")
    expected = content(text.encode()) | {identity: (raw.level, raw.data) for identity, raw in change.replaced.items()}
    expected |= {"zoo/hawk": ("concept", concept("hawk").data)}
    assert content(edit(text, change).encode()) == expected


def test_a_concept_whose_relations_stay_can_go() -> None:
    found = content(edit(TEXT, Edit(removed={"zoo/owl"})).encode())
    assert found["zoo/owl.is_a.bird"] == ("relation", relation("owl", "bird").data)
    assert "zoo/owl" not in found


def test_lines_of_jsonl_are_replaced_removed_and_added() -> None:
    owl = '{"level":"concept","name":"owl","id":"zoo/owl","definition":"d"}\n'
    bird = '{"level": "concept", "id": "zoo/bird", "name": "bird", "definition": "e"}'
    auk, hawk, wren, new = (
        f'{{"definition":"new","id":"zoo/{name}","level":"concept","name":"{name}"}}\n'
        for name in ("auk", "hawk", "wren", "bird")
    )
    change = Edit(added=[("zoo/owl", concept("hawk")), (START, concept("auk")), ("zoo/no", concept("wren"))])
    assert edit(f"{owl}\n{bird}", change, "a.jsonl") == f"{auk}{owl}{hawk}\n{bird}\n{wren}"[:-1]
    assert edit(f"{owl}\n{bird}", Edit({"zoo/bird": concept("bird")}, {"zoo/owl"}), "a.jsonl") == "\n" + new[:-1]


NAMES = ("a", "b", "c", "d", "e")


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Raw], str]:
    """Return records and a YAML text of them with a comment above each."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    ends = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))
    raws = [concept(name, draw(st.text("xyz:# '\"", min_size=1).filter(str.strip))) for name in names]
    raws += [relation(one, two) for one, two in draw(st.lists(ends, unique=True, max_size=6))]
    lines = render(raws).splitlines()
    text = "\n".join(f"# about {line[6:]}\n{line}" if line.startswith("- id") else line for line in lines)
    return raws, text + "\n"


@given(files(), st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)), st.booleans())
def test_any_edit_has_its_effect_and_keeps_comments(
    file: tuple[list[Raw], str], replaced: set[str], removed: set[str], lines: bool
) -> None:
    raws, text = file
    name = "a.jsonl" if lines else "a.yaml"
    data = encode(raws, name) if lines else text.encode()
    before = content(data, name)
    gone = {f"zoo/{each}" for each in removed} & before.keys()
    gone |= {identity for identity, (_, fields) in before.items() if fields.get("subject") in gone}
    change = Edit(
        {f"zoo/{each}": concept(each, "else") for each in replaced if f"zoo/{each}" in before.keys() - gone}, gone
    )
    change.added = [(next(iter(before)), concept("new")), (START, relation("new", "a"))]
    wanted = {identity: row for identity, row in before.items() if identity not in gone}
    wanted |= {identity: (raw.level, raw.data) for identity, raw in change.replaced.items()}
    wanted |= {identity_of(raw.level, raw.data): (raw.level, raw.data) for _, raw in change.added}
    after = apply(data, name, change)
    assert content(after, name) == wanted
    if not lines:
        for each in before.keys() - gone:
            assert (f"# about {each}\n" in text) == (f"# about {each}\n" in after.decode())


LINES = "".join(
    f'{{"level": "concept", "id": "zoo/{name}", "name": "{name}", "definition": "d"}}\n'
    for name in ("owl", "auk", "jay")
)
CHANGES = (
    Edit(),
    Edit(replaced={"zoo/owl": concept("owl", "heard")}),
    Edit(removed={"zoo/owl"}),
    Edit(added=[(None, concept("wren")), ("zoo/owl", concept("hawk")), (START, concept("kite"))]),
    Edit(added=[(None, relation("owl", "wren")), (None, Raw("chain", {"id": "zoo/c", "title": "c", "steps": ["a", "b"]}))]),
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("file", "ending"),
    [("a.yaml", "\n"), ("a.yaml", "\r\n"), ("a.yaml", "\r"), ("a.jsonl", "\n"), ("a.jsonl", "\r\n")],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("closed", [True, False])
def test_an_edit_keeps_how_a_file_is_laid_out(change: Edit, file: str, mark: str, ending: str, closed: bool) -> None:
    text = TEXT if file == "a.yaml" else LINES
    plain = edit(text, change, file)
    expected = mark + (plain if closed else plain[:-1]).replace("\n", ending)
    laid = mark + (text if closed else text[:-1]).replace("\n", ending)
    assert edit(laid, change, file) == expected


def test_lines_that_end_in_two_ways_stay_so() -> None:
    mixed = "concepts:\r\n- id: zoo/a\r\n  name: a\n  definition: d\n- id: zoo/b\n  name: b\n  definition: d\r\n"
    assert edit(mixed, Edit()) == mixed
    found = edit(mixed, Edit(added=[(None, concept("c"))]))
    assert found == mixed + "- id: zoo/c\n  name: c\n  definition: new\n"


def test_a_block_of_text_stays_one_where_something_else_changes() -> None:
    text = "concepts:\n- id: zoo/a\n  name: a\n  definition: >\n    it\n    sees\n"
    owl = Raw("concept", {"id": "zoo/a", "name": "b", "definition": "it sees"})
    assert edit(text, Edit(replaced={"zoo/a": owl})) == text.replace("name: a", "name: b")


def test_a_comment_is_found_behind_many_marks_in_linear_time() -> None:
    import time

    name = "a" + " #" * 20_000
    text = f'concepts:\n- id: zoo/a\n  name: "{name}"{" " * 100_000}# why\n  definition: d\n'
    started = time.process_time()
    found = edit(text, Edit(replaced={"zoo/a": concept("a", "d")}))
    assert found == text.replace(f'"{name}"', "a")
    assert time.process_time() - started < 20
