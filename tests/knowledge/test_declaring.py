from __future__ import annotations

import pytest

from prodabuild.errors import ProjectError
from prodabuild.knowledge.declaring import declare
from prodabuild.knowledge.predicates import parse_predicates

FIELDS = {
    "forward": "{a subject} eats {a object}",
    "question": "What {does} {a subject} eat?",
    "inverse_question": "What eats {a object}?",
    "path": "something that eats",
    "transitive": True,
    "compose": {"is_a": "eats"},
}
OWN = """# ours
predicates:
    owns:   # since May
        forward: "{a subject} owns {a object}"
        question: a
        inverse_question: b
        path: c
"""


def test_the_first_predicates_make_a_file() -> None:
    data = declare(b"", "p.yaml", {"eats": FIELDS})
    assert data.decode() == (
        'predicates:\n  eats:\n    forward: "{a subject} eats {a object}"\n    question: What {does} {a subject} eat?\n'
        "    inverse_question: What eats {a object}?\n    path: something that eats\n    transitive: true\n"
        "    compose: {is_a: eats}\n"
    )
    (found,), problems = parse_predicates(data, "p.yaml")
    assert problems == []
    assert found.facets().items() >= FIELDS.items()


def test_others_are_added_below_and_nothing_else_changes() -> None:
    data = declare(OWN.encode(), "p.yaml", {"eats": FIELDS, "no": FIELDS})
    assert data.decode().startswith(OWN + "    eats:\n      forward: ")
    assert [predicate.name for predicate in parse_predicates(data, "p.yaml")[0]] == ["owns", "eats", "no"]


@pytest.mark.parametrize("text", ["# none yet\n", "\n"])
def test_a_file_without_predicates_gets_some(text: str) -> None:
    data = declare(text.encode(), "p.yaml", {"eats": FIELDS})
    assert (
        data.decode()
        == text.rstrip("\n") + ("\n" if text.strip() else "") + declare(b"", "p.yaml", {"eats": FIELDS}).decode()
    )


def test_a_layout_that_cannot_be_added_to_is_refused() -> None:
    with pytest.raises(ProjectError, match="cannot be added below") as raised:
        declare(
            b"predicates: {owns: {forward: a, question: b, inverse_question: c, path: d}}\n", "p.yaml", {"eats": FIELDS}
        )
    assert raised.value.hint is not None
    assert raised.value.hint.endswith("declare these yourself: eats")
