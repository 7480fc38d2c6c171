"""Whether weights, settings and tokenizer of a model belong together: found out on the meta device, where no weight
takes memory, so that no setting can ask for more than there is.
"""

from __future__ import annotations

from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.training.examine import CONFIG, SAVE, examine_model, read_settings
from prodabuild.training.foreign import reading
from prodabuild.training.headers import listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prodabuild.training.headers import Tensor

WHOLE = "take the whole model, or list in model.allow_missing what may be initialised at random"
UNUSED = "take the config.json that belongs to the weights, or list in model.allow_unexpected what may be left unused"
_LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx")
_SPARE = 1000  # parameters that a model may have beside those of its files: tied ones, and what may be missing


class Allowed(NamedTuple):
    """Patterns of the parameters that a base's files may lack, and of the tensors there that may be left unused."""

    missing: Sequence[str] = ()
    unexpected: Sequence[str] = ()


def require_fit(folder: Path, tokenizer: Any, shown: str, allowed: Allowed) -> None:
    """Raise `ProjectError` unless a model's files hold what its settings ask for, with a row for each token."""
    found = examine_model(folder, shown)
    with _bounded(2 * len(found) + _SPARE, shown), quiet(), reading(shown, SAVE):
        model, report = from_folder(folder, device_map="meta", ignore_mismatched_sizes=True)
    refuse_incomplete(report, shown, allowed)
    _refuse_integers(model, found, shown)
    _refuse_tokens(model, tokenizer, shown)


def from_folder(folder: Path, **asked: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return a causal model and the library's report: safetensors only, no code from the model's repository."""
    from transformers import AutoModelForCausalLM

    model, report = AutoModelForCausalLM.from_pretrained(
        folder, trust_remote_code=False, use_safetensors=True, output_loading_info=True, **asked
    )
    return model, report


def refuse_incomplete(report: Mapping[str, Any], shown: str, allowed: Allowed) -> None:
    """Raise `ProjectError` for parameters without weights, of another shape, and for tensors without a parameter."""
    missing = _beyond(report["missing_keys"], allowed.missing)
    if missing:
        raise ProjectError(f"{shown} lacks the weights of {_counted(missing)}: {listed(missing)}", WHOLE)
    if mismatched := report["mismatched_keys"]:
        name, have, want = min(mismatched)
        more = f" (and {len(mismatched) - 1} more)" if len(mismatched) > 1 else ""
        sizes = f"{list(have)} in the weights and {list(want)} by {CONFIG}"
        raise ProjectError(f"{shown}: {printable(name)} is {sizes}{more}", "take the config.json of these weights")
    unexpected = _beyond(report["unexpected_keys"], allowed.unexpected)
    if unexpected:
        many = f"{len(unexpected)} tensor{'s' * (len(unexpected) > 1)}"
        raise ProjectError(f"{shown} has {many} that {CONFIG} has no place for: {listed(unexpected)}", UNUSED)


def refuse_infinite(tensors: Iterable[Tensor], folder: Path, shown: str) -> None:
    """Raise `ProjectError` where a weight is NaN or infinite. One tensor at a time is read."""
    import torch
    from safetensors import safe_open

    by_file: dict[str, list[str]] = {}
    for tensor in tensors:
        if tensor.kind in ("F64", "F32", "F16", "BF16"):
            by_file.setdefault(tensor.file.name, []).append(tensor.name)
    for file, names in by_file.items():
        with reading(f"{shown}/{file}", SAVE), safe_open(folder / file, "pt") as opened:
            bad = [name for name in names if not _is_finite(opened.get_tensor(name), torch)]
        if bad:
            raise ProjectError(
                f"{shown}/{file} has NaN or infinite numbers in {_counted(bad)}: {listed(bad)}",
                "take weights that are whole: their training has diverged, or they were damaged",
            )


def context_length(config: Any) -> int | None:
    """Return the longest input that a model's settings state, in tokens; None where they state none."""
    config = getattr(config, "text_config", None) or config
    return next((int(value) for name in _LENGTHS if (value := getattr(config, name, None)) is not None), None)


def context_of(folder: Path, shown: str) -> int | None:
    """Return the longest input that the settings in a folder state; raises `ProjectError`.

    So it does where the library has no such model, or does not take the settings.
    """
    _refuse_unknown(folder, shown)
    from transformers import AutoConfig

    with reading(f"{shown}/{CONFIG}", SAVE):
        return context_length(AutoConfig.from_pretrained(folder, trust_remote_code=False))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's own bars and reports off the terminal; they are as they were afterwards."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _beyond(names: Iterable[str], allowed: Sequence[str]) -> list[str]:
    return [name for name in names if not any(fnmatchcase(name, pattern) for pattern in allowed)]


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)} parameter{'s' * (len(names) > 1)}"


def _refuse_unknown(folder: Path, shown: str) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    config = read_settings(folder / CONFIG, f"{shown}/{CONFIG}")
    kind = config["model_type"]
    if kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return
    if config.get("auto_map"):
        raise ProjectError(
            f"{shown}/{CONFIG}: {printable(kind)} needs code of its own (auto_map), which is never run",
            "take a base whose architecture transformers has",
        )
    raise ProjectError(
        f"{shown}/{CONFIG}: transformers has no causal language model {printable(kind)!r}",
        "take a base whose architecture it has, or a newer transformers",
    )


@contextmanager
def _bounded(most: int, shown: str) -> Iterator[None]:
    """End the making of a model that has far more parameters than its files have tensors."""
    from torch.nn.modules import module as registry

    count = 0

    def register(*_: Any) -> None:
        nonlocal count
        count += 1
        if count > most:
            raise ProjectError(
                f"{shown}: {CONFIG} asks for more than {most} parameters, far more than the weights have",
                "take the config.json of these weights",
            )

    hook = registry.register_module_parameter_registration_hook(register)
    try:
        yield
    finally:
        hook.remove()


def _refuse_integers(model: Any, found: Mapping[str, Tensor], shown: str) -> None:
    for name, _ in model.named_parameters():
        tensor = found.get(name)
        if tensor is not None and tensor.kind[0] in "IUB" and tensor.kind != "BF16":
            raise ProjectError(f"{shown}: {name} is of type {tensor.kind}", "take the model's original weights")


def _refuse_tokens(model: Any, tokenizer: Any, shown: str) -> None:
    """Raise `ProjectError` where the largest token has no row in the embeddings, of input or output."""
    with reading(f"{shown}/tokenizer.json", SAVE):
        tokens = 1 + max(tokenizer.get_vocab().values(), default=-1)
    embeddings = [model.get_input_embeddings(), model.get_output_embeddings()]
    rows = min((len(each.weight) for each in embeddings if each is not None), default=tokens)
    if tokens > rows:
        raise ProjectError(
            f"{shown}: the tokenizer has {tokens} tokens, the embeddings have {rows} rows",
            "take the tokenizer of these weights, or resize the embeddings: model.resize_token_embeddings",
        )


def _is_finite(tensor: Any, torch: Any) -> bool:
    if not tensor.numel():
        return True
    low, high = tensor.aminmax()  # NaN is passed on, and nothing is copied
    return bool(torch.isfinite(low) and torch.isfinite(high))
