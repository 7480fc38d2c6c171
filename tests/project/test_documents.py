"""Documents that records quote are inputs: an edit to one is seen, by `check`, `plan` and `compile` alike."""

from __future__ import annotations

import pytest

from tests.conftest import Repo, settle

LAW, BOOK = "knowledge/zoo/quoted.yaml", "sources/zoo/birds.md"
RECORD = """concepts:
- id: zoo/dodo
  name: dodo
  definition: a bird that is no more
  source: {document: sources/zoo/birds.md, quote: The dodo is no more.}
  relations:
  - {predicate: is_a, object: zoo/bird}
"""


@pytest.fixture
def quoting(repo: Repo) -> Repo:
    repo.edit(
        "proda.yaml", "zoo: {knowledge: [knowledge/zoo]}", "zoo: {knowledge: [knowledge/zoo], sources: [sources/zoo]}"
    )
    repo.write(BOOK, "Birds.\n\nThe dodo\nis no more.\n")
    repo.write(LAW, RECORD)
    repo.built()
    settle()
    return repo


def refused(repo: Repo, message: str) -> None:
    """Each command says the same of the repo, and leaves the last build alone."""
    before = repo.files()
    check = repo.run("check")
    assert check.code == 1
    assert message in check.out
    for command in (("plan", "--to", "data"), ("compile", "--to", "data")):
        outcome = repo.run(*command)
        assert outcome.code == 1
        assert message in outcome.err
    assert repo.files() == before


def test_an_edit_that_takes_a_quote_away_is_an_error(quoting: Repo) -> None:
    quoting.edit(BOOK, "is no more", "is still with us")
    refused(quoting, f"{LAW}:5:51: error[K040]: the quote is not in {BOOK}\n")
    quoting.edit(BOOK, "is still with us", "is no more")
    assert quoting.run("check").code == 0
    assert quoting.data()["built"] == []


def test_an_edit_elsewhere_in_a_document_builds_nothing(quoting: Repo) -> None:
    quoting.edit(BOOK, "Birds.", "Of birds.")
    plan = quoting.run("plan", "--to", "data", "--json").json
    assert plan["stale"] is False
    lock = quoting.read("proda.lock")
    assert (quoting.data()["built"], quoting.read("proda.lock")) == ([], lock)


def test_a_document_that_goes_away_from_the_sources_is_an_error(quoting: Repo) -> None:
    text = quoting.read(BOOK)
    quoting.write("sources/zoo/other.md", "kept, so that the folder is there")
    (quoting.path / BOOK).unlink()
    refused(quoting, f"{LAW}:5:22: error[K042]: there is no document '{BOOK}'\n")
    quoting.write(BOOK, text)
    assert quoting.data()["built"] == []


def test_a_folder_that_becomes_one_of_sources_is_looked_into(quoting: Repo) -> None:
    quoting.edit(LAW, BOOK, "notes/birds.md")
    warned = quoting.run("check")
    assert warned.code == 0
    assert "warning[K043]: 'notes/birds.md' is no file of this repository" in warned.out
    quoting.data()
    quoting.write("notes/other.md", "")
    quoting.edit("proda.yaml", "sources: [sources/zoo]", "sources: [sources/zoo, notes]")
    refused(quoting, "error[K042]: there is no document 'notes/birds.md'\n")
    quoting.write("notes/birds.md", "The dodo is no more.")
    assert quoting.run("check", "-W", "ignore:T002").out.startswith("no problems")
    assert quoting.data()["built"] == []
    settle()
    quoting.write("notes/birds.md", "The dodo is back.")
    refused(quoting, "error[K040]: the quote is not in notes/birds.md\n")


def test_a_document_that_nobody_quotes_any_more_is_forgotten(quoting: Repo) -> None:
    quoting.edit(LAW, "\n  source: {document: sources/zoo/birds.md, quote: The dodo is no more.}", "")
    quoting.data()
    quoting.edit(BOOK, "is no more", "is still with us")
    assert quoting.run("check").code == 0
    assert quoting.data()["built"] == []
    assert quoting.data()["built"] == []


def test_a_document_without_text_is_told_once(quoting: Repo) -> None:
    quoting.write(BOOK, b"%PDF \xff\xfe")
    quoting.write("knowledge/zoo/again.yaml", RECORD.replace("dodo", "moa"))
    outcome = quoting.run("check")
    assert outcome.code == 0
    assert outcome.out.count("warning[K044]") == 1
    assert f"knowledge/zoo/again.yaml:5:22: warning[K044]: {BOOK} is not text" in outcome.out
