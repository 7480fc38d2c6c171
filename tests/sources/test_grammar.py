from __future__ import annotations

import pytest

from prodabuild.knowledge.language import Name, sentence
from prodabuild.knowledge.predicates import BUILTIN
from prodabuild.sources.grammar import noun_of, slug, tidy_definition
from prodabuild.sources.phrases import NAMES, declare, predicate_of
from prodabuild.sources.vocabulary import reference


@pytest.mark.parametrize(
    ("name", "definition", "expected"),
    [
        ("dog", "a pet", "count"),
        ("New York", "a city", "proper"),
        ("photosynthesis", "the process by which plants feed", "mass"),
        ("happiness", "a good feeling", "mass"),
        ("witness", "one who saw", "count"),
        ("capitalism", "an order of trade", "mass"),
        ("microorganism", "a small being", "count"),
        ("city", "a large town", "count"),
        ("trousers", "any garments for legs", "plural"),
        ("glass", "what windows are made of", "count"),
    ],
)
def test_how_a_name_behaves(name: str, definition: str, expected: str) -> None:
    assert noun_of(name, definition) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A small  dog.\n", "a small dog"),
        ("Oxygen is a gas. It burns.", "Oxygen is a gas. It burns"),
        ("What remains", "what remains"),
        ("  ", ""),
    ],
)
def test_a_definition_follows_means(text: str, expected: str) -> None:
    assert tidy_definition(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Barn owl", "barn_owl"),
        ("naïve Ångström", "naive_angstrom"),
        ("Straße", "strasse"),
        ("光合作用", "光合作用"),
        ("हिन्दी भाषा", "हिन्दी_भाषा"),
        ("C++", "c"),
        ("??", ""),
    ],
)
def test_a_text_as_part_of_an_id(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_digits_alone_do_not_read_as_a_span() -> None:
    assert reference("a.csv", "12") == "a.csv#id:12"
    assert reference("a.csv", "T 12") == "a.csv#T 12"


def test_words_for_what_is_built_in() -> None:
    assert set(NAMES.values()) == set(BUILTIN)
    assert predicate_of("is a kind of") == ("is_a", None)
    assert predicate_of("Is_A") == ("is_a", None)
    assert predicate_of("BFO_0000050") == ("part_of", None)
    assert predicate_of("RO:0002202") is None
    assert predicate_of(" . ") is None


@pytest.mark.parametrize(
    ("phrase", "forward", "question", "inverse"),
    [
        ("leads to", "An owl leads to mice.", "What does an owl lead to?", "What leads to mice?"),
        ("catches", "An owl catches mice.", "What does an owl catch?", "What catches mice?"),
        ("carries", "An owl carries mice.", "What does an owl carry?", "What carries mice?"),
        ("is eaten by", "An owl is eaten by mice.", "What is an owl eaten by?", "What is eaten by mice?"),
        ("caused by", "An owl is caused by mice.", "What is an owl caused by?", "What is caused by mice?"),
        ("located in", "An owl is located in mice.", "What is an owl located in?", "What is located in mice?"),
        ("caused", "An owl caused mice.", "An owl caused what?", "What caused mice?"),
        ("can hear", "An owl can hear mice.", "What can an owl hear?", "What can hear mice?"),
        ("has role", "An owl has role mice.", "What does an owl have as role?", "What has role mice?"),
        (
            "predator of",
            "An owl is a predator of mice.",
            "What is an owl a predator of?",
            "What is a predator of mice?",
        ),
        ("slowly kills", "An owl slowly kills mice.", "An owl slowly kills what?", "What slowly kills mice?"),
        ("needs", "An owl needs mice.", "What does an owl need?", "What needs mice?"),
    ],
)
def test_how_a_phrase_reads_and_asks(phrase: str, forward: str, question: str, inverse: str) -> None:
    owl, mice = Name("owl"), Name("mice", "plural")
    fields = declare(phrase)
    assert sentence(fields["forward"], owl, mice, ".") == forward
    assert sentence(fields["question"], owl, mice) == question
    assert sentence(fields["inverse_question"], owl, mice) == inverse
