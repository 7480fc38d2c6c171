"""Train the adapter: the model of a version is its base and this adapter."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.engine.code import read_code
from prodabuild.errors import ProjectError
from prodabuild.events import Note
from prodabuild.training.base import load_base, open_base, shown_name
from prodabuild.training.batches import plan_epoch
from prodabuild.training.device import required
from prodabuild.training.encode import encode
from prodabuild.training.loop import Schedule, pad, set_deterministic, train
from prodabuild.training.saving import save

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.training.encode import Example
    from prodabuild.training.loop import Log

UNIT = "model"
FOLDER = "model"
DATASET = "dataset"
LORA_TARGETS = "all-linear"


def build_model(unit: str, view: View) -> Output:
    """Return the adapter's files (PEFT's own format) and the record of its training."""
    read_code(view, __name__)
    settings = {name: view.read("manifest", f"model.{name}") for name in SETTINGS}
    device = required(view)
    rows = read_samples(view)
    base = open_base(view, view.scratch() / "base")
    bf16 = use_bf16(settings["train.precision"], device)
    precision = "bf16" if bf16 else "fp32"
    view.emit(Note(f"training on {device} in {precision}: {len(rows)} samples, {settings['train.epochs']} epochs"))
    set_deterministic(settings["train.seed"])
    model, tokenizer = load_base(base, device, bf16=False)
    examples = encode(rows, tokenizer, settings["train.max_length"])
    adapted = _adapt(model, settings, shown_name(view))
    batches = _Batches(examples, settings, tokenizer.pad_token_id or tokenizer.eos_token_id)
    schedule = Schedule(settings["train.learning_rate"], len(batches), max(1, len(batches) // 20))
    logs = train(adapted, batches, schedule, view.emit, UNIT, autocast=bf16)
    return _files(adapted, logs, view.scratch() / FOLDER)


SETTINGS = (
    *(f"adapter.{name}" for name in ("type", "r", "alpha", "dropout", "targets", "save_modules")),
    *(f"train.{name}" for name in ("epochs", "learning_rate", "max_length", "batch_tokens", "precision", "seed")),
)


def read_samples(view: View) -> list[dict[str, Any]]:
    """Return the rows of the dataset, shard by shard."""
    view.output(DATASET)
    shards = [view.output(shard)[0] for shard in view.units("shards")]
    return [orjson.loads(line) for stored in shards for line in view.path(stored).read_bytes().splitlines()]


def use_bf16(precision: str, device: str) -> bool:
    """Tell whether to compute in bf16; raises `ProjectError` when the manifest asks for it where it cannot be had."""
    if precision == "fp32" or device == "cpu":
        if precision == "bf16":
            raise ProjectError(
                "model.train.precision is bf16, but there is no CUDA device",
                "set it to auto: fp32 on a CPU, bf16 on a GPU",
            )
        return False
    import torch

    supported = torch.cuda.is_bf16_supported()
    if precision == "bf16" and not supported:
        raise ProjectError("this GPU has no bf16", "set model.train.precision to auto or fp32")
    return bool(supported)


def load_adapter(model: Any, folder: Path, name: str = "default") -> Any:
    """Return a model with the adapter in a folder on it, beside those that it has."""
    from peft import PeftModel

    with _deprecations_hidden():
        if not isinstance(model, PeftModel):
            return PeftModel.from_pretrained(model, folder, adapter_name=name)
        model.load_adapter(folder, adapter_name=name)
        return model


@contextmanager
def _deprecations_hidden() -> Iterator[None]:
    """Hide what PEFT asks of transformers in a way that transformers will drop: nobody here can mend it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _adapt(model: Any, settings: dict[str, Any], base_name: str) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = settings["adapter.targets"]
    config = LoraConfig(
        r=settings["adapter.r"],
        lora_alpha=settings["adapter.alpha"],
        lora_dropout=settings["adapter.dropout"],
        target_modules=targets if targets == LORA_TARGETS else list(targets),
        modules_to_save=list(settings["adapter.save_modules"]) or None,
        task_type="CAUSAL_LM",
    )
    try:
        with _deprecations_hidden():
            adapted = get_peft_model(model, config)
    except ValueError as error:
        raise ProjectError(
            f"the adapter does not fit the base: {error}", "mend model.adapter.targets and save_modules"
        ) from error
    # PEFT writes the targets of a set in hash order, and the path that the base was loaded from
    config = adapted.peft_config["default"]
    config.target_modules = (
        sorted(config.target_modules) if not isinstance(config.target_modules, str) else config.target_modules
    )
    config.base_model_name_or_path = base_name
    return adapted


class _Batches:
    """The batches of all epochs, padded when they are asked for, so that only one is in memory."""

    def __init__(self, examples: Sequence[Example], settings: dict[str, Any], pad_id: int) -> None:
        self._examples = examples
        self._pad_id = pad_id
        budget, seed = settings["train.batch_tokens"], settings["train.seed"]
        self._plan = [
            batch for epoch in range(settings["train.epochs"]) for batch in plan_epoch(examples, budget, seed, epoch)
        ]

    def __len__(self) -> int:
        return len(self._plan)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (pad([self._examples[position] for position in batch], self._pad_id) for batch in self._plan)


def _files(adapted: Any, logs: Sequence[Log], folder: Path) -> Output:
    save(adapted, folder)
    lines = [
        "step,loss,learning_rate,tokens",
        *(f"{log.step},{log.loss:.6g},{log.learning_rate:.6g},{log.tokens}" for log in logs),
    ]
    return {
        f"{FOLDER}/adapter_config.json": (folder / "adapter_config.json").read_bytes(),
        f"{FOLDER}/adapter_model.safetensors": folder / "adapter_model.safetensors",
        f"{FOLDER}/loss.csv": ("\n".join(lines) + "\n").encode(),
    }
