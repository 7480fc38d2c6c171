"""Words of any script, and what they are compared as."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from prodabuild.knowledge.wording import bare, labels, words_of
from prodabuild.segments import fold, graphemes, is_ideograph, is_letter, split


@pytest.mark.parametrize("text", ["Café", "İstanbul", "STRASSE straße", "Ångström", "समोसा", "ガギグ", "ΑΣ ας"])
def test_what_is_written_otherwise_is_folded_alike(text: str) -> None:
    assert fold(normalize("NFD", text)) == fold(normalize("NFC", text))
    assert fold(fold(text)) == fold(text)


def test_what_does_not_show_makes_no_difference_and_a_joiner_does() -> None:
    assert fold("co\u00adop\ufeff") == "coop"
    assert split("می\u200cخواهم") == ["می\u200cخواهم"]


def test_runs_without_spaces_are_kept_whole_where_that_is_wanted() -> None:
    assert split("dna聚合酶 ปลาหมึก", whole=True) == ["dna", "聚合酶", "ปลาหมึก"]
    assert split("a_b c", underscore=False) == ["a", "b", "c"]


def test_letters_are_graphemes() -> None:
    assert graphemes("समोसा") == ["स", "मो", "सा"]
    assert [is_ideograph(word) for word in ("月", "ก", "が", "a", "é")] == [True, False, False, False, False]
    assert [is_letter(word) for word in ("月", "ก", "が", "a", "é", "ア")] == [False, True, True, False, False, False]


def test_names_are_compared_in_one_form() -> None:
    assert labels(normalize("NFD", "Cá mập"), ["समोसा मुलायम"]) == {normalize("NFC", "cá mập"), "समोसा मुलायम"}
    assert bare("The Café") == bare(normalize("NFD", "café"))
    assert words_of("蓬松布料是面料") == ["蓬松布料是面料"]
    assert words_of("蓬松布料", whole=False) == list("蓬松布料")
