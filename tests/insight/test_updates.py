"""Changes as adapters and whole models hold them: scales, patterns, embeddings, DoRA, fused and stacked matrices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prodabuild.errors import ProjectError, UsageError
from prodabuild.insight.changes import Array, Dense, LowRank
from prodabuild.insight.updates import Module, Trained, open_trained
from tests.insight.weights import normal, save, save_adapter

NAME = "model.layers.3.mlp.up_proj"
A, B = normal(1, 4, 12), normal(2, 10, 4)
FACTORS = {f"{NAME}.lora_A.weight": A, f"{NAME}.lora_B.weight": B}


def entries_of(module: Module) -> Array:
    change = module.read().change
    return change.entries if isinstance(change, Dense) else change.left @ change.right


def opened(folder: Path, tensors: dict[str, Array], base: dict[str, Array] | None = None, **settings: Any) -> Trained:
    save_adapter(folder / "adapter", tensors, **settings)
    if base is not None:
        save(folder / "base/model.safetensors", base)
    return open_trained(folder / "adapter", None if base is None else folder / "base")


@pytest.mark.parametrize(
    ("settings", "kind", "scale"),
    [
        ({}, "lora", 2.0),
        ({"use_rslora": True}, "rslora", 4.0),
        ({"lora_alpha": 1}, "lora", 0.25),
        ({"alpha_pattern": {"up_proj": 6}}, "lora", 1.5),
        ({"alpha_pattern": {"layers.4.mlp.up_proj": 6, "layers.3.*": 12}}, "lora", 3.0),
        ({"r": 64}, "lora", 2.0),  # the rank is that of the factors
    ],
)
def test_a_product_has_the_scale_of_its_settings(
    tmp_path: Path, settings: dict[str, Any], kind: str, scale: float
) -> None:
    trained = opened(tmp_path, FACTORS, **settings)
    (module,) = trained.modules
    assert (trained.kind, module.name, module.layer, module.kind, module.apart) == (kind, NAME, 3, "up_proj", False)
    assert entries_of(module) == pytest.approx(scale * B @ A, abs=1e-5)
    assert isinstance(module.read().change, LowRank)
    assert module.read().before is None


def test_a_base_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    weights = normal(3, 10, 12)
    (module,) = opened(tmp_path, FACTORS, {f"{NAME}.weight": weights}).modules
    before = module.read().before
    assert before is not None
    assert before() == pytest.approx(weights, rel=1e-6)


def test_a_base_may_keep_columns_for_rows(tmp_path: Path) -> None:
    weights = normal(3, 12, 10)
    (module,) = opened(tmp_path, FACTORS, {f"{NAME}.weight": weights}, fan_in_fan_out=True).modules
    before = module.read().before
    assert before is not None
    assert before() == pytest.approx(weights.T, rel=1e-6)


def test_an_embedding_has_a_row_for_each_token(tmp_path: Path) -> None:
    up, down = normal(4, 4, 30), normal(5, 12, 4)
    tensors = {
        "model.embed_tokens.lora_embedding_A": up,
        "model.embed_tokens.lora_embedding_B": down,
        "model.embed_tokens.base_layer.weight": normal(6, 30, 12),
    }
    trained = opened(tmp_path, tensors)
    (module,) = trained.modules
    assert entries_of(module) == pytest.approx(2 * (down @ up).T, abs=1e-5)
    assert module.apart
    assert trained.left_out == {}


def test_dora_gives_every_row_the_length_that_it_learnt(tmp_path: Path) -> None:
    weights, lengths = normal(7, 10, 12), np.abs(normal(8, 10)) + 1
    tensors = FACTORS | {f"{NAME}.lora_magnitude_vector": lengths}
    trained = opened(tmp_path, tensors, {f"{NAME}.weight": weights}, use_dora=True)
    (module,) = trained.modules
    after = weights + entries_of(module)
    assert trained.kind == "dora"
    assert np.linalg.norm(after, axis=1) == pytest.approx(lengths, abs=1e-5)
    direction = weights + 2 * B @ A
    assert after == pytest.approx(direction * (lengths / np.linalg.norm(direction, axis=1))[:, None], rel=1e-4)
    with pytest.raises(UsageError, match="is a DoRA"):
        open_trained(tmp_path / "adapter", None)


def test_modules_saved_whole_change_by_their_difference(tmp_path: Path) -> None:
    head, old = normal(9, 30, 12), normal(10, 30, 12)
    tensors = FACTORS | {"lm_head.weight": head, "model.norm.weight": normal(11, 12), "other.weight": normal(12, 3, 3)}
    base = {f"{NAME}.weight": normal(3, 10, 12), "lm_head.weight": old, "model.norm.weight": normal(13, 12)}
    trained = opened(tmp_path, tensors, base)
    assert [module.name for module in trained.modules] == [NAME, "lm_head"]
    assert entries_of(trained.modules[1]) == pytest.approx(head - old, abs=1e-6)
    assert trained.modules[1].apart
    assert trained.left_out == {"a vector": ["model.norm"], "not in the base": ["other"]}
    alone = open_trained(tmp_path / "adapter", None)
    assert [module.name for module in alone.modules] == [NAME]
    assert alone.left_out == {
        "saved whole: its change shows beside the base alone": ["lm_head", "other"],
        "a vector": ["model.norm"],
    }


def test_a_whole_model_needs_its_base_and_says_what_stayed(tmp_path: Path) -> None:
    old = normal(1, 8, 6)
    new = old.copy()
    new[0] += 1
    save(tmp_path / "new/model-00001.safetensors", {f"{NAME}.weight": new})
    save(tmp_path / "new/model-00002.safetensors", {"lm_head.weight": normal(2, 9, 6)})
    save(tmp_path / "old/model.safetensors", {f"{NAME}.weight": old, "lm_head.weight": normal(3, 8, 6)})
    with pytest.raises(UsageError, match="is a whole model"):
        open_trained(tmp_path / "new", None)
    trained = open_trained(tmp_path / "new", tmp_path / "old")
    (module,) = trained.modules
    assert trained.kind == "full"
    assert module.read().unchanged == pytest.approx(7 / 8)
    assert entries_of(module)[0] == pytest.approx(np.ones(6), abs=1e-5)
    assert trained.left_out == {"of another shape in the base": ["lm_head"]}


def test_fused_and_stacked_matrices_are_taken_apart(tmp_path: Path) -> None:
    names = {"gate_up_proj": (8, 5), "qkv_proj": (15, 5), "Wqkv": (12, 5), "experts.down_proj": (3, 4, 5)}
    old = {f"layers.1.{name}.weight": normal(at, *shape) for at, (name, shape) in enumerate(names.items())}
    new = {name: entries + normal(99 + at, *entries.shape) for at, (name, entries) in enumerate(old.items())}
    save(tmp_path / "old/model.safetensors", old, "F64")
    save(tmp_path / "new/model.safetensors", new)
    found = {module.name: module for module in open_trained(tmp_path / "new", tmp_path / "old").modules}
    assert list(found) == [
        "layers.1.gate_up_proj/gate", "layers.1.gate_up_proj/up",
        "layers.1.qkv_proj/q", "layers.1.qkv_proj/k", "layers.1.qkv_proj/v", "layers.1.Wqkv",
        "layers.1.experts.0.down_proj", "layers.1.experts.1.down_proj", "layers.1.experts.2.down_proj",
    ]  # fmt: skip
    assert {module.layer for module in found.values()} == {1}
    whole = {name: new[name] - old[name] for name in old}
    assert entries_of(found["layers.1.gate_up_proj/up"]) == pytest.approx(
        whole["layers.1.gate_up_proj.weight"][4:], abs=1e-6
    )
    assert entries_of(found["layers.1.qkv_proj/k"]) == pytest.approx(whole["layers.1.qkv_proj.weight"][5:10], abs=1e-6)
    assert entries_of(found["layers.1.experts.2.down_proj"]) == pytest.approx(
        whole["layers.1.experts.down_proj.weight"][2], abs=1e-6
    )


def test_an_adapter_on_a_fused_matrix_is_taken_apart_by_rows(tmp_path: Path) -> None:
    name = "layers.0.gate_up_proj"
    tensors = {f"{name}.lora_A.weight": A, f"{name}.lora_B.weight": B}
    weights = normal(3, 10, 12)
    gate, up = opened(tmp_path, tensors, {f"{name}.weight": weights}).modules
    assert (gate.kind, up.kind) == ("gate_up_proj/gate", "gate_up_proj/up")
    assert entries_of(up) == pytest.approx(2 * B[5:] @ A, abs=1e-5)
    before = up.read().before
    assert before is not None
    assert before() == pytest.approx(weights[5:], rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peft_type": "IA3"}, "is a IA3 adapter"),
        ({"init_lora_weights": "pissa"}, "pissa takes from the base"),
        ({"target_parameters": ["experts"]}, "an adapter with target_parameters"),
    ],
)
def test_adapters_of_other_forms_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        opened(tmp_path, FACTORS, **settings)


BROKEN: list[tuple[dict[str, Array], dict[str, Any], str]] = [
    ({f"{NAME}.lora_A.weight": A}, {}, "no two matrices that multiply"),
    ({f"{NAME}.lora_A.weight": A, f"{NAME}.lora_B.weight": normal(2, 10, 5)}, {}, "no two matrices that multiply"),
    (
        {f"{NAME}.lora_A.weight": normal(1, 4, 3, 2, 2), f"{NAME}.lora_B.weight": normal(2, 8, 4, 1, 1)},
        {},
        "no two matrices that multiply",
    ),
    (FACTORS, {"lora_alpha": None}, "adapter_config.json has no lora_alpha for model.layers.3.mlp.up_proj"),
    (FACTORS, {"alpha_pattern": {"(up": 3}}, "adapter_config.json has no lora_alpha for"),
]


@pytest.mark.parametrize(("tensors", "settings", "message"), BROKEN)
def test_adapters_that_are_broken_are_told(
    tmp_path: Path, tensors: dict[str, Array], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProjectError, match=message):
        opened(tmp_path, tensors, **settings)


def test_lengths_that_are_not_those_of_the_rows_are_told(tmp_path: Path) -> None:
    tensors = FACTORS | {f"{NAME}.lora_magnitude_vector": normal(8, 9)}
    (module,) = opened(tmp_path, tensors, {f"{NAME}.weight": normal(7, 10, 12)}, use_dora=True).modules
    with pytest.raises(ProjectError, match="has 9 lengths for 10 vectors"):
        module.read()


@pytest.mark.parametrize(("shape", "names"), [((2, 8, 5), ["gate", "up"]), ((2, 5, 8), [""])])
def test_experts_whose_halves_lie_side_by_side_stay_whole(
    tmp_path: Path, shape: tuple[int, ...], names: list[str]
) -> None:
    down = (2, 5, 4) if shape[1] == 8 else (2, 4, 5)
    for at, folder in enumerate(("old", "new")):
        tensors = {"layers.1.experts.gate_up_proj": normal(at, *shape), "layers.1.experts.down_proj": normal(9, *down)}
        save(tmp_path / folder / "model.safetensors", tensors)
    found = [module.name for module in open_trained(tmp_path / "new", tmp_path / "old").modules]
    assert found[: len(names)] == [f"layers.1.experts.0.gate_up_proj{name and '/'}{name}" for name in names]
    assert len(found) == 2 * len(names) + 2


def test_a_matrix_without_entries_is_left_out(tmp_path: Path) -> None:
    for folder in ("old", "new"):
        save(tmp_path / folder / "model.safetensors", {"layers.0.up_proj.weight": np.zeros((0, 4))})
    trained = open_trained(tmp_path / "new", tmp_path / "old")
    assert (trained.modules, trained.left_out) == ((), {"no matrix": ["layers.0.up_proj"]})


def test_a_base_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="the base has no model"):
        opened(tmp_path, FACTORS, {"other.weight": normal(1, 2, 2)})
    trained = opened(tmp_path, FACTORS, {f"{NAME}.weight": normal(1, 10, 13)})
    with pytest.raises(ProjectError, match=r"is \(10, 12\) in the adapter and \(10, 13\) in the base"):
        trained.modules[0].read()


def test_settings_that_are_none_are_told(tmp_path: Path) -> None:
    save_adapter(tmp_path, FACTORS)
    for text, message in ((b"{", "is not JSON"), (b"[]", "holds no settings")):
        (tmp_path / "adapter_config.json").write_bytes(text)
        with pytest.raises(ProjectError, match=message):
            open_trained(tmp_path, None)


def test_rounding_of_factors_is_foretold(tmp_path: Path) -> None:
    left, right = normal(21, 300, 4), normal(22, 4, 200)
    tensors = {f"{NAME}.lora_A.weight": right, f"{NAME}.lora_B.weight": left}
    save_adapter(tmp_path, tensors, "BF16")
    update = open_trained(tmp_path, None).modules[0].read()
    assert isinstance(update.change, LowRank)
    error = update.change.left.astype(float) @ update.change.right - 2 * left @ right
    assert update.noise == pytest.approx((error**2).sum(), rel=0.15)


KINDS: list[dict[str, Any]] = [
    {
        "target_modules": "all-linear",
        "rank_pattern": {"layers.0.self_attn.q_proj": 2},
        "alpha_pattern": {"down_proj": 5},
    },
    {"target_modules": ["q_proj", "embed_tokens"], "use_rslora": True},
    {"target_modules": "all-linear", "use_dora": True, "modules_to_save": ["lm_head"]},
    {"target_modules": ["q_proj", "embed_tokens"], "use_dora": True},
]


@pytest.mark.train
@pytest.mark.parametrize("settings", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_changes_are_those_that_peft_merges(tmp_path: Path, settings: dict[str, Any]) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, tie_word_embeddings=False,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    model.save_pretrained(tmp_path / "base")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, task_type="CAUSAL_LM", **settings))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if parameter.requires_grad and "magnitude" not in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    adapted.save_pretrained(tmp_path / "adapter")
    after = adapted.merge_and_unload().state_dict()
    trained = open_trained(tmp_path / "adapter", tmp_path / "base")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {f"{module.name}.weight" for module in trained.modules} == changed
    for module in trained.modules:
        name = f"{module.name}.weight"
        np.testing.assert_allclose(entries_of(module), (after[name] - before[name]).numpy(), atol=1e-5)
