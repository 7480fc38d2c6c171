"""Items edited line by line: what stays keeps its lines and comments, and what cannot be is left to others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.knowledge.files import fields
from prodabuild.knowledge.rewriting import rewritten
from prodabuild.yamlio import load

ITEM = """  - id: zoo/owl   # an id
    # what it is called
    name: "owl"
    definition: >
      it sees
      at night

    aliases: [hooter]   # and others
    relations:
      # as everybody knows
      - predicate: is_a   # a kind
        object: zoo/bird
      # not so sure
      - {predicate: eats, object: zoo/mouse}   # mice
      - {predicate: eats, object: zoo/vole}"""


def item(**changed: Any) -> dict[str, Any]:
    (found,) = load(ITEM)
    return {key: value for key, value in {**found, **changed}.items() if value is not None}


def after(**changed: Any) -> str:
    lines = rewritten(ITEM.split("\n"), item(**changed))
    assert lines is not None
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("changed", "old", "new"),
    [
        ({}, "", ""),
        ({"name": "eagle owl"}, 'name: "owl"', "name: eagle owl"),
        ({"id": "zoo/owls"}, "zoo/owl ", "zoo/owls "),
        ({"aliases": ["a", "b"]}, "[hooter]", "[a, b]"),
        ({"definition": "it hears"}, "definition: >\n      it sees\n      at night\n", "definition: it hears\n"),
        ({"aliases": None}, "    aliases: [hooter]   # and others\n", ""),
        ({"kind": "bird"}, "# and others\n", "# and others\n    kind: bird\n"),
        ({"relations": None}, ITEM[ITEM.index("\n    relations:") :], ""),
    ],
)
def test_only_the_lines_of_a_field_change(changed: dict[str, Any], old: str, new: str) -> None:
    assert after(**changed) == ITEM.replace(old, new, 1)


def relations() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = item()["relations"]
    return found


def test_a_nested_relation_that_goes_takes_its_comment_along() -> None:
    kept = [relations()[0], relations()[2]]
    gone = "      # not so sure\n      - {predicate: eats, object: zoo/mouse}   # mice\n"
    assert after(relations=kept) == ITEM.replace(gone, "")


def test_a_nested_relation_that_comes_stands_after_the_one_before_it() -> None:
    one, two, three = relations()
    new = {"predicate": "fears", "object": "zoo/cat"}
    line = "      - predicate: fears\n        object: zoo/cat\n"
    assert after(relations=[one, new, two, three]) == ITEM.replace(
        "      # not so sure\n", line + "      # not so sure\n"
    )
    assert after(relations=[one, two, three, new]) == f"{ITEM}\n{line}".rstrip("\n")
    first = ITEM.replace("      # as everybody knows\n", line + "      # as everybody knows\n")
    assert after(relations=[new, one, two, three]) == first


def test_a_nested_relation_changes_by_field_or_as_a_whole() -> None:
    one, two, three = relations()
    assert after(relations=[{**one, "source": "b"}, two, three]) == ITEM.replace(
        "        object: zoo/bird\n", "        object: zoo/bird\n        source: b\n"
    )
    assert after(relations=[one, {**two, "source": "b"}, three]) == ITEM.replace(
        "- {predicate: eats, object: zoo/mouse}   # mice",
        "- predicate: eats   # mice\n        object: zoo/mouse\n        source: b",
    )


def test_a_concept_gets_its_first_relations_at_its_end() -> None:
    lines = rewritten(
        ["- id: a", "  name: b  # c"], {"id": "a", "name": "b", "relations": [{"predicate": "p", "object": "o"}]}
    )
    assert lines == ["- id: a", "  name: b  # c", "  relations:", "  - predicate: p", "    object: o"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("- {id: a, name: b}", {"id": "a", "name": "c"}),  # on one line
        ("- id: a\n  name: b", {"name": "b"}),  # the dash stands before what goes
        ("- id: a\n  relations: [{predicate: p, object: o}]", {"id": "a", "relations": [{"predicate": "q", "object": "o"}]}),
        ("- id: a\n  relations:\n  - predicate: p\n  - predicate: q", {"id": "a", "relations": [{"predicate": "q"}, {"predicate": "p"}]}),
    ],
)  # fmt: skip
def test_what_lines_cannot_tell_apart_is_left_to_others(text: str, wanted: dict[str, Any]) -> None:
    assert rewritten(text.split("\n"), wanted) is None


def test_line_ends_of_windows_stay() -> None:
    assert rewritten(["- id: a\r", "  name: b # c\r"], {"id": "a", "name": "d", "kind": "e"}) == [
        "- id: a\r", "  name: d # c\r", "  kind: e\r",
    ]  # fmt: skip


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
NAMES = st.sampled_from(["id", "name", "definition", "kind", "aliases", "source"])
ITEMS = st.dictionaries(NAMES, TEXTS | st.lists(TEXTS), min_size=1)


@given(ITEMS, ITEMS)
def test_whatever_is_wanted_is_said_or_left_to_others(old: dict[str, Any], new: dict[str, Any]) -> None:
    lines = rewritten(fields(old, "- ", "  "), new)
    assert lines is None or load("\n".join(lines)) == [new]
    if next(iter(old)) in new:
        assert lines is not None
