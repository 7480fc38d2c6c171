"""Versions are git's: commands in this process see the git and the DVC of the test alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Versioned
from tests.training.conftest import tiny


@pytest.fixture(autouse=True)
def _alone(versioned: Versioned, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in versioned.environment.items():
        if name.startswith(("DVC_", "GIT_")):
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one layer, saved as any model is saved."""
    return tiny(tmp_path_factory.mktemp("base"))
