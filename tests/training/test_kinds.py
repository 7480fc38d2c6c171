"""Kinds of adapters, and full fine-tuning: each trains, is tested, and is opened again through one door."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from prodabuild.training.adapter import load_model
from tests.conftest import Repo

pytestmark = pytest.mark.train
BRIEF = ("epochs: 6", "epochs: 1")


def losses(repo: Repo) -> list[float]:
    return [float(line.split(",")[1]) for line in repo.read("build/model/loss.csv").decode().splitlines()[1:]]


@pytest.mark.parametrize(("kind", "key"), [("rslora", "use_rslora"), ("dora", "use_dora")])
def test_variants_of_lora(taught: Repo, kind: str, key: str) -> None:
    taught.edit("proda.yaml", "adapter: {r: 8", f"adapter: {{type: {kind}, r: 8")
    taught.edit("proda.yaml", *BRIEF)
    assert taught.run("compile").code == 0
    assert orjson.loads(taught.read("build/model/adapter_config.json"))[key] is True
    assert losses(taught)[-1] < losses(taught)[0]


@pytest.mark.parametrize("setting", ["packing: true", "micro_tokens: 128", "gradient_checkpointing: true"])
def test_layouts_train_alike(taught: Repo, setting: str) -> None:
    taught.edit("proda.yaml", *BRIEF)
    taught.run("compile")
    plain = losses(taught)
    taught.edit("proda.yaml", "epochs: 1", f"epochs: 1, {setting}")
    assert taught.run("compile", "--json").json["built"] == ["model"]
    if setting.startswith("packing"):
        assert abs(losses(taught)[-1] - plain[-1]) < 1
    else:
        assert losses(taught) == pytest.approx(plain, abs=1e-3)


def test_full_fine_tuning_is_a_model_of_its_own(taught: Repo) -> None:
    taught.edit(
        "proda.yaml", "adapter: {r: 8, alpha: 16, save_modules: [embed_tokens, lm_head]}", "adapter: {type: full}"
    )
    taught.edit("proda.yaml", "gate: {metric: acc, min: 0.99}", "gate: {metric: acc, min: 0.0}")
    tested = taught.run("test", "--json")
    assert tested.code == 0, tested.err
    files = taught.files("build/model")
    assert {"config.json", "model.safetensors"} < set(files)
    assert str(taught.path).encode() not in files["config.json"]
    dev = tested.json["suites"]["chains"]["dev"]
    assert dev["acc"] != dev["base_acc"]  # it is the tuned model that was tested
    model, tokenizer = load_model(taught.path / "models/tiny", taught.path / "build/model", "cpu")
    assert (type(model).__name__, tokenizer.eos_token) == ("LlamaForCausalLM", "<|end|>")


def test_continue_begins_at_a_model_and_names_it_in_the_lock(taught: Repo) -> None:
    taught.edit("proda.yaml", *BRIEF)
    taught.run("compile")
    first = losses(taught)
    shutil.copytree(taught.path / "build/model", taught.path / "models/start")
    taught.edit("proda.yaml", "epochs: 1", "epochs: 1, strategy: continue, start: models/start")
    assert taught.run("compile", "--json").json["built"] == ["model"]
    assert losses(taught)[0] < first[0] - 0.5
    entry = orjson.loads(taught.read("proda.lock"))["entries"]["model"]
    assert set(entry["start"]) == {"sha256"}
    again = taught.run("compile", "--json").json
    assert again["built"] == []  # what it begins at does not move with the lock
    config = taught.path / "models/start/adapter_config.json"
    config.write_bytes(config.read_bytes().replace(b'"lora_alpha": 16', b'"lora_alpha": 32'))
    other = taught.run("compile", "-q")
    assert (other.code, other.err.splitlines()) == (
        1,
        [
            "error: model.adapter.alpha is 16, but the model in train.start has 32 (while building model)",
            "hint: set it to that, or begin at the base",
        ],
    )


def test_a_start_that_is_no_model_is_an_error_with_its_place(taught: Repo) -> None:
    taught.edit("proda.yaml", "epochs: 6", "epochs: 6, strategy: continue, start: models/none")
    outcome = taught.run("compile", "-q")
    assert outcome.code == 1
    assert "error[M023]: 'models/none' does not exist" in outcome.err
    taught.edit("proda.yaml", ", start: models/none", "")
    assert "strategy: continue and start go together" in taught.run("compile", "-q").err


@pytest.mark.parametrize(("policy", "said"), [("drop", "left out"), ("truncate", "cut")])
def test_over_long_samples_are_told(taught: Repo, policy: str, said: str) -> None:
    taught.edit("proda.yaml", "max_length: 128", "max_length: 8")
    refused = taught.run("compile", "--show-samples", "-q")
    assert refused.err.startswith("error: 449 samples (tools/")
    longest = int(refused.err.partition("hint: raise it to ")[2].partition(",")[0])
    taught.edit("proda.yaml", "max_length: 8", f"max_length: {longest - 1}, overlong: {policy}")
    taught.edit("proda.yaml", *BRIEF)
    outcome = taught.run("compile")
    assert outcome.code == 0, outcome.err
    assert f"samples are over model.train.max_length {longest - 1}: {said}" in outcome.err


def test_an_edit_tokenises_changed_shards_only(taught: Repo, tmp_path: Path) -> None:
    taught.run("compile", "--max-steps", "1")
    known = taught.path / ".prodabuild/known/tokens"
    before = {file.name: file.stat().st_mtime_ns for file in known.iterdir()}
    assert len(before) == len(taught.files("build/dataset/train"))
    taught.edit("knowledge/zoo/kinds.yaml", "a lizard with the habits of a gecko", "a lizard that sticks")
    built = taught.run("compile", "--to", "data", "--json").json["shards"]["built"]
    taught.run("compile", "--max-steps", "1")
    after = {file.name: file.stat().st_mtime_ns for file in known.iterdir()}
    assert (len(after.keys() - before.keys()), before.items() <= after.items()) == (built, True)
