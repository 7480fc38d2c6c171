from __future__ import annotations

import pytest

from prodabuild.knowledge.language import Name, after, article, capital, sentence

AN = (
    "hour heir honor honest oxygen X-ray 8-bit 80 11-plus 11th 18-wheeler 1861 11,000 11000 FM NMR SOS urn umbrella "
    "unknown unidentified unimportant uncle ulna HIV upper usher ABC SUV SUVs LED LED-based FBI MRI HVAC MSc x-axis "
    'n-gram F-test S.T.P. mRNA éclair Ångström Übermensch Øresund α-particle Xmas yttrium hors XI AIDS NAACP "oxygen"'
)
A = (
    "unit European one-armed one-way oneness ukulele Ukrainian Uganda 180 110 1,100 US uranium eulogy UFO U.S. union "
    "uniform unicorn university unanimous unary usual euro ewe user utensil Utah ROM RAM NASA USB UNIX UNESCO U-turn "
    "T-cell p-value μ-opioid β-sheet tRNA pH PhD HUD XIV xenon yeast horse herb Ouija (unit) 水"
)


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


def test_in_which_case_a_sentence_begins() -> None:
    def begun(name: Name) -> str:
        return sentence("{a subject} {is} a tool", name, name, ".")

    assert begun(Name("mdadm", "proper")) == "mdadm is a tool."
    assert begun(Name("van Gogh", "proper")) == "Van Gogh is a tool."
    assert begun(Name("al-Qaeda", "proper")) == "Al-Qaeda is a tool."
    assert begun(Name("pH", "mass")) == "pH is a tool."
    assert begun(Name("water", "mass")) == "Water is a tool."
    assert begun(Name("mRNA")) == "An mRNA is a tool."
    assert sentence("one unit of {subject} is the {object}", Name("mdadm", "proper"), Name("bit"), ".") == (
        "One unit of mdadm is the bit."
    )


def test_a_definition_begins_with_a_capital_unless_its_first_word_has_a_case_of_its_own() -> None:
    assert [capital(text) for text in ("a lizard", "eBay shop", "éclair", "")] == [
        "A lizard",
        "eBay shop",
        "Éclair",
        "",
    ]


def test_a_path_leads_to_a_noun_with_its_article() -> None:
    assert after("part of", Name("wheel")) == "part of a wheel"
    assert after("part of", Name("water", "mass")) == "part of water"
    assert after("a kind of", Name("wheel")) == "a kind of wheel"
