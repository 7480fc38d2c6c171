"""`compile --max-steps` and `--show-samples`: a look at training that no later command takes for a model."""

from __future__ import annotations

import pytest

from tests.conftest import Repo

pytestmark = pytest.mark.train


def test_a_trial_is_the_beginning_of_the_run_and_leaves_no_trace(taught: Repo) -> None:
    trial = taught.run("compile", "--max-steps", "5", "--json")
    assert (trial.code, trial.json["steps"], trial.json["folder"]) == (0, 5, ".prodabuild/trial")
    first = taught.read(".prodabuild/trial/loss.csv").splitlines()
    assert len(first) == 6
    assert not (taught.path / "build/model").exists()
    assert b'"model"' not in taught.read("proda.lock")
    plan = taught.run("plan", "--json").json
    assert {"unit": "model", "action": "build"}.items() <= plan["steps"][-1].items()

    whole = taught.run("compile", "--json").json
    assert whole["built"] == ["model"]
    assert taught.read("build/model/loss.csv").splitlines()[:6] == first
    lock, files = taught.read("proda.lock"), taught.files()
    taught.run("compile", "--max-steps", "3")
    assert (taught.read("proda.lock"), taught.files()) == (lock, files)
    assert taught.run("compile", "--json").json["built"] == []
    said = taught.run("compile", "--max-steps", "3").out.splitlines()
    assert said[0].startswith(f"trial: 3 of {len(taught.read('build/model/loss.csv').splitlines()) - 1} steps, loss ")
    assert said[1] == ".prodabuild/trial holds what came of them; build/model and proda.lock are as they were"


def test_samples_are_shown_as_training_sees_them(taught: Repo) -> None:
    outcome = taught.run("compile", "--show-samples")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines[::3]] == ["choose", "define", "judge", "relate"]
    assert lines[3].startswith("define  tools/")
    assert lines[4].startswith("  given    'Q' 'u' ")
    assert lines[5].endswith("'.' '<|end|>'")
    assert not (taught.path / "build/model").exists()
    shown = taught.run("compile", "--show-samples", "--json").json["samples"]
    assert all("".join(sample["given"]).endswith("\nAnswer:") for sample in shown)


def test_what_ends_before_training_excludes_each_other(taught: Repo) -> None:
    outcome = taught.run("compile", "--max-steps", "3", "--to", "data")
    assert (outcome.code, "go with neither each other" in outcome.err) == (2, True)
