"""Weights, settings and tokenizers that do not belong together end before anything is trained or scored."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from prodabuild.errors import OutsideError, ProjectError
from prodabuild.training.adapter import deprecations_hidden
from prodabuild.training.base import load_base, load_tokenizer
from prodabuild.training.fit import Allowed, context_of, refuse_infinite
from prodabuild.training.foreign import reading
from prodabuild.training.headers import read_header
from tests.conftest import Repo
from tests.training.conftest import teach
from tests.training.tinies import gpt2, llama

pytestmark = pytest.mark.train
WHOLE = "take the whole model, or list in model.allow_missing what may be initialised at random"
Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama(tmp_path_factory.mktemp("small"))


def config(**settings: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        written = orjson.loads((folder / "config.json").read_bytes())
        (folder / "config.json").write_bytes(orjson.dumps(written | settings))

    return spoil


def weights(change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    return spoil


def more_tokens(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    tokenizer.add_tokens([f"<extra {number}>" for number in range(7)])
    tokenizer.save_pretrained(folder)


def no_end(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(folder)


def fill(name: str, value: float) -> Spoil:
    return weights(lambda tensors: tensors[name][0].fill_(value))


def whole_numbers(tensors: dict[str, Any]) -> None:
    tensors["lm_head.weight"] = tensors["lm_head.weight"].int()


def bring(repo: Repo, base: Path) -> None:
    """Give a repo a base of byte-level tokens: they are many."""
    teach(repo, base)
    repo.edit("proda.yaml", "max_length: 128", "max_length: 512")


def planned(repo: Repo) -> str:
    """Return what a plan does with the base. What training sees was shown before: the base was built for that."""
    return next(str(step["action"]) for step in repo.run("plan", "--json").json["steps"] if step["unit"] == "base")


CASES: list[tuple[Spoil, str, str]] = [
    (weights(lambda tensors: tensors.pop("lm_head.weight")), "models/tiny lacks the weights of 1 parameter: lm_head.weight", WHOLE),
    (config(num_hidden_layers=2), "models/tiny lacks the weights of 9 parameters: model.layers.1.input_layernorm.weight, model.layers.1.mlp.down_proj.weight, model.layers.1.mlp.gate_proj.weight, model.layers.1.mlp.up_proj.weight, model.layers.1.post_attention_layernorm.weight and 4 more", WHOLE),
    (config(num_hidden_layers=100_000), "models/tiny: config.json asks for more than 1024 parameters, far more than the weights have", "take the config.json of these weights"),
    (config(num_hidden_layers=0), "models/tiny has 9 tensors that config.json has no place for: model.layers.0.input_layernorm.weight, model.layers.0.mlp.down_proj.weight, model.layers.0.mlp.gate_proj.weight, model.layers.0.mlp.up_proj.weight, model.layers.0.post_attention_layernorm.weight and 4 more", "take the config.json that belongs to the weights, or list in model.allow_unexpected what may be left unused"),
    (config(vocab_size=10**9), "models/tiny: lm_head.weight is [258, 32] in the weights and [1000000000, 32] by config.json (and 1 more)", "take the config.json of these weights"),
    (config(hidden_size=64), "models/tiny: lm_head.weight is [258, 32] in the weights and [258, 64] by config.json (and 11 more)", "take the config.json of these weights"),
    (config(hidden_size=4 * 10**15), "models/tiny: lm_head.weight is [258, 32] in the weights and [258, 4000000000000000] by config.json (and 11 more)", "take the config.json of these weights"),
    (config(num_attention_heads=5), "models/tiny/config.json cannot be loaded: Class validation error for validator 'validate_architecture': ValueError: The hidden size (32) is not a multiple of the number of attention heads (5).", "save the model with save_pretrained"),
    (config(hidden_act="__import__('os')"), "models/tiny cannot be loaded: \"__import__('os')\"", "save the model with save_pretrained"),
    (config(model_type="nope"), "models/tiny/config.json: transformers has no causal language model 'nope'", "take a base whose architecture it has, or a newer transformers"),
    (config(model_type="nope", auto_map={"AutoModelForCausalLM": "evil.Evil"}), "models/tiny/config.json: nope needs code of its own (auto_map), which is never run", "take a base whose architecture transformers has"),
    (weights(whole_numbers), "models/tiny: lm_head.weight is of type I32", "take the model's original weights"),
    (fill("lm_head.weight", float("nan")), "models/tiny/model.safetensors has NaN or infinite numbers in 1 parameter: lm_head.weight", "take weights that are whole: their training has diverged, or they were damaged"),
    (fill("model.embed_tokens.weight", float("-inf")), "models/tiny/model.safetensors has NaN or infinite numbers in 1 parameter: model.embed_tokens.weight", "take weights that are whole: their training has diverged, or they were damaged"),
    (more_tokens, "models/tiny: the tokenizer has 265 tokens, the embeddings have 258 rows", "take the tokenizer of these weights, or resize the embeddings: model.resize_token_embeddings"),
    (no_end, "the base's tokenizer has no end-of-text token", "set eos_token in its tokenizer_config.json"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message", "hint"), CASES, ids=[case[1][:60] for case in CASES])
def test_a_base_that_does_not_fit_itself_is_one_error(
    repo: Repo, small: Path, spoil: Spoil, message: str, hint: str
) -> None:
    bring(repo, small)
    spoil(repo.path / "models/tiny")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = repo.run("compile", "-q")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.splitlines() == [f"error: {message} (while building base)", f"hint: {hint}"]
    assert not (repo.path / "build/base").exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 500_000  # kilobytes


@pytest.mark.parametrize(
    "text", ['{"model": {}}', '{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": -1}}}', "[]"]
)
def test_an_odd_tokenizer_is_one_error(repo: Repo, small: Path, text: str) -> None:
    bring(repo, small)
    repo.write("models/tiny/tokenizer.json", text)
    outcome = repo.run("compile", "-q")
    assert outcome.code == 1
    first, second = outcome.err.splitlines()
    assert first.startswith("error: the tokenizer of models/tiny cannot be loaded: ")
    assert second == "hint: save it there with save_pretrained"


def test_what_is_allowed_is_drawn_from_a_fixed_seed_and_named(repo: Repo, small: Path) -> None:
    import torch

    bring(repo, small)
    folder = repo.path / "models/tiny"
    weights(lambda tensors: tensors.pop("lm_head.weight"))(folder)
    weights(lambda tensors: tensors.update({"v_head.bias": torch.zeros(1)}))(folder)
    repo.edit(
        "proda.yaml",
        "  base: path:models/tiny",
        "  base: path:models/tiny\n  allow_missing: [lm_head.weight]\n  allow_unexpected: [v_head.*]",
    )
    assert repo.run("compile", "--show-samples", "-q").code == 0
    torch.manual_seed(3)
    before = torch.get_rng_state()
    allowed = Allowed(["lm_head.weight"], ["v_head.*"])
    one, other = (load_base(folder, "cpu", bf16=False, allowed=allowed)[0].lm_head.weight for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ProjectError, match="lacks the weights of 1 parameter"):
        load_base(folder, "cpu", bf16=False)


@pytest.mark.parametrize("tied", [True, False])
def test_tied_weights_that_a_file_leaves_out_are_none_that_it_lacks(tmp_path: Path, tied: bool) -> None:
    folder = llama(tmp_path / "m", tie_word_embeddings=tied)
    names = read_header(folder / "model.safetensors", "m")
    assert ("lm_head.weight" in names) is not tied
    model, _ = load_base(folder, "cpu", bf16=False)
    assert (model.lm_head.weight is model.model.embed_tokens.weight) is tied
    load_base(gpt2(tmp_path / "g", 64), "cpu", bf16=False)  # tied by its class, not by its config.json


def test_shards_are_one_model_and_numbers_are_looked_at_in_each(tmp_path: Path, small: Path) -> None:
    model, tokenizer = load_base(small, "cpu", bf16=False)
    model.save_pretrained(tmp_path / "m", max_shard_size="40KB")
    tokenizer.save_pretrained(tmp_path / "m")
    assert len(list((tmp_path / "m").glob("*.safetensors"))) > 1
    loaded, _ = load_base(tmp_path / "m", "cpu", bf16=False)
    assert loaded.lm_head.weight.equal(model.lm_head.weight)


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "bfloat16"])
def test_numbers_of_every_type_are_looked_at(tmp_path: Path, kind: str) -> None:
    import torch
    from safetensors.torch import save_file

    file = tmp_path / "model.safetensors"
    sound = torch.full((4,), 3e4, dtype=getattr(torch, kind))
    save_file({"a": sound, "empty": sound[:0], "mask": sound.isfinite()}, file)
    refuse_infinite(read_header(file, "m").values(), tmp_path, "m")
    bad = sound.clone()
    bad[2] = float("nan")
    save_file({"a": sound, "b": bad}, file)
    with pytest.raises(ProjectError, match=r"^m/model\.safetensors has NaN or infinite numbers in 1 parameter: b$"):
        refuse_infinite(read_header(file, "m").values(), tmp_path, "m")


@pytest.mark.parametrize(
    "name",
    ["chat_template.jinja", "generation_config.json", "added_tokens.json", "additional_chat_templates/tools.jinja"],
)
def test_every_file_of_a_base_is_an_input(repo: Repo, small: Path, name: str) -> None:
    bring(repo, small)
    repo.write(f"models/tiny/{name}", "{}\n")
    assert repo.run("compile", "--show-samples", "-q").code == 0
    assert planned(repo) == "clean"
    repo.write(f"models/tiny/{name}", "{ }\n")
    assert planned(repo) == "build"
    assert repo.run("compile", "--show-samples", "-q").code == 0
    assert name in orjson.loads(repo.read("build/base/base.json"))["files"]


def test_a_sample_longer_than_the_base_is_refused(repo: Repo, tmp_path: Path) -> None:
    bring(repo, gpt2(tmp_path / "g", 64))
    assert context_of(repo.path / "models/tiny", "models/tiny") == 64
    repo.edit("proda.yaml", ", save_modules: [embed_tokens, lm_head]", "")
    outcome = repo.run("compile", "-q")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "error: the sample tools/core_drill.is_a.power_drill#choose.object has 134 tokens, the base takes 64 (models/tiny/config.json) (while building model)",
        "hint: set model.train.max_length to 64, and model.train.overlong to drop or truncate",
    ]


def test_an_adapter_of_another_base_is_no_start(repo: Repo, small: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    two, _ = load_base(llama(tmp_path / "two", num_hidden_layers=2), "cpu", bf16=False)
    adapter = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM")
    with deprecations_hidden():
        get_peft_model(two, adapter).save_pretrained(tmp_path / "start")
    bring(repo, small)
    shutil.copytree(tmp_path / "start", repo.path / "models/start")
    repo.edit("proda.yaml", ", save_modules: [embed_tokens, lm_head]", "")
    repo.edit("proda.yaml", "epochs: 6", "epochs: 1, strategy: continue, start: models/start")
    outcome = repo.run("compile", "-q")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "error: the adapter in start has 2 that the base does not: base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight, base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight (while building model)",
        "hint: begin at an adapter that was trained on this base",
    ]


def test_what_a_library_raises_is_the_fault_of_the_file_and_what_the_system_refuses_is_not() -> None:
    with pytest.raises(ProjectError, match=r"^m cannot be loaded: one$"), reading("m", "h"):
        raise Exception("one\ntwo")
    with pytest.raises(OutsideError, match="m needs a package that is not installed"), reading("m", "h"):
        raise ImportError("sentencepiece")
    with pytest.raises(PermissionError), reading("m", "h"):
        raise PermissionError(13, "Permission denied")
    with pytest.raises(KeyboardInterrupt), reading("m", "h"):
        raise KeyboardInterrupt
