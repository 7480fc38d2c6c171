"""`prodabuild test` and what it writes, with a real model."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from tests.conftest import Repo
from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
pytestmark = pytest.mark.train
HINT = "bring them with `prodabuild pull --all-versions`"
GATE = "gate: {metric: acc, min: 0.99}"


def git(repo: Repo, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=repo.path, check=True, capture_output=True)  # fmt: skip


def commit(repo: Repo) -> None:
    repo.write(".gitignore", "/build/\n/.prodabuild/\n")
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a version")


def items_of(repo: Repo) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in orjson.loads(repo.read("build/results/chains.json"))["items"]}


def texts_of(repo: Repo, split: str) -> list[str]:
    rows = [orjson.loads(line) for line in repo.read(f"build/suites/chains/{split}.jsonl").splitlines()]
    return [row["question"] for row in rows]


def test_junit_has_a_case_for_each_item_and_no_text_of_sealed_ones(taught: Repo) -> None:
    outcome = taught.run("test", "-q", "--junit", "out/items.xml", "--md", "out/scores.md")
    assert outcome.code == 3
    data = taught.read("out/items.xml")
    root = ElementTree.fromstring(data)
    suites = {suite.get("name"): suite for suite in root}
    items = items_of(taught)
    assert set(suites) == {"chains.dev", "chains.sealed", "gates"}
    assert {case.get("name") for name in ("chains.dev", "chains.sealed") for case in suites[name].iter("testcase")} == set(items)  # fmt: skip
    for suite in suites.values():
        cases = list(suite.iter("testcase"))
        failed = [case for case in cases if case.find("failure") is not None]
        assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), str(len(failed)))
        assert (suite.get("errors"), suite.get("skipped")) == ("0", "0")
        if suite is not suites["gates"]:
            wrong = {name for name, row in items.items() if not row["correct"] and f"chains.{row['split']}" == suite.get("name")}  # fmt: skip
            assert {case.get("name") for case in failed} == wrong != set()
    assert [case.get("name") for case in suites["gates"].iter("testcase")] == ["chains.sealed.acc"]
    sealed = ElementTree.tostring(suites["chains.sealed"], "unicode")
    failures = list(suites["chains.sealed"].iter("failure"))
    assert {(failure.get("message"), failure.text) for failure in failures} == {("wrong", None)}
    assert not any(text in sealed for text in texts_of(taught, "sealed"))
    (shown, *_) = suites["chains.dev"].iter("failure")
    assert " is right" in (shown.get("message") or "")
    assert any(text in (shown.text or "") for text in texts_of(taught, "dev"))
    assert not any(question.encode() in data for question in set(texts_of(taught, "sealed")) - set(texts_of(taught, "dev")))  # fmt: skip
    page = taught.read("out/scores.md").decode()
    assert page.startswith("## Tests: failed\n\n- ❌ chains.sealed.acc is 0.")
    assert "| suite | split | n | base | acc | stderr | 95 % interval | calibrated | change | p |\n" in page
    assert not any(question in page for question in texts_of(taught, "sealed") + texts_of(taught, "dev"))


def test_failed_items_are_tested_again_and_nothing_is_recorded(taught: Repo) -> None:
    early = taught.run("test", "--failed", "-q")
    assert (early.code, early.err) == (
        2,
        "error: no item of a suite made from chains was tested before\nhint: run `prodabuild test` first\n",
    )
    assert not (taught.path / "build").exists()
    taught.edit("proda.yaml", f", {GATE}", "")
    assert taught.run("test", "-q").code == 0
    lock, results = taught.read("proda.lock"), taught.read("build/results/chains.json")
    failed = {name for name, row in items_of(taught).items() if not row["correct"] and row["split"] == "dev"}
    assert failed
    again = taught.run("test", "--failed", "-q", "--junit", "part.xml")
    last = again.out.splitlines()[-1]
    assert again.code == 0
    assert last == (
        f"a part: 0 of the {len(failed)} items that failed in the last test are right now; "
        "sealed items and suites of tasks were left out, no gate was judged, nothing was recorded"
    )
    cases = list(ElementTree.fromstring(taught.read("part.xml")).iter("testcase"))
    assert {case.get("name") for case in cases} == failed
    taught.edit("proda.yaml", "epochs: 6", "epochs: 7")
    changed = taught.run("test", "--failed", "--json").json
    assert (changed["verdict"], changed["gates"]) == ("part", [])
    assert set(changed["suites"]["chains"]) == {"dev"}
    assert changed["suites"]["chains"]["dev"]["n"] == len(failed)
    assert taught.read("proda.lock") == lock
    assert taught.read("build/results/chains.json") == results
    both = taught.run("test", "--failed", "--against", "HEAD")
    assert (both.code, both.err.splitlines()[0]) == (
        2,
        "error: --failed tests a part: it goes with neither --against nor --accept",
    )


def test_a_version_is_accepted_and_the_next_one_is_judged_against_it(taught: Repo) -> None:
    taught.edit("proda.yaml", GATE, "gate: {metric: acc, max_drop: 0.0}")
    refused = taught.run("test", "--accept", "--locked", "-q")
    assert (refused.code, refused.err.splitlines()[0]) == (2, "error: --accept writes proda.lock, --locked forbids it")
    first = taught.run("test", "--accept", "--json").json
    assert (first["verdict"], first["accepted"], first["against"]) == ("pass", True, None)
    assert first["gates"][0]["against"] == "base"
    lock = taught.read("proda.lock")
    assert b'"accepted:chains"' in lock
    same = taught.run("test", "--json").json
    assert same["against"] == "the accepted version"
    against = same["suites"]["chains"]["sealed"]["against"]
    assert (against["difference"], against["better"], against["worse"], against["p"]) == (0.0, 0, 0, 1.0)
    assert taught.read("proda.lock") == lock
    taught.edit("proda.yaml", "epochs: 6", "epochs: 1")  # as good as untrained
    worse = taught.run("test", "--json")
    (gate,) = worse.json["gates"]
    change = worse.json["suites"]["chains"]["sealed"]["against"]
    assert (gate["against"], gate["value"]) == ("the accepted version", -change["difference"])
    assert change["n"] == worse.json["suites"]["chains"]["sealed"]["n"]
    assert worse.code == (3 if change["difference"] < 0 else 0)
    assert b'"accepted:chains"' in taught.read("proda.lock")
    taught.run("compile", "--to", "data", "-q")
    assert b'"accepted:chains"' in taught.read("proda.lock")


def test_an_accepted_version_whose_results_are_lost_is_known_by_its_accuracy(taught: Repo) -> None:
    taught.edit("proda.yaml", GATE, "gate: {metric: acc, max_drop: 0.0}")
    taught.edit("proda.yaml", "epochs: 6", "epochs: 2")
    assert taught.run("test", "--accept", "-q").out.endswith("; recorded in proda.lock as the accepted version\n")
    entry = orjson.loads(taught.read("proda.lock"))["entries"]["accepted:chains"]
    md5 = entry["results"]["md5"]
    taught.edit("proda.yaml", "epochs: 2", "epochs: 1")
    assert "\nagainst the accepted version:\n" in taught.run("test", "-q").out
    (taught.path / f".prodabuild/cache/files/md5/{md5[:2]}/{md5[2:]}").unlink()
    outcome = taught.run("test", "--json")
    sealed = outcome.json["suites"]["chains"]["sealed"]
    drop = entry["acc"]["sealed"] - sealed["acc"]
    assert sealed["against"] is None  # no pairs
    assert outcome.json["gates"][0]["value"] == pytest.approx(drop, abs=1e-6)
    text = taught.run("test", "-q")
    assert text.out.splitlines()[len(outcome.json["suites"]["chains"]) + 1 :] == [
        f"{'FAIL' if drop > 0 else 'ok  '} chains.sealed.drop against the accepted version is {drop:.3f}, at most 0 is asked",
        f"{'fail' if drop > 0 else 'pass'} (nothing changed: these are the recorded results)",
    ]
    assert (outcome.code, text.code) == ((3, 3) if drop > 0 else (0, 0))


def test_results_are_compared_with_those_of_a_git_ref(taught: Repo) -> None:
    taught.edit("proda.yaml", f", {GATE}", "")
    unversioned = taught.run("test", "--against", "HEAD", "-q")
    assert unversioned.code == 2
    assert unversioned.err.startswith("error: git has no proda.lock at 'HEAD': ")
    first = taught.run("test", "--json").json["suites"]["chains"]["dev"]
    before = items_of(taught)
    commit(taught)
    taught.edit("proda.yaml", "epochs: 6", "epochs: 2")
    second = taught.run("test", "--json", "--against", "HEAD").json
    now, dev = items_of(taught), second["suites"]["chains"]["dev"]
    pairs = [(row["correct"], before[name]["correct"]) for name, row in now.items() if row["split"] == "dev"]
    assert second["against"] == "HEAD"
    assert dev["against"]["acc"] == first["acc"]
    assert dev["against"]["better"] == sum(one and not other for one, other in pairs)
    assert dev["against"]["worse"] == sum(other and not one for one, other in pairs)
    text = taught.run("test", "--against", "HEAD", "-q").out
    assert "\nagainst HEAD:\n" in text
    for file in (taught.path / ".prodabuild/cache/files").rglob("*"):
        if file.is_file() and b'"model":"adapter"' in file.read_bytes() and file.read_bytes() != taught.read("build/results/chains.json"):  # fmt: skip
            file.unlink()
    lost = taught.run("test", "--against", "HEAD", "-q")
    assert (lost.code, lost.err) == (
        5,
        f"error: the results of chains at HEAD are not in the store\nhint: {HINT}\n",
    )
    assert taught.run("test", "--against", "--output=x", "-q").code == 2


def test_known_results_are_used_again_and_give_the_same_bytes(taught: Repo) -> None:
    taught.edit("proda.yaml", f", {GATE}", "")
    taught.run("test", "-q")
    whole = taught.read("build/results/chains.json")
    known: Path = taught.path / ".prodabuild/known/likelihoods"
    assert len(list(known.glob("*.jsonl"))) == 2  # base and adapted model
    taught.edit("proda.yaml", "sealed: 0.5", "sealed: 0.6")  # other items are asked, of the same models
    moved = taught.run("test")
    (scored,) = re.findall(r"testing the base on chains, on cpu: (\d+) items", moved.err)
    reused = taught.read("build/results/chains.json")
    assert reused != whole
    assert 0 < int(scored) < len(items_of(taught))
    for file in known.glob("*.jsonl"):
        file.write_bytes(file.read_bytes()[: len(file.read_bytes()) // 2])
    shutil.rmtree(taught.path / ".prodabuild/cache")
    (taught.path / ".prodabuild/state.db").unlink()
    shutil.rmtree(taught.path / "build")
    taught.run("test", "-q")
    assert taught.read("build/results/chains.json") == reused
