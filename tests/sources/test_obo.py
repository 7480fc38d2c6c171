from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.sources.obo import import_obo
from prodabuild.sources.vocabulary import Extracts, Request
from tests.conftest import Repo
from tests.sources.samples import SAMPLES

HEAD = "format-version: 1.4\n\n"
PAIR = '[Term]\nid: X:1\nname: dog\ndef: "A pet." []\nis_a: X:2\n\n[Term]\nid: X:2\nname: animal\ndef: "What moves." []\n\n'


def run(path: Path) -> Extracts:
    return import_obo(Request(path.parent, (path,), "test", "cells"))


def obo(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.obo"
    path.write_text(HEAD + text)
    return path


def test_terms_exact_synonyms_and_relationships() -> None:
    extracts = run(SAMPLES / "cells.obo")
    (found,) = [row for row in extracts.disciplines["cells"].concepts["test"] if row["name"] == "red blood cell"]
    assert found == {
        "id": "cells/red_blood_cell",
        "name": "red blood cell",
        "definition": "a blood cell that carries oxygen",
        "aliases": ["erythrocyte"],
        "kind": "tissue",
        "source": "cells.obo#CELL:0003",
    }
    rows = extracts.disciplines["cells"].relations
    assert {(row["subject"][6:], row["predicate"], row["object"][6:]) for row in rows} == {
        ("blood_cell", "is_a", "cell"),
        ("blood_cell", "part_of", "blood"),
        ("red_blood_cell", "is_a", "blood_cell"),
        ("red_blood_cell", "develops_from", "reticulocyte"),
        ("reticulocyte", "is_a", "blood_cell"),
    }
    assert extracts.keys["cells/cell"] == "CELL:0001"
    assert extracts.predicates["develops_from"]["transitive"] is True
    assert extracts.remarks == []


def test_a_relationship_without_a_name_and_individuals_are_left_out(tmp_path: Path) -> None:
    text = PAIR.replace("is_a: X:2", "is_a: X:2\nrelationship: RO:0009999 X:2\nrelationship: BFO:0000050 X:2")
    extracts = run(obo(tmp_path, text + "[Instance]\nid: X:3\nname: Rex\ninstance_of: X:1\n"))
    assert [row["predicate"] for row in extracts.disciplines["cells"].relations] == ["is_a", "part_of"]
    assert [problem.message for problem in extracts.remarks] == [
        "1 [Instance] frames were left out: OBO's individuals are not read",
        "the relation RO:0009999 was left out: it has no name",
    ]


def test_terms_without_name_definition_or_relation(tmp_path: Path) -> None:
    text = PAIR.replace('def: "A pet." []\n', "") + "[Term]\nid: X:4\n\n[Term]\nid: X:5\nname: rock\n\n"
    text += '[Term]\nid: X:6\nname: cloud\ndef: "Vapour." []\n'
    extracts = run(obo(tmp_path, text))
    names = {row["name"]: row["definition"] for row in extracts.disciplines["cells"].concepts["test"]}
    assert names == {"dog": "a kind of animal", "animal": "what moves"}
    assert [problem.message for problem in extracts.remarks] == [
        "'X:4' was left out: it has no name",
        "'rock' was left out: it has no definition, and no place to make one from",
        "'cloud' was left out: nothing relates it to another concept",
        "a definition was made for dog (a kind of animal)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PAIR.replace("is_a: X:2", "is_a X:2"), "x.obo:7:1: error[I001]: not OBO 1.4: expected EOI, Comment, or TermClause\nhint: "),
        (PAIR.replace("[]", "[Adapted from http\\://x y]", 1), "x.obo:6:"),
        ("\xff", "x.obo:3:1: error[Y001]: byte 0xff is not UTF-8\n"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_obo_is_one_clear_error(repo: Repo, text: str, expected: str) -> None:
    repo.write("x.obo", (HEAD + text).encode("latin-1"))
    outcome = repo.run("import", "obo", "x.obo")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(expected)
