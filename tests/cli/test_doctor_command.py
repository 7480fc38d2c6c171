"""`prodabuild doctor` as people read it."""

from __future__ import annotations

import pytest

from prodabuild.versioning import condition
from prodabuild.versioning.condition import Condition, Finding
from tests.conftest import Repo, Versioned

FOUND = Condition(
    (Finding("prodabuild", "ok", "0.1"), Finding("[train]", "lacks", "torch", "pip install x"), Finding("GPU", "absent", "none")),
    {"cache": 5, "state": 1500, "build": 25_400_000, "free": 68 * 10**9},
)  # fmt: skip


def test_what_is_lacking_is_told_with_its_mend(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "examine", lambda root: FOUND)
    outcome = repo.run("doctor")
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out == (
        "ok     prodabuild  0.1\n"
        "LACKS  [train]     torch\n"
        "                   $ pip install x\n"
        "-      GPU         none\n"
        "ok     sizes       cache 5 bytes, state 1.5 KB, build 25 MB, free 68 GB\n"
        "\n1 lacking\n"
    )


def test_the_document(versioned: Versioned) -> None:
    outcome = versioned.repo.run("doctor", "--json")
    assert outcome.code == (0 if outcome.json["sound"] else 1)
    assert set(outcome.json) == {"schema", "sound", "findings", "sizes"}
    assert outcome.json["findings"][0]["what"] == "prodabuild"
    assert set(outcome.json["findings"][0]) == {"what", "state", "told", "mend"}
