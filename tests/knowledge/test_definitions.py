from __future__ import annotations

import pytest

from prodabuild.knowledge.definitions import begins_with, says_nothing
from prodabuild.knowledge.graph import Term
from prodabuild.knowledge.wording import bare, labels, meaning


@pytest.mark.parametrize(
    ("definition", "name", "expected"),
    [
        ("acid that eats metal", "acid", True),
        ("An acid, strong", "acid", True),
        ("the acid", "acid", True),
        ("Coca Cola is a trademarked cola", "Coca Cola", True),
        ("expression without words", "expression", True),
        ("the liver of an animal used as meat", "liver", True),
        ("the first element in a countable series", "first", False),  # it describes the noun after it
        ("cup-shaped plant organ", "cup", False),
        ("acids of one kind", "acid", False),
        ("the cat's cradle", "cat", False),
        ("a strong acid", "acid", False),
        ("", "acid", False),
    ],
)
def test_which_definitions_begin_with_their_term(definition: str, name: str, expected: bool) -> None:
    assert begins_with(definition, name) is expected


@pytest.mark.parametrize(
    ("name", "definition", "expected"),
    [
        ("acid", "An acid.", True),
        ("star (celestial body)", "a star", True),
        ("A-list", "the A list", True),
        ("copper (penny)", "a copper penny", False),
        ("acid", "a base", False),
        ("+", "-", False),
        ("freedom to keep and bear arms at home", "the freedom to keep and bear arms at home", True),
    ],
)
def test_which_definitions_are_only_a_name(name: str, definition: str, expected: bool) -> None:
    assert says_nothing(Term(name, definition, [])) is expected


def test_words_are_compared_without_case_marks_and_article() -> None:
    assert bare("  The Rain-Forest! ") == "rain forest"
    assert bare("the") == "the"
    assert bare("Straße") == "strasse"
    assert meaning("a tropical rain-forest") == "tropical rain forest"
    assert meaning("a forest where it rains on most days of the year") is None
    assert labels("star (celestial body)", ["The Sun"]) == {"star celestial body", "star", "sun"}
