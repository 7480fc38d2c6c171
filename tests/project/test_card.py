from __future__ import annotations

from typing import Any

from prodabuild.manifest.load import read_manifest
from prodabuild.project.card import card
from tests.conftest import ROOT, Repo


def test_the_card_says_what_the_lock_says(repo: Repo) -> None:
    manifest = read_manifest(repo.path)
    entries: dict[str, dict[str, Any]] = {
        "model": {"sha256": "a" * 64, "made_with": {"torch": "2.13", "device": "cpu", "peft": None}},
        "dataset": {"sha256": "b" * 64},
        "patch:patches/0001-first.yaml": {"sha256": "c" * 64},
    }
    text = card(manifest, entries)
    assert text.startswith("# small\n\nTrained by prodabuild on knowledge of tools, zoo.\n")
    assert f"| model | `{'a' * 64}` |\n| dataset | `{'b' * 64}` |\n| made with | device cpu, torch 2.13 |\n" in text
    assert "Not tested" in text
    assert "- `patches/0001-first.yaml`\n" in text
    assert "No licence is declared." in text
    assert "| `train.epochs` | 3 |\n" in text
    entries["score:chains/dev"] = {"n": 9, "acc": 0.5, "stderr": 0.1, "base_acc": 0.25}
    assert "| chains/dev | 9 | 0.5 | 0.1 | 0.25 |\n" in card(manifest, entries)


def test_licences_are_those_of_the_manifest() -> None:
    entries: dict[str, dict[str, Any]] = {
        "model": {"sha256": "a", "made_with": {}, "start": {"sha256": "s"}},
        "dataset": {"sha256": "b"},
    }
    text = card(read_manifest(ROOT), entries)
    assert "| wordnet-3.0 | WordNet 3.0 license | knowledge/LICENSE.wordnet |\n" in text
    assert "| begun at |" in text
