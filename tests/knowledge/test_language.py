from __future__ import annotations

import pytest

from prodabuild.knowledge.language import Name, article, sentence

AN = "hour heir honor oxygen X-ray 8-bit 11-plus 18-wheeler FM NMR SOS urn umbrella unknown unidentified uncle ulna HIV upper usher ABC"
A = "unit European one-armed ukulele 180 US uranium eulogy UFO U.S. union uniform university unanimous usual euro ewe user utensil Utah ROM RAM"


@pytest.mark.parametrize("word", AN.split())
def test_an(word: str) -> None:
    assert article(f"{word} thing") == "an"


@pytest.mark.parametrize("word", A.split())
def test_a(word: str) -> None:
    assert article(f"{word} thing") == "a"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Name("dog"), "A dog is part of an animal."),
        (Name("water", "mass"), "Water is part of an animal."),
        (Name("Mount Everest", "proper"), "Mount Everest is part of an animal."),
        (Name("scissors", "plural"), "Scissors are part of an animal."),
    ],
)
def test_a_sentence_agrees_with_its_subject(subject: Name, expected: str) -> None:
    assert sentence("{a subject} {is} part of {a object}", subject, Name("animal"), ".") == expected
