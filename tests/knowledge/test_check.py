from __future__ import annotations

import pytest

from tests.conftest import CHECKED, Repo

KINDS = "knowledge/zoo/kinds.yaml"


def test_sound_knowledge_has_no_problems(repo: Repo) -> None:
    outcome = repo.run("check")
    assert (outcome.code, outcome.out, outcome.err) == (
        0,
        CHECKED,
        "",
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (KINDS, "object: zoo/parrot}", "object: zoo/parot}", f"{KINDS}:14:31: error[K005]: there is no concept 'zoo/parot'\nhint: did you mean 'zoo/parrot'?"),
        (KINDS, "predicate: is_a, object: zoo/parrot", "predicate: isa, object: zoo/parrot", f"{KINDS}:14:17: error[K006]: the predicate 'isa' is not declared\nhint: did you mean 'is_a'?"),
        (KINDS, "- id: zoo/macaw", "- id: zoo/cockatoo", f"{KINDS}:15:7: error[K004]: the id 'zoo/cockatoo' is used again\nhint: first used at {KINDS}:10"),
        ("knowledge/tools/kinds.yaml", "- id: tools/brace", "- id: zoo/macaw", "knowledge/zoo/kinds.yaml:15:7: error[K004]: the id 'zoo/macaw' is used again\nhint: first used in knowledge/tools/kinds.yaml"),
    ],
)  # fmt: skip
def test_a_broken_reference_is_told_with_its_place(repo: Repo, file: str, old: str, new: str, expected: str) -> None:
    repo.edit(file, old, new)
    outcome = repo.run("check")
    assert outcome.code == 1
    assert expected in outcome.out


def test_a_chain_whose_steps_do_not_join(repo: Repo) -> None:
    repo.edit("knowledge/zoo/chains.yaml", "  - zoo/cockatoo.is_a.parrot\n", "  - zoo/barn_owl.is_a.owl\n")
    outcome = repo.run("check")
    assert outcome.code == 1
    assert outcome.out.splitlines()[:2] == [
        "knowledge/zoo/chains.yaml:6:5: error[K007]: steps 1 and 2 do not join: 'zoo/owl' is not 'zoo/parrot'",
        "hint: each step begins at the concept that the one before it ends at",
    ]


def test_a_concept_that_no_relation_reaches(repo: Repo) -> None:
    repo.write(
        "knowledge/zoo/more.yaml", "concepts:\n- {id: zoo/dodo, name: dodo, definition: a bird that is no more}\n"
    )
    outcome = repo.run("check")
    assert outcome.out.startswith(
        "knowledge/zoo/more.yaml:2:8: error[K008]: no relation reaches the concept 'zoo/dodo'\n"
    )


def test_an_edit_that_breaks_another_file_is_refused_and_nothing_is_recorded(repo: Repo) -> None:
    repo.built()
    before = repo.files()
    repo.edit("knowledge/zoo/kinds.yaml", "- id: zoo/parrot", "- id: zoo/parrots")
    outcome = repo.run("compile", "--to", "data")
    assert outcome.code == 1
    assert "there is no concept 'zoo/parrot'" in outcome.err
    assert repo.files() == before
    repo.edit("knowledge/zoo/kinds.yaml", "- id: zoo/parrots", "- id: zoo/parrot")
    assert repo.data()["built"] == []


def test_a_repo_declares_its_own_predicates(repo: Repo) -> None:
    repo.write(
        "knowledge/predicates.yaml",
        'predicates:\n  eats: {forward: "{a subject} eats {a object}", question: "What does {a subject} eat?", '
        'inverse_question: "What eats {a object}?", path: "an eater of"}\n',
    )
    repo.write("knowledge/zoo/food.yaml", "relations:\n- {subject: zoo/barn_owl, predicate: eats, object: zoo/gecko}\n")
    assert repo.run("check").code == 0
    repo.data()
    rows = b"".join(data for name, data in repo.files("build/dataset/train").items())
    assert b"A barn owl eats a gecko." in rows
    repo.edit("knowledge/predicates.yaml", "forward:", "foward:")
    assert "knowledge/predicates.yaml:2:10: error[K020]: eats: unknown field 'foward'" in repo.run("check").out
