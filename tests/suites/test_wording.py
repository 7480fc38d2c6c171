"""Words, runs and bags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.suites.wording import RUN, bag, runs, spare, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is Acid-Test?", ["what", "is", "acid", "test"]),
        ("snake_case, 3.5%", ["snake_case", "3", "5"]),
        ("Émile's œuvre", ["émile", "s", "œuvre"]),
        ("  ", []),
    ],
)
def test_words_are_lower_case_and_without_marks(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_and_text_of_the_world_are_taken_apart_alike(text: str) -> None:
    assert words(f"{text} é") == [*words(text), "é"]


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_a_bag_holds_every_word_as_often_as_it_stands(text: list[str]) -> None:
    assert len(bag(text)) == len(text)
    assert bag(text) == bag(text[::-1])


def test_runs_are_13_words_long() -> None:
    text = [str(number) for number in range(15)]
    assert [run[0] for run in runs(text)] == ["0", "1", "2"]
    assert all(len(run) == RUN for run in runs(text))
    assert list(runs(text[:12])) == []


@given(st.integers(0, 200))
def test_a_bag_with_one_word_more_missing_cannot_be_near(size: int) -> None:
    assert size - spare(size) >= 0.8 * size
    assert size - spare(size) - 1 < 0.8 * size
