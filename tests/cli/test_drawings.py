"""Files that options name: `-` is stdout, for each of them, and for one at a time."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.conftest import Repo

SMALL = (
    "probe",
    "train",
    "lag:lag=1",
    "--steps",
    "2",
    "--hidden",
    "32",
    "--layers",
    "1",
    "--length",
    "8",
    "--batch",
    "2",
)


@pytest.mark.parametrize(
    ("words", "both"),
    [
        (("test", "--md", "-", "--json"), "--md and --json"),
        (("test", "--junit", "-", "--md", "-"), "--junit and --md"),
        (("footprint", "--plot", "-", "--md"), "--plot and --md"),
        (("footprint", "--plot", "-", "--json"), "--plot and --json"),
        ((*SMALL, "--plot", "-", "--md"), "--plot and --md"),
        (("--json", *SMALL, "--plot", "-"), "--plot and --json"),
    ],
)
def test_two_things_on_stdout_are_refused_before_anything_is_computed(
    repo: Repo, words: tuple[str, ...], both: str
) -> None:
    outcome = repo.run(*words)
    assert outcome.code == 2
    assert outcome.err == f"error: {both} both print to stdout\nhint: name a file for one of them\n"
    assert not (repo.path / "-").exists()


@pytest.mark.train
def test_a_drawing_alone_goes_to_stdout(repo: Repo) -> None:
    outcome = repo.run(*SMALL, "--plot", "-", "-q")
    assert outcome.code == 0, outcome.err
    assert ElementTree.fromstring(outcome.out).tag.endswith("svg")
    assert not (repo.path / "-").exists()
