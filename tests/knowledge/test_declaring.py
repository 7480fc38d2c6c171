from __future__ import annotations

import pytest

from prodabuild.errors import ProjectError
from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.declaring import declare

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
        question: What {does} {a subject} own?
        inverse_question: What owns {a object}?
        path: something that owns
"""
FLOW = (
    'predicates: {owns: {forward: "{subject} owns {object}", question: "Whose is {subject}?",'
    ' inverse_question: "Who owns {object}?", path: with}}\n'
)


def test_the_first_predicates_make_a_file() -> None:
    data = declare(b"", "p.yaml", {"eats": FIELDS})
    assert data.decode() == (
        'predicates:\n  eats:\n    forward: "{a subject} eats {a object}"\n    question: What {does} {a subject} eat?\n'
        "    inverse_question: What eats {a object}?\n    path: something that eats\n    transitive: true\n"
        "    compose: {is_a: eats}\n"
    )
    (found,), problems = parse_predicates(data, "p.yaml")
    assert problems == []
    declared = FIELDS | {"compose": {"is_a": "eats", "eats": "eats"}}  # it is transitive
    assert {field: getattr(found, field) for field in FIELDS} == declared


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
        declare(FLOW.encode(), "p.yaml", {"eats": FIELDS})
    assert raised.value.hint is not None
    assert raised.value.hint.endswith("declare these yourself: eats")


@pytest.mark.parametrize(("mark", "ending"), [("\ufeff", "\n"), ("", "\r\n"), ("\ufeff", "\r\n"), ("", "\r")])
def test_line_ends_and_a_byte_order_mark_stay(mark: str, ending: str) -> None:
    plain = declare(OWN.encode(), "p.yaml", {"eats": FIELDS}).decode()
    laid = (mark + OWN.replace("\n", ending)).encode()
    assert declare(laid, "p.yaml", {"eats": FIELDS}).decode() == mark + plain.replace("\n", ending)
    open_ended = (mark + OWN[:-1].replace("\n", ending)).encode()
    assert declare(open_ended, "p.yaml", {"eats": FIELDS}).decode() == mark + plain[:-1].replace("\n", ending)
