"""Words, runs and bags."""

from __future__ import annotations

import re
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.segments import fold
from prodabuild.suites.wording import RUN, bag, runs, spare, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is Acid-Test?", ["what", "is", "acid", "test"]),
        ("snake_case, 3.5%", ["snake_case", "3", "5"]),
        ("Émile's œuvre", ["émile", "s", "œuvre"]),
        ("  ", []),
        ("समोसा मुलायम है", ["समोसा", "मुलायम", "है"]),
        ("كِتَاب جديد", ["كِتَاب", "جديد"]),
        ("红月饼9是布料", ["红", "月", "饼", "9", "是", "布", "料"]),
        ("DNAポリメラーゼは酵素", ["dna", "ポリメラーゼ", "は", "酵", "素"]),
        ("หมึก", ["ห", "มึ", "ก"]),
        ("한국어 단어", ["한국어", "단어"]),
        ("Straße co\u00adop", ["strasse", "coop"]),
    ],
)
def test_words_are_lower_case_and_without_marks(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_and_text_of_the_world_are_taken_apart_alike(text: str) -> None:
    assert words(f"{text} é") == [*words(text), "é"]


@pytest.mark.parametrize("text", ["Cá mập là cá", "Émile's œuvre", "समोसा ज़्यादा", "が ガ"])
def test_composed_and_decomposed_text_has_the_same_words(text: str) -> None:
    assert words(normalize("NFD", text)) == words(normalize("NFC", text)) == words(text.upper())


@given(st.text(st.characters(categories=["L", "N", "P", "Z"], max_codepoint=0x17F, exclude_characters="\u0130")))
def test_letters_without_marks_have_the_words_that_they_had(text: str) -> None:
    assert words(text) == re.findall(r"\w+", fold(text))


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_a_bag_holds_every_word_as_often_as_it_stands(text: list[str]) -> None:
    assert len(bag(text)) == len(text)
    assert bag(text) == bag(text[::-1])


def test_runs_are_13_words_long() -> None:
    text = [str(number) for number in range(15)]
    assert [run[0] for run in runs(text)] == ["0", "1", "2"]
    assert all(len(run) == RUN for run in runs(text))
    assert list(runs(text[:12])) == []


def test_ideographs_count_as_words_and_three_letters_of_a_script_without_spaces_do() -> None:
    assert [len(run) for run in runs(words("月" * 14))] == [13, 13]
    assert list(runs(words("月" * 12))) == []
    assert [len(run) for run in runs(words("ก" * 40))] == [39, 39]
    assert list(runs(words("ก" * 38))) == []
    assert [len(run) for run in runs(words(f"{'w ' * 12}กกกก"))] == [15, 16]


@given(st.integers(0, 200))
def test_a_bag_with_one_word_more_missing_cannot_be_near(size: int) -> None:
    assert size - spare(size) >= 0.8 * size
    assert size - spare(size) - 1 < 0.8 * size
