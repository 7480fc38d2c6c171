"""Training that is killed again and again ends in the bytes of training that was left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from resume import measure, prepare

pytestmark = [pytest.mark.crash, pytest.mark.train]


def test_training_goes_on_after_every_kill(tmp_path: Path) -> None:
    prepare(tmp_path)
    figures = measure(tmp_path, runs=1, kills=4, seed=3)
    assert (figures.identical, figures.kills_in_training) == (1, 4)
    assert figures.repeated < 0.25 * figures.steps  # from the start each time it would be half
