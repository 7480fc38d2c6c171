"""What only a CUDA device can show: bf16, four bits, and a run that is killed there."""

from __future__ import annotations

import shutil

import orjson
import pytest

from tests.conftest import Repo

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


def test_bf16_trains_and_gives_the_same_bytes_again(taught: Repo) -> None:
    taught.edit("proda.yaml", "epochs: 6", "precision: bf16, epochs: 2")
    first = taught.run("compile", "--device", "cuda", "--json")
    assert first.code == 0, first.err
    assert "training on cuda in bf16" in first.err
    for name in ("build", ".prodabuild"):
        shutil.rmtree(taught.path / name)
    assert taught.run("compile", "--device", "cuda", "--json").json["model"] == first.json["model"]


def test_qlora_trains_a_lora_adapter(taught: Repo) -> None:
    pytest.importorskip("bitsandbytes")
    taught.edit("proda.yaml", "adapter: {r: 8", "adapter: {type: qlora, r: 8")
    outcome = taught.run("compile", "--device", "cuda")
    assert outcome.code == 0, outcome.err
    assert orjson.loads(taught.read("build/model/adapter_config.json"))["peft_type"] == "LORA"
