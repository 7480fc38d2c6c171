"""Patterns over what others write: right, and in a time that grows with the length."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.errors import ProjectError
from prodabuild.knowledge import wording
from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.language import Name, sentence
from prodabuild.knowledge.patches import name_of
from prodabuild.knowledge.records import ID, one_line
from prodabuild.problems import suggest
from prodabuild.sources import grammar, naming, phrases, proda, wordnet
from prodabuild.sources.proda_links import longest_run
from prodabuild.sources.quoting import find_words
from prodabuild.training.base import parse_base
from prodabuild.yamlio import TextError, load

PIECES = (
    "a", " ", "(", ")", "()", "(a)", "[", "]", "{", "}", "{a}", "\t", "\n", "the ", "A ", "Of the ", "s", "ness", "organism",
    "is ", "ed", "-", "--", "/", "a/", "@", "a@", "`", "``", "\"", "'", ";", "; ", ",", " ,", ":", "#", " #", ".n.", ".n.1", "1", ".", "_", "0x",
    "1e", "é", "e\u0301", "\u200b", "漢", "\\", "*", "%", "A", "AB", "A of ", "plural ", "a b ", "  a", "a  ",
)  # fmt: skip
PATTERNS: dict[str, Callable[[str], object]] = {
    "name": lambda text: naming.bare(text),
    "noun of a name": lambda text: grammar.noun_of(text + "s", text),
    "definition": grammar.tidy_definition,
    "phrase": phrases.predicate_of,
    "gloss": wordnet.clean_gloss,
    "synset": lambda text: wordnet.WordNet({}, {}, {}).find(text),
    "words": wording.words_of,
    "unqualified": wording.unqualified,
    "labels": lambda text: wording.labels(text, [text + ")"]),
    "line": one_line,
    "id": ID.fullmatch,
    "patch": lambda text: name_of(f"patches/0001-{text}.yaml"),
    "sentence": lambda text: sentence("{a subject} {is} {object}", Name(text), Name(text), "."),
    "quote": lambda text: find_words(text, f"{text[: len(text) // 2]} b"),
    "term": lambda text: proda._stands(text, text + "b"),
    "run": lambda text: longest_run([(text[:9], text[:9])] * 10_000),
    "hint": lambda text: suggest(text, [text + "a", text + "b"]),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_takes_long(pattern: str) -> None:
    for piece in PIECES:
        text = f"{piece * (80_000 // len(piece))}!"
        started = time.process_time()
        PATTERNS[pattern](text)
        assert time.process_time() - started < 5, piece  # seconds; where each place is tried anew, ten and more


@pytest.mark.parametrize("text", ["a/" * 50_000, "a@" * 50_000, "/" * 100_000])
def test_no_base_takes_long(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ProjectError, match="does not pin a revision"):
        parse_base(f"hf:{text}")
    assert time.process_time() - started < 20


def test_no_predicate_takes_long() -> None:
    started = time.process_time()
    for piece in ("{", "}", "{a", "{}", " "):
        text = f'predicates: {{x: {{forward: "{piece * 50_000}.", question: "?", inverse_question: "?", path: a}}}}\n'
        assert parse_predicates(text.encode(), "p.yaml")[1]
    assert time.process_time() - started < 20


@given(st.text("ab \n\x85\u3000", max_size=30), st.text("ab \n", min_size=1, max_size=6).filter(str.strip))
def test_words_are_found_whatever_is_between_them(text: str, quote: str) -> None:
    at = text.find(quote)
    loose = re.search(r"\s+".join(map(re.escape, quote.split())), text)
    assert find_words(text, quote) == ((at, at + len(quote)) if at >= 0 else loose.span() if loose else None)


@pytest.mark.parametrize("text", ["- " * 50_000, "{a: " * 50_000, "a: " + "!" * 100_000, "? " * 50_000, "&" * 100_000])
def test_no_yaml_takes_long(text: str) -> None:
    started = time.process_time()
    with pytest.raises(TextError):
        load(text)
    assert time.process_time() - started < 20
