from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.errors import OutsideError
from prodabuild.training.base import load_base
from prodabuild.training.saving import save
from tests.engine.test_store import file_size_limit

pytestmark = pytest.mark.train


def test_a_model_that_does_not_fit_the_disk_is_outside_trouble(base: Path, tmp_path: Path) -> None:
    model, _ = load_base(base, "cpu", bf16=False)
    with file_size_limit(2000), pytest.raises(OutsideError, match=f"cannot write {tmp_path}: ") as caught:
        save(model, tmp_path)
    assert "File too large" in caught.value.message
    save(model, tmp_path)
    assert (tmp_path / "model.safetensors").exists()
