"""A base small enough to be made on the spot, and a data repo that trains on it in seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prodabuild.events import silent
from tests.conftest import Repo

MODEL = """model:
  base: path:models/tiny
  adapter: {r: 8, alpha: 16, save_modules: [embed_tokens, lm_head]}
  train: {epochs: 6, learning_rate: 1.0e-2, max_length: 128, batch_tokens: 1024}
tests:
  chains: {from: chains, sealed: 0.5, gate: {metric: acc, min: 0.99}}
"""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one layer, saved as any model is saved."""
    return tiny(tmp_path_factory.mktemp("base"))


def tiny(folder: Path) -> Path:
    """Make a model of one layer in a folder."""
    from prodabuild.training.scratch import Preset, build_scratch

    words = [f"the {word} is a kind of thing. what is it? answer: {word}." for word in "abcdefgh"] * 40
    preset = Preset(vocab=400, hidden=32, layers=1, heads=2, steps=3, batch=4, block=32, learning_rate=1e-3)
    build_scratch(preset, ["\n\n".join(words)], folder, "cpu", silent)
    return folder


@pytest.fixture
def taught(repo: Repo, base: Path) -> Repo:
    """The small repo, with a base that lies in it."""
    teach(repo, base)
    return repo


def teach(repo: Repo, base: Path) -> None:
    """Give a repo a base that lies in it."""
    manifest = repo.read("proda.yaml").decode()
    repo.write("proda.yaml", manifest[: manifest.index("model:")] + MODEL)
    shutil.copytree(base, repo.path / "models/tiny")
