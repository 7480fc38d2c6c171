"""`probe`: what its commands print, draw, write, and refuse."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import orjson
import pytest

from tests.conftest import Repo
from tests.insight.test_claims import CARD
from tests.training.conftest import base, taught

__all__ = ["base", "taught"]
FACTS = """two
symbols               2
entropy rate          0.569387
floor uniform         1.000000
floor order 0         0.721928
varentropy            1.2627
typical, 128 symbols  0.3759 to 0.7652 (95 %)
begins                0 0 0 0 0 0 0 0 0 0 0 1 1 0 0 0 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 0
"""
COPY = """| lag:symbols=4,lag=2 |  |
| --- | --- |
| symbols | 4 |
| entropy rate | 0.627492 |
| floor uniform | 2.000000 |
| floor order 1 | 2.000000 |
| varentropy | 2.0348 |
| typical, 32 symbols | 0.2190 to 1.2075 (95 %) |
| begins | 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 1 1 1 1 2 1 2 3 2 3 |
"""
SMALL = ("--steps", "20", "--batch", "8", "--length", "16", "--hidden", "32", "--layers", "1", "--held-out", "32")


def test_a_source_is_shown_with_all_that_is_known_of_it(repo: Repo) -> None:
    assert repo.run("probe", "source", "two").out == FACTS
    assert repo.run("probe", "source", "lag:symbols=4,lag=2", "--length", "32", "--md").out == COPY
    document = repo.run("probe", "source", "noisy", "--json").json
    assert document["rate"]["high"] - document["rate"]["low"] < 4e-9
    assert not document["varentropy"]["exact"]
    bracket = repo.run("probe", "source", "split").out.splitlines()[2]
    assert bracket == "entropy rate          0.000000 to 0.649022"


def test_all_sources_are_listed_with_their_knobs(repo: Repo) -> None:
    lines = repo.run("probe", "source").out.splitlines()
    assert lines[:2] == [
        "source    knobs                               what it is",
        "markov    symbols=4,order=1,entropy=1,seed=1  a Markov chain drawn by seed, its rate tuned to `entropy` bits",
    ]
    named = [row["name"] for row in repo.run("probe", "source", "--json").json["sources"]]
    assert [line.split()[0] for line in lines[1:]] == named


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("lagg", 2, "error: there is no source 'lagg'\nhint: did you mean 'lag'?\n"),
        ("lag:flip=2", 2, "error: lag: flip=2 does not lie between 0 and 1\n"),
        ("two:up=0,down=0", 1, "error: the chain falls into parts that do not reach each other\nhint: give it ways between them\n"),
        ("split:split=0.6", 1, "error: the grammar may grow for ever: its spectral radius is 1.200\nhint: make rules that branch less likely\n"),
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused(repo: Repo, source: str, code: int, said: str) -> None:
    outcome = repo.run("probe", "source", source)
    assert (outcome.code, outcome.out, outcome.err) == (code, "", said)


def test_a_card_is_frozen_and_what_is_changed_afterwards_refused(repo: Repo) -> None:
    file = "claims/repeats.yaml"
    repo.write(file, CARD)
    head = "card                 status           internal  change  95 % interval  external  change  95 % interval"
    assert repo.run("probe", "verify", file).out.splitlines() == [
        "card                 status      internal  change  95 % interval  external  change  95 % interval",
        "claims/repeats.yaml  not frozen",
    ]
    digest = repo.run("probe", "freeze", file, "--json").json["frozen"]
    assert repo.read(file).decode() == f"{CARD}frozen: {digest}\n"
    assert repo.run("probe", "verify", file).out.splitlines() == [head, "claims/repeats.yaml  frozen, not run"]
    again = repo.run("probe", "freeze", file)
    assert (again.code, again.err) == (
        1,
        f"error: {file} was frozen before\nhint: write another card: this claim was staked as it is\n",
    )
    repo.edit(file, "epsilon: 0.01", "epsilon: 0.02")
    outcome = repo.run("probe", "verify", file)
    assert (outcome.code, outcome.out) == (1, "")
    assert re.fullmatch(
        rf"{file}:11:9: error\[C002\]: the claim was changed after it was frozen: it is [0-9a-f]{{12}} now\n"
        r"hint: take the change back, or the line `frozen`\n\n1 error\n",
        outcome.err,
    )
    document = repo.run("probe", "verify", file, "--json").json
    assert [problem["code"] for problem in document["problems"]] == ["C002"]


def test_a_card_that_is_not_frozen_is_not_run(repo: Repo) -> None:
    repo.write("card.yaml", CARD)
    outcome = repo.run("probe", "run", "card.yaml")
    hint = "hint: what would refute it is settled first: `prodabuild probe freeze card.yaml`"
    assert (outcome.code, outcome.err) == (1, f"error: card.yaml is not frozen\n{hint}\n")
    missing = repo.run("probe", "run", "other.yaml")
    assert (missing.code, missing.err) == (2, "error: there is no card other.yaml\n")


def test_what_is_not_drawn_and_no_temperature_is_told(repo: Repo) -> None:
    outcome = repo.run("probe", "train", "two", "--plot", "curve.png")
    assert outcome.code == 2
    assert "--plot draws SVG: name a file that ends in .svg" in outcome.err
    outcome = repo.run("probe", "decode", "two", "-t", "nan")
    assert outcome.code == 2
    assert "nan is no temperature" in outcome.err


def drawing(file: Path) -> list[str]:
    """Return the texts of a drawing, which must be well-formed."""
    root = ElementTree.parse(file).getroot()
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.train
def test_a_model_is_trained_from_nothing_and_its_course_shown(repo: Repo) -> None:
    outcome = repo.run("probe", "train", "two", *SMALL, "--plot", "curve.svg")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (0, "drawn: curve.svg")
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["two", "bits"]
    assert lines[1:4] == [
        "floor uniform           1.0000",
        "floor order 0           0.7219",
        "entropy rate          0.569387",
    ]
    assert lines[6].split() == ["step", "symbols", "held", "out", "excess", "s.e."]
    assert [line.split()[:2] for line in lines[7:14]] == [
        [str(step), str(step * 8 * 16)] for step in (0, 1, 2, 4, 8, 16, 20)
    ]
    assert [line.split()[:3] for line in lines[16:21]] == [
        ["1", "to", "1"], ["2", "to", "2"], ["3", "to", "4"], ["5", "to", "8"], ["9", "to", "16"],
    ]  # fmt: skip
    assert re.fullmatch(r"0\.\d{4} \(s\.e\. 0\.\d{4}, 32 rows\) bits a symbol are left to learn", lines[22])
    document = repo.run("probe", "train", "two", *SMALL, "--json").json
    assert f"{document['points'][-1]['excess']:.4f}" == lines[22].split()[0]
    assert document["points"][-1]["bits"] == pytest.approx(document["oracle"] + document["points"][-1]["excess"])
    texts = drawing(repo.path / "curve.svg")
    assert "two: bits a held-out symbol" in texts
    assert "rate 0.569" in texts
    assert "excess by place, bits a symbol" in texts


@pytest.mark.train
def test_what_a_model_writes_is_scored_by_the_source(repo: Repo) -> None:
    options = (*SMALL, "-t", "2", "-t", "0", "--rollouts", "32")
    outcome = repo.run("probe", "decode", "golden", *options, "--plot", "heat.svg")
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["temperature", "bits", "s.e.", "own", "regime", "below", "inside", "above", "impossible", "KS", "repeats", "TV"]  # fmt: skip
    assert [line.split()[0] for line in lines[1:4]] == ["source", "0", "2"]
    assert re.fullmatch(r"typical is 0\.\d{4} to 0\.\d{4} bits a symbol: 95 % of rows of golden", lines[5])
    document = repo.run("probe", "decode", "golden", *options, "--json").json
    assert [row["temperature"] for row in document["regimes"]] == [0.0, 2.0]
    assert document["regimes"][0]["own"] == 0.0
    assert document["truth"]["impossible"] == 0.0
    assert "golden: bits of what was written" in drawing(repo.path / "heat.svg")


@pytest.mark.train
def test_a_card_is_run_and_its_outcome_kept(repo: Repo) -> None:
    text = CARD.replace("steps: 30", "steps: 3").replace("n: 32", "n: 4") + "on_text: true\n"
    repo.write("card.yaml", text)
    repo.run("probe", "freeze", "card.yaml")
    outcome = repo.run("probe", "run", "card.yaml")
    assert outcome.code == 0, outcome.err
    assert len(re.findall(r"^seed [12]: \d\.\d{4} bits a symbol$", outcome.err, re.MULTILINE)) == 8
    assert repo.run("probe", "verify", "card.yaml").out == outcome.out
    (row,) = repo.run("probe", "verify", "card.yaml", "--json").json["cards"]
    assert row["outcome"]["status"] in ("accepted", "probe-local", "rejected", "undecided")
    assert len(row["outcome"]["seeds"]) == len(row["outcome"]["text_seeds"]) == 2
    assert row["outcome"]["external"]["low"] < row["outcome"]["external"]["high"]
    assert row["outcome"]["text_seeds"][0][0] > 3  # bits a byte of a model that has hardly read
    change = row["outcome"]["internal"]["change"]
    repo.edit("card.yaml", f"change: {orjson.dumps(change).decode()}", "change: 1.0")
    refused = repo.run("probe", "verify", "card.yaml")
    assert refused.code == 1
    assert "error[C003]: the outcome was changed after the run" in refused.err


@pytest.mark.train
def test_base_and_model_are_probed_in_context(taught: Repo) -> None:
    refused = taught.run("probe", "ladder")
    assert (refused.code, refused.err.splitlines()[-2:]) == (
        4,
        ["error: the model is not that of the present sources", "hint: run `prodabuild compile`"],
    )
    assert taught.run("compile").code == 0
    outcome = taught.run(
        "probe",
        "ladder",
        "lag:symbols=2,lag=1",
        "fresh:symbols=2",
        "--rows",
        "8",
        "--length",
        "16",
        "--plot",
        "map.svg",
    )
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["excess", "base", "model", "change", "s.e.", "leaked", "base", "leaked", "model"]
    assert [line.split()[0] for line in lines[1:3]] == ["lag:symbols=2,lag=1", "fresh:symbols=2"]
    assert lines[4].startswith("mean change over the ladder ")
    texts = drawing(taught.path / "map.svg")
    assert texts.count("lag:symbols=2,lag=1") == 3
    assert "excess of model by place in the context" in texts

    one = taught.run("probe", "context", "lag:symbols=2,lag=1", "--rows", "8", "--length", "16")
    rows = one.out.splitlines()
    assert rows[0].split()[:6] == ["places", "source", "pairs", "counts", "base", "model"]
    assert [row[:8].split() for row in rows[1:3]] == [["1", "to", "1"], ["2", "to", "2"]]
    assert rows[1].split()[3] == "1.000"  # nothing is known of the first symbol
    document = taught.run("probe", "context", "lag:symbols=2,lag=1", "--rows", "8", "--length", "16", "--json").json
    rung = document["rungs"][0]
    assert rung["change"]["mean"] == pytest.approx(rung["model"]["excess"]["mean"] - rung["base"]["excess"]["mean"])
    assert 0 < rung["base"]["leaked"] < 1
    assert len(rung["words"]) == 2
    lock = taught.read("proda.lock")
    assert taught.run("compile").code == 0
    assert taught.read("proda.lock") == lock  # a probe leaves no trace
