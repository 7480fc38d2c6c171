from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.events import silent
from prodabuild.training.scratch import Preset, build_scratch

pytestmark = pytest.mark.train
TEXTS = ["\n\n".join(f"item {number} is a kind of thing." for number in range(400))]


def test_the_same_text_and_preset_give_the_same_bytes(tmp_path: Path) -> None:
    preset = Preset(vocab=300, hidden=32, layers=1, heads=2, steps=4, batch=2, block=16, learning_rate=1e-3)
    for name in ("one", "two"):
        build_scratch(preset, TEXTS, tmp_path / name, "cpu", silent)
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(one)
