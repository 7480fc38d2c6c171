"""Weights spread over processes: the steps of processes that hold all of them, and the same bytes each time."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from prodabuild.errors import OutsideError
from prodabuild.training.fsdp import spread
from tests.conftest import Repo
from tests.training.test_distributed import losses

PLAIN, SPREAD = "world_size: 2", "world_size: 2, fsdp: true"
FULL = ("adapter: {r: 8, alpha: 16, save_modules: [embed_tokens, lm_head]}", "adapter: {type: full}")


def weights(repo: Repo) -> dict[str, Any]:
    from safetensors.torch import load_file

    (file,) = (repo.path / "build/model").glob("*.safetensors")
    return dict(load_file(file))


@pytest.mark.train
@pytest.mark.parametrize(("kind", "share"), [("lora", "26864 of 53600"), ("full", "15216 of 30368")])
def test_spread_weights_take_the_steps_of_whole_ones(taught: Repo, kind: str, share: str) -> None:
    import torch

    if kind == "full":
        taught.edit("proda.yaml", *FULL)
    taught.edit("proda.yaml", "epochs: 6", f"epochs: 1, micro_tokens: 256, {PLAIN}")
    assert taught.run("compile").code == 0
    steps, expected, files = losses(taught), weights(taught), taught.files("build/model")
    taught.edit("proda.yaml", PLAIN, SPREAD)
    first = taught.run("compile", "--json")
    assert (first.code, first.json["built"]) == (0, ["model"]), first.err
    assert f"weights over 2 processes: {share} in the first\n" in first.err
    assert losses(taught) == pytest.approx(steps, abs=1e-3)
    found, again = weights(taught), taught.files("build/model")
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    assert again.keys() == files.keys()
    assert {name: data for name, data in again.items() if name.endswith(".json")} == {
        name: data for name, data in files.items() if name.endswith(".json")
    }
    for name in ("build", ".prodabuild"):
        shutil.rmtree(taught.path / name)
    assert taught.run("compile", "--json").json["model"] == first.json["model"]
    assert taught.files("build/model") == again


@pytest.mark.train
def test_processes_without_a_sample_take_part(taught: Repo) -> None:
    taught.edit("proda.yaml", "{r: 8", "{type: dora, dropout: 0.1, r: 8")
    taught.edit("proda.yaml", "epochs: 6", "epochs: 1, packing: true, gradient_checkpointing: true, world_size: 3")
    taught.edit("proda.yaml", "batch_tokens: 1024", "batch_tokens: 16")
    found = []
    for _ in range(2):
        outcome = taught.run("compile", "--max-steps", "12")
        assert outcome.code == 0, outcome.err
        table = taught.read(".prodabuild/trial/loss.csv").decode().splitlines()[1:]
        found.append([float(line.split(",")[1]) for line in table])
        taught.edit("proda.yaml", "world_size: 3", "world_size: 3, fsdp: true")
    assert len(found[0]) == 12
    assert found[1] == pytest.approx(found[0], abs=1e-4)


@pytest.mark.train
def test_a_torch_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from torch.distributed import fsdp

    monkeypatch.delattr(fsdp, "FSDPModule")
    with pytest.raises(OutsideError, match="this torch cannot spread weights"):
        spread(None, "cpu")


@pytest.mark.parametrize(
    ("train", "adapter", "said"),
    [
        (
            "fsdp: true",
            "lora",
            "proda.yaml:10:10: error[M014]: fsdp spreads weights over processes: set world_size to 2 or more",
        ),
        (
            "fsdp: true, world_size: 2",
            "qlora",
            "proda.yaml:8:3: error[M014]: fsdp cannot spread the 4-bit weights of qlora: use one of them",
        ),
    ],
)
def test_what_cannot_be_spread_is_an_error_with_its_place(repo: Repo, train: str, adapter: str, said: str) -> None:
    manifest = repo.read("proda.yaml").decode()
    at = manifest.index("model:")
    repo.write(
        "proda.yaml",
        manifest[:at] + f"model:\n  base: scratch:micro\n  adapter: {{type: {adapter}}}\n  train: {{{train}}}\n",
    )
    outcome = repo.run("check", "-q")
    assert (outcome.code, outcome.out) == (1, f"{said}\n\n1 error\n")
