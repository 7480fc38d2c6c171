"""What is trained on a base, and the one door to what was trained: an adapter of PEFT's, or a whole model."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.errors import OutsideError, ProjectError
from prodabuild.paths import read_source
from prodabuild.training.base import NOTHING, load_base, load_tokenizer
from prodabuild.training.examine import SAVE, examine_adapter
from prodabuild.training.fit import Allowed, context_of, from_folder, quiet, require_fit
from prodabuild.training.foreign import reading
from prodabuild.training.headers import listed
from prodabuild.training.settings import allowed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

CONFIG = "adapter_config.json"
ALL_LINEAR = "all-linear"
_RESTART = "begin at an adapter that was trained on this base"
FULL, QLORA = "full", "qlora"
_VARIANTS: dict[str, dict[str, bool]] = {
    "lora": {}, "rslora": {"use_rslora": True}, "dora": {"use_dora": True}, QLORA: {},
}  # fmt: skip


def load_model(
    base: Path, folder: Path | None, device: str, shown: str = "", allowed: Allowed = NOTHING
) -> tuple[Any, Any]:
    """Return (model, tokenizer): the base, the adapter in a folder on it, or the whole model that is there."""
    if folder is not None and is_whole(folder):
        return load_base(folder, device, bf16=False, tokenizer_folder=base, shown=shown)
    model, tokenizer = load_base(base, device, bf16=False, shown=shown, allowed=allowed)
    return (model if folder is None else load_adapter(model, folder)), tokenizer


def is_whole(folder: Path) -> bool:
    """Tell whether what was trained into a folder is a whole model: it then stands on no base."""
    return not (folder / CONFIG).exists()


def load_adapter(model: Any, folder: Path, name: str = "default", trainable: bool = False) -> Any:
    """Return a model with the adapter in a folder on it; raises `ProjectError` unless all of it fits the model."""
    from peft import PeftModel

    with checked(folder, name) as check, deprecations_hidden():
        adapted = PeftModel.from_pretrained(model, folder, adapter_name=name, is_trainable=trainable)
        check(adapted)
    return adapted


@contextmanager
def checked(folder: Path, name: str) -> Iterator[Callable[[Any], None]]:
    """Examine the adapter in a folder before a block loads it, and give a check of what the block has loaded."""
    shown = f"the adapter in {folder.name}"
    found = examine_adapter(folder, shown)

    def check(adapted: Any) -> None:
        from peft import get_peft_model_state_dict

        state = get_peft_model_state_dict(adapted, adapter_name=name, save_embedding_layers=False)
        if missing := state.keys() - found.keys():
            raise ProjectError(f"{shown} lacks {len(missing)} of the base's matrices: {listed(missing)}", _RESTART)
        if unexpected := found.keys() - state.keys():
            raise ProjectError(f"{shown} has {len(unexpected)} that the base does not: {listed(unexpected)}", _RESTART)

    with reading(shown, _RESTART):
        yield check


def prepare(base: Path, start: Path | None, settings: dict[str, Any], base_name: str, device: str) -> tuple[Any, Any]:
    """Return (what is to be trained, tokenizer); `start` is a model that was trained before."""
    kind, allowed = settings["adapter.type"], allowed_by(settings)
    if kind == FULL:
        model, tokenizer = load_model(base, start, device, base_name, allowed)
        _refuse_other(kind, FULL if start is None or is_whole(start) else "an adapter")
        return model.requires_grad_(True), tokenizer
    if kind == QLORA:
        model, tokenizer = _load_quantised(base, base_name, allowed)
    else:
        model, tokenizer = load_base(base, device, bf16=False, shown=base_name, allowed=allowed)
    if start is None:
        return _adapt(model, settings, base_name), tokenizer
    _refuse_other(kind, FULL if is_whole(start) else _kind_of(start, settings))
    return _named(load_adapter(model, start, trainable=True), base_name), tokenizer


def refuse_impossible(kind: str, device: str) -> None:
    """Raise when an adapter of this kind cannot be trained on this device."""
    if kind != QLORA:
        return
    if device == "cpu":
        raise ProjectError(
            "model.adapter.type is qlora, which needs a CUDA device, and there is none",
            "set it to lora: the same adapter, on a base that is not quantised",
        )
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise OutsideError("model.adapter.type is qlora, and bitsandbytes is not installed", "pip install bitsandbytes")


def _load_quantised(base: Path, shown: str, allowed: Allowed) -> tuple[Any, Any]:
    import torch
    from peft import prepare_model_for_kbit_training
    from transformers import BitsAndBytesConfig

    context_of(base, shown)
    tokenizer = load_tokenizer(base, shown)
    require_fit(base, tokenizer, shown, allowed)
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    with quiet(), reading(shown, SAVE):
        model, _ = from_folder(base, quantization_config=config, device_map={"": torch.cuda.current_device()})
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False), tokenizer


def _adapt(model: Any, settings: dict[str, Any], base_name: str) -> Any:
    from peft import LoraConfig, get_peft_model

    targets, saved = settings["adapter.targets"], settings["adapter.save_modules"]
    _refuse_unmatched(model, [] if targets == ALL_LINEAR else targets, "targets")
    _refuse_unmatched(model, saved, "save_modules")
    config = LoraConfig(
        r=settings["adapter.r"],
        lora_alpha=settings["adapter.alpha"],
        lora_dropout=settings["adapter.dropout"],
        target_modules=targets if targets == ALL_LINEAR else list(targets),
        modules_to_save=list(saved) or None,
        task_type="CAUSAL_LM",
        **_VARIANTS[settings["adapter.type"]],
    )
    try:
        with deprecations_hidden():
            adapted = get_peft_model(model, config)
    except ValueError as error:
        raise ProjectError(
            f"the adapter does not fit the base: {error}", "mend model.adapter.targets and save_modules"
        ) from error
    return _named(adapted, base_name)


def _named(adapted: Any, base_name: str) -> Any:
    # PEFT writes the targets of a set in hash order, and the path that the base was loaded from
    config = adapted.peft_config["default"]
    if not isinstance(config.target_modules, str):
        config.target_modules = sorted(config.target_modules)
    config.base_model_name_or_path = base_name
    config.inference_mode = False
    return adapted


def _refuse_unmatched(model: Any, patterns: Sequence[str], key: str) -> None:
    names = [name for name, _ in model.named_modules() if name]
    unmatched = [each for each in patterns if not any(name == each or name.endswith(f".{each}") for name in names)]
    if unmatched:
        raise ProjectError(
            f"model.adapter.{key}: {', '.join(unmatched)} names no module of the base",
            f"the base has {', '.join(_leaves(model))}",
        )


def _leaves(model: Any) -> list[str]:
    """Return the last names of the modules that have weights of their own."""
    leaves = {name.rpartition(".")[2] for name, module in model.named_modules() if list(module.parameters(False))}
    return sorted(leaves)


def _kind_of(start: Path, settings: dict[str, Any]) -> str:
    """Return the type of the adapter in a folder; raises `ProjectError` when it has another shape than is asked for."""
    config = orjson.loads(read_source(start, CONFIG))
    for key, name in (("r", "r"), ("alpha", "lora_alpha")):
        if config[name] != settings[f"adapter.{key}"]:
            raise ProjectError(
                f"model.adapter.{key} is {settings[f'adapter.{key}']}, but the model in train.start has {config[name]}",
                "set it to that, or begin at the base",
            )
    kind = "rslora" if config.get("use_rslora") else "dora" if config.get("use_dora") else "lora"
    return QLORA if kind == "lora" and settings["adapter.type"] == QLORA else kind


def _refuse_other(wanted: str, found: str) -> None:
    if wanted != found:
        raise ProjectError(
            f"model.adapter.type is {wanted}, but the model in train.start is {found}",
            "set it to that, or begin at the base",
        )


@contextmanager
def deprecations_hidden() -> Iterator[None]:
    """Hide what PEFT asks of transformers in a way that transformers will drop: nobody here can mend it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
