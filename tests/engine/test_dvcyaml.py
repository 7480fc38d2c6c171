from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodabuild.engine.dvcyaml import dump
from prodabuild.yamlio import load

WORDS = (
    "yes",
    "on",
    "12:30",
    "1e-3",
    "0x1f",
    "1_000",
    "017",
    "~",
    "2020-01-01",
    "<<",
    "=",
    "true",
    ".5",
    "it's",
    "a\nb",
    "- a",
    "a: b",
    "é日本",
)


def test_text_that_reads_as_something_else_is_quoted_and_the_rest_is_plain() -> None:
    written = dump(
        {"words": list(WORDS), "numbers": [1e-05, 0.003, 1e20, -1.5, 7], "none": None, "all": [True, {}, []]}
    )
    assert written == (
        "words:\n- yes\n- on\n- 12:30\n- '1e-3'\n- '0x1f'\n- '1_000'\n- '017'\n- '~'\n- '2020-01-01'\n- '<<'\n- '='\n- 'true'\n- '.5'\n"
        "- it's\n- \"a\\nb\"\n- '- a'\n- 'a: b'\n- é日本\n"
        "numbers:\n- 1e-05\n- 0.003\n- 1e+20\n- -1.5\n- 7\nnone:\nall:\n- true\n- {}\n- []\n"
    )
    assert load(written)["words"] == list(WORDS)


def test_long_lines_are_folded_between_words() -> None:
    command = "prodabuild compile " + "--keep-going " * 6 + "-q"
    assert dump({"stages": {"data": {"cmd": command, "path": "knowledge/" + "a" * 70}}}) == (
        "stages:\n  data:\n    cmd: prodabuild compile --keep-going --keep-going --keep-going --keep-going \n"
        "      --keep-going --keep-going -q\n    path: \n      knowledge/" + "a" * 70 + "\n"
    )


_WORD = st.text(alphabet="abc-/.0", min_size=1, max_size=30)
_LONG = st.lists(_WORD, max_size=16).map(lambda words: "a" + " ".join(words))
_SHORT = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
_PRINTED = st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs"), max_codepoint=0xFFFF), max_size=40)
_SCALAR = st.one_of(_LONG, _SHORT, _PRINTED, st.sampled_from(WORDS), st.integers(), st.floats(), st.booleans())
_KEY = st.text(alphabet="abcxyz_-. 01/", min_size=1, max_size=30)
_VALUE = st.recursive(
    _SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEY, inner | st.none(), max_size=4),
    max_leaves=8,
)


@pytest.mark.engine
@settings(max_examples=1500, deadline=None)
@given(st.dictionaries(_KEY, _VALUE, min_size=1, max_size=3))
def test_every_byte_is_that_of_dvc(value: dict[str, Any]) -> None:
    dumps_yaml = pytest.importorskip("dvc.utils.serialize").dumps_yaml

    assert dump(value) == dumps_yaml(value)
