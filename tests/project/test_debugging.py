"""Debugging a real model: its failed items are diagnosed, and nobody sees the words of a test."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from prodabuild.suites import chain
from tests.conftest import Repo, rows_below
from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
pytestmark = pytest.mark.train
CANARY = "xylocanary"


@pytest.fixture
def tested(taught: Repo, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """Return a repo with results, each of its items with a canary."""
    ask = chain.ask
    monkeypatch.setattr(chain, "ask", lambda *words: f"{CANARY} {ask(*words)}")
    taught.run("compile")
    taught.run("test")
    monkeypatch.setattr(chain, "ask", ask)
    return taught


def forget_sealed(repo: Repo) -> None:
    """Remove the file of sealed items, from build and store."""
    (file,) = (repo.path / "build/suites").rglob("sealed.jsonl")
    data = file.read_bytes()
    file.unlink()
    for stored in (repo.path / ".prodabuild/cache").rglob("*"):
        if stored.is_file() and stored.read_bytes() == data:
            stored.unlink()


def test_failures_get_causes_and_drafts_that_hold_no_word_of_a_test(tested: Repo) -> None:
    rows = rows_below(tested.path / "build/suites/chains")
    assert rows
    assert all(CANARY in row["question"] for row in rows)
    results = orjson.loads(tested.read("build/results/chains.json"))["items"]
    failed = {row["id"] for row in results if row["split"] == "dev" and not row["correct"]}
    assert failed
    forget_sealed(tested)  # nobody looks into it

    outcome = tested.run("debug", "--draft", "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.json
    assert document["failures"] == len(failed)
    assert {item for finding in document["findings"] for item in finding["items"]} == failed
    assert document["drafts"]
    written = [Path(tested.path, name) for name in (*document["drafts"], document["file"])]
    assert all(CANARY not in file.read_text() for file in written)
    assert f"diagnosis: {document['digest'][:12]}" in written[0].read_text()

    (tested.path / "patches").rename(tested.path / "drafted")
    again = tested.run("debug", "--json")
    assert again.json["digest"] == document["digest"]
    assert "probing" not in again.err  # what the model was asked before is remembered
    (tested.path / "drafted").rename(tested.path / "patches")

    for left in ("build", ".prodabuild"):
        shutil.rmtree(tested.path / left)
    assert tested.run("compile", "--to", "data").code == 0  # the drafts build, and give no test away


def test_results_of_other_sources_are_refused(tested: Repo) -> None:
    tested.edit("knowledge/zoo/kinds.yaml", "a lizard with the habits of a gecko", "a lizard that walks on glass")
    outcome = tested.run("debug")
    assert outcome.code == 4
    assert outcome.err.splitlines()[-2:] == [
        "error: the results are not those of the present sources",
        "hint: run `prodabuild test`",
    ]


def test_without_a_suite_there_is_nothing_to_debug(taught: Repo) -> None:
    manifest = taught.read("proda.yaml").decode()
    taught.write("proda.yaml", manifest[: manifest.index("tests:")])
    outcome = taught.run("debug")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "error: proda.yaml has no suite made from chains",
        "hint: add one: `tests: {chains: {from: chains}}`",
    ]
