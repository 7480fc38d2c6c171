from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.knowledge import similar
from prodabuild.knowledge.similar import similar_texts

texts = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3),
    st.lists(st.sampled_from(["one", "two", "three", "four", "five", "six"]), min_size=1, max_size=12),
    max_size=12,
)


def alike(one: list[str], two: list[str]) -> float:
    sets = [{*words, *pairwise(words)} for words in (one, two)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@given(texts, st.sampled_from([0.5, 0.75, 0.85, 1.0]))
def test_the_join_is_exact(rows: dict[str, list[str]], least: float) -> None:
    found = list(similar_texts(rows, least))
    assert all(alike(rows[one], rows[two]) >= least - 1e-9 for one, two in found)
    near = {key for pair in combinations(rows, 2) if alike(*(rows[key] for key in pair)) >= least for key in pair}
    assert {key for pair in found for key in pair} <= near
    later = {two for _, two in found}
    groups = [pair for pair in combinations(rows, 2) if alike(*(rows[key] for key in pair)) >= least]
    assert all(later.intersection(pair) for pair in groups)


def test_the_order_of_words_counts() -> None:
    texts = {
        "tan": "ratio of the opposite to the adjacent side of a right angled triangle",
        "cot": "ratio of the adjacent to the opposite side of a right angled triangle",
    }
    rows = {key: text.split() for key, text in texts.items()}
    assert list(similar_texts(rows, 0.85)) == []
    assert list(similar_texts(rows, 0.6)) == [("cot", "tan")]


def test_filled_in_forms_are_not_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    nearest = similar._nearest

    def spy(sets: dict[str, frozenset[int]], key: str, near: set[str], least: float) -> str | None:
        compared.append(len(near))
        return nearest(sets, key, near, least)

    monkeypatch.setattr(similar, "_nearest", spy)
    rows = {f"{n:03}": f"the stone that stands at place {n} and is known by its number".split() for n in range(500)}
    assert list(similar_texts(rows, 0.85)) == []
    assert len(list(similar_texts(rows, 0.6))) == 499
    assert max(compared) == similar.MOST
