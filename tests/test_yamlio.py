from __future__ import annotations

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from prodabuild import yamlio

TEXT = """a: 1
b:
  - x: 1.5e-3
    y: [1, two, "3", null, yes, 0x1f, 1e3, 12:30]
  - z
c: {d: {e: ~}}
"""


def test_load_reads_yaml_1_2_core_types() -> None:
    assert yamlio.load(TEXT) == {
        "a": 1,
        "b": [{"x": 0.0015, "y": [1, "two", "3", None, "yes", 31, 1000.0, "12:30"]}, "z"],
        "c": {"d": {"e": None}},
    }


@pytest.mark.parametrize(
    ("path", "key", "place"),
    [
        (("b", 0, "y", 2), False, (4, 17)),
        (("b", 0, "y"), True, (4, 5)),
        (("b", 1), False, (5, 5)),
        (("c", "d", "absent"), False, (6, 8)),
        ((), False, (1, 1)),
    ],
)
def test_locate_finds_values_keys_and_the_nearest_parent(path: yamlio.Path, key: bool, place: tuple[int, int]) -> None:
    assert yamlio.locate(TEXT, path, key) == place


def test_lines_gives_every_value_its_line() -> None:
    lines = yamlio.lines(TEXT)
    assert lines["b", 0, "y"] == 4
    assert lines["c",] == 6


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: &x 1\nb: 2", "Y003", (1, 4)),
        ("b: *x", "Y003", (1, 4)),
        ("a: 1\na: 2", "Y004", (2, 1)),
        ("a: [1", "Y002", (2, 1)),
        ("- !!python/object 1", "Y005", (1, 3)),
        ("a: 1\n---\nb: 2", "Y006", (2, 1)),
        ("? [a]\n: 1", "Y005", (1, 3)),
        ("[" * 5000, "Y005", (1, 41)),
        ("a: \x00", "Y002", (1, 1)),
        ("1: 2", "Y005", (1, 1)),
        ("a: b: c", "Y002", (1, 5)),
        ("a: " + "9" * 5000, "Y005", (1, 4)),
        ("a: [0x" + "f" * 5000 + "]", "Y005", (1, 5)),
        ("b: -" + "1" * 101, "Y005", (1, 4)),
        ("9" * 5000 + ": a", "Y005", (1, 1)),
        ('a: "\\ud800"', "Y002", (1, 7)),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_place(text: str, code: str, place: tuple[int, int]) -> None:
    with pytest.raises(yamlio.TextError) as caught:
        yamlio.load(text)
    assert (caught.value.code, (caught.value.line, caught.value.column)) == (code, place)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    with pytest.raises(yamlio.TextError, match="anchors"):
        yamlio.load(bomb)


def test_decode_names_the_byte_that_is_not_utf_8() -> None:
    with pytest.raises(yamlio.TextError) as caught:
        yamlio.decode(b"a: 1\nb: \xff\n")
    assert (caught.value.line, caught.value.column, caught.value.code) == (2, 4, "Y001")


def test_jsonl_names_the_line_that_is_not_json() -> None:
    with pytest.raises(yamlio.TextError) as caught:
        yamlio.load_jsonl(b'{"a": 1}\n\n{"a": \n')
    assert (caught.value.line, caught.value.code) == (3, "Y007")


def test_long_numbers_that_are_quoted_are_text() -> None:
    assert yamlio.load(f"a: '{'9' * 5000}'\nb: {'9' * 100}") == {"a": "9" * 5000, "b": int("9" * 100)}


@pytest.mark.parametrize(
    ("line", "key", "column"),
    [
        ('{"a":1,"a":2}', "a", 8),
        ('{"a" :1,"a":2}', "a", 9),
        ('{"a":1,"\\u0061"\t :2}', "a", 8),
        ('{"é":"x","s":{"d":1,"d":2}}', "d", 21),
        ('{"t":"\\":","b":[{"c":1},{"c":1,"c":2}],"d":1}', "c", 32),
        ('{"a":"{","b":"}","a":3}', "a", 18),
        ('[{"a":1,"a":1}]', "a", 9),
    ],
)
def test_a_key_that_stands_twice_in_an_object_of_jsonl_is_refused(line: str, key: str, column: int) -> None:
    with pytest.raises(yamlio.TextError) as caught:
        yamlio.load_jsonl(b'{"z":1}\n\n' + line.encode() + b"\n")
    assert (caught.value.code, caught.value.message) == ("Y004", f"duplicate key {key!r}")
    assert (caught.value.line, caught.value.column) == (3, column)


@given(st.lists(st.recursive(st.text(' :"\\{}ab') | st.integers(-9, 9), lambda inner: st.lists(inner) | st.dictionaries(
    st.text(' :"\\{}ab'), inner))), st.booleans())  # fmt: skip
def test_jsonl_with_every_key_once_reads_back(values: list[object], spaced: bool) -> None:
    data = "\n".join(json.dumps(value, separators=(" ,", "\t: ") if spaced else (",", ":")) for value in values)
    assert [value for _, value in yamlio.load_jsonl(data.encode())] == values


def test_jsonl_may_begin_with_a_byte_order_mark() -> None:
    assert yamlio.load_jsonl(b'\xef\xbb\xbf{"a": 1}\r\n') == [(1, {"a": 1})]


def test_jsonl_names_the_conflict_that_a_merge_left() -> None:
    with pytest.raises(yamlio.TextError) as caught:
        yamlio.load_jsonl(b'{"a": 1}\n<<<<<<< HEAD\n{"a": 2}\n')
    assert (caught.value.line, caught.value.message) == (2, "not JSON: a mark of a merge")
    assert caught.value.hint == "resolve the conflict that git left here"


NUMERIC = re.compile(r"[-+.]?[0-9]")  # PyYAML writes by YAML 1.1, where `1_0` is a number and `0E0` is a word

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])).filter(
        lambda text: not NUMERIC.match(text)
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_what_is_written_as_yaml_reads_back(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    if "&" not in text and "*" not in text and "!" not in text:
        assert yamlio.load(text) == value
