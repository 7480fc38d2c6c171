"""A base, and what training begins at, as files: examined before a library opens them. Headers and settings alone."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from prodabuild.errors import ProjectError
from prodabuild.paths import is_md5, open_regular, refusal, require_regular
from prodabuild.training.headers import AGAIN, POINTER, Tensor, listed, pointer, printable, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator

PATTERNS = (
    "*.safetensors", "*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja", "additional_chat_templates/*.jinja",
)  # fmt: skip
CONFIG, ADAPTER_CONFIG = "config.json", "adapter_config.json"
WEIGHTS, ADAPTER = "model.safetensors", "adapter_model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
SAVE = "save the model with save_pretrained"
MOST = 1_000_000  # layers, heads and experts of a model
MAX_SETTINGS = 64 << 20  # bytes of a file of settings
# forms in which the matrices in an adapter's file are not what is added to the base
OTHER_FORMS = (
    "layer_replication", "target_parameters", "use_qalora", "use_bdlora", "arrow_config", "megatron_config",
)  # fmt: skip
PLAIN = (True, False, "gaussian", "orthogonal", "eva", None)  # beginnings that leave the base as it is
_COUNTED = re.compile("layer|head|expert|block|group")
_OWN = ("rank_pattern", "alpha_pattern")


def model_files(folder: Path) -> list[Path]:
    """Return the files of a folder that a model may be loaded from, sorted."""
    return sorted({file for pattern in PATTERNS for file in folder.glob(pattern)})


def examine_base(folder: Path, shown: str, links: bool = False) -> dict[str, Tensor]:
    """Return the tensors that a library would load from a base; raises `ProjectError` that names the file at fault.

    `links` allows those that a cache makes; elsewhere a link may lead into the folder, or to an object of DVC's.
    """
    _examine_files(folder, shown, links)
    if (folder / ADAPTER_CONFIG).exists():
        raise ProjectError(f"{shown} holds an adapter ({ADAPTER_CONFIG}), not a base", "merge it, or name its base")
    for needed in (CONFIG, "tokenizer_config.json"):
        if not (folder / needed).is_file():
            raise ProjectError(f"{shown} is not a model: it has no {needed}", "save one there with save_pretrained")
    read_settings(folder / "tokenizer_config.json", f"{shown}/tokenizer_config.json")
    return examine_model(folder, shown)


def examine_model(folder: Path, shown: str) -> dict[str, Tensor]:
    """Return the tensors of a whole model, its settings examined; raises `ProjectError`."""
    _examine_config(read_settings(folder / CONFIG, f"{shown}/{CONFIG}"), f"{shown}/{CONFIG}")
    return _weights(folder, shown)


def examine_start(folder: Path, shown: str) -> dict[str, Tensor]:
    """Return the tensors of an adapter of LoRA's, or of a whole model, that training may begin at.

    Raises `ProjectError` when a folder holds neither.
    """
    _examine_files(folder, shown, links=False)
    if (folder / ADAPTER_CONFIG).exists():
        return examine_adapter(folder, shown)
    if (folder / CONFIG).exists():
        return examine_model(folder, shown)
    raise ProjectError(f"{shown} is no model that was trained", f"cp -r build/model {shown}")


def examine_adapter(folder: Path, shown: str) -> dict[str, Tensor]:
    """Return the tensors of an adapter; raises `ProjectError` unless its settings are those of these tensors."""
    named = f"{shown}/{ADAPTER_CONFIG}"
    config = read_settings(folder / ADAPTER_CONFIG, named)
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ProjectError(
            f"{named} has the peft_type {printable(str(kind))}, LORA is needed", "begin at a LoRA adapter"
        )
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or rank < 1 or isinstance(alpha, bool) or not isinstance(alpha, int | float):
        raise ProjectError(f"{named} has no r and lora_alpha that are numbers", "save the adapter again")
    odd = next((key for key in (*OTHER_FORMS, *_OWN) if config.get(key)), None)
    if odd or config.get("init_lora_weights") not in PLAIN:
        raise ProjectError(f"{named} has {odd or 'init_lora_weights'} set", "save it as a plain LoRA, or merge it")
    targets = config.get("target_modules")
    if targets != "all-linear" and not (isinstance(targets, list) and all(isinstance(each, str) for each in targets)):
        raise ProjectError(f"{named}: target_modules is not a list of names", "list the modules' names")
    if not (folder / ADAPTER).is_file():
        raise ProjectError(f"{shown} has no {ADAPTER}", "save the adapter with save_pretrained")
    found = read_header(folder / ADAPTER, f"{shown}/{ADAPTER}")
    ranks = {tensor.shape[0] for name, tensor in found.items() if ".lora_A." in name and tensor.shape}
    if ranks - {rank}:
        raise ProjectError(f"{named} has the rank {rank}, the matrices in {ADAPTER} have {max(ranks - {rank})}", AGAIN)
    return found


def read_settings(file: Path, shown: str) -> dict[str, Any]:
    """Return the object in a JSON file of settings (`Infinity` is a number there); raises `ProjectError`."""
    import json

    with open_regular(file) as handle:
        data = handle.read(MAX_SETTINGS + 1)
    if data.startswith(POINTER):
        raise pointer(shown)
    if len(data) > MAX_SETTINGS:
        raise ProjectError(f"{shown} has more than {MAX_SETTINGS} bytes", "it is no file of settings: remove it")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{shown} is not JSON: {printable(str(error))}", AGAIN) from None
    if not isinstance(found, dict):
        raise ProjectError(f"{shown} holds no settings: it is not a JSON object", AGAIN)
    return found


def _examine_files(folder: Path, shown: str, links: bool) -> None:
    """Raise `ProjectError` for a file that may not be opened, is not the file itself, or is JSON that was cut."""
    for file in model_files(folder):
        name = file.relative_to(folder).as_posix()
        named = f"{shown}/{name}"
        if refused := refusal(name):
            raise ProjectError(f"{shown}: {refused.message}", refused.hint)
        if not links and stat.S_ISLNK(os.lstat(file).st_mode) and not _leads_home(file, folder):
            raise ProjectError(f"{named} is a link out of its folder", "put the file itself there: cp -L")
        try:
            require_regular(Path(named), os.stat(file))
        except FileNotFoundError:
            raise ProjectError(f"{named} is a link to nothing", "`dvc pull`, or put the file itself there") from None
        with open_regular(file) as handle:
            first = handle.read(len(POINTER))
            handle.seek(max(0, file.stat().st_size - 64))
            last = handle.read().rstrip()
        if first == POINTER:
            raise pointer(named)
        if file.suffix == ".json" and (not last or first.lstrip()[:1] + last[-1:] not in (b"{}", b"[]")):
            raise ProjectError(f"{named} is cut short, or no JSON", AGAIN)


def _leads_home(link: Path, folder: Path) -> bool:
    """Tell whether a link leads to a file of its folder, or to an object in the layout of DVC's cache."""
    target = PurePath(os.path.realpath(link))
    if target.is_relative_to(os.path.realpath(folder)):
        return True
    return target.parts[-4:-2] == ("files", "md5") and is_md5("".join(target.parts[-2:]))


def _examine_config(config: dict[str, Any], shown: str) -> None:
    if not isinstance(config.get("model_type"), str):
        raise ProjectError(f"{shown} has no model_type", SAVE)
    quantised = config.get("quantization_config")
    if quantised:
        method = quantised.get("quant_method") if isinstance(quantised, dict) else quantised
        raise ProjectError(
            f"{shown}: the weights are quantised ({printable(str(method))})", "take the model's original weights"
        )
    for key, value in _numbers(config):
        if _COUNTED.search(key) and value > MOST:
            raise ProjectError(f"{shown}: {printable(key)} is {value}, at most {MOST} are loaded", AGAIN)


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, int]]:
    """Return the integers in settings with their keys, those of nested settings included."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _numbers(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _numbers(each, key)
    elif type(value) is int:
        yield key, value


def _weights(folder: Path, shown: str) -> dict[str, Tensor]:
    """Return the tensors that a library would load: those of the one file, else those that the index names."""
    headers = {
        file.name: read_header(file, f"{shown}/{file.name}")
        for file in model_files(folder)
        if file.suffix == ".safetensors"
    }
    if WEIGHTS in headers:
        return headers[WEIGHTS]
    if (folder / INDEX).is_file():
        return _sharded(folder, shown, headers)
    pickles = sorted(file.name for pattern in PICKLES for file in folder.glob(pattern))
    if pickles and not headers:
        raise ProjectError(f"{shown} has its weights in pickles ({listed(pickles)}), which can run code", SAVE)
    if not headers:
        raise ProjectError(f"{shown} has no weights in safetensors", SAVE)
    raise ProjectError(f"{shown} has no {WEIGHTS}, and no index of {listed(headers)}", SAVE)


def _sharded(folder: Path, shown: str, headers: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    named = f"{shown}/{INDEX}"
    places = read_settings(folder / INDEX, named).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(each, str) for each in places.values()):
        raise ProjectError(f"{named} has no weight_map from tensors to files", SAVE)
    for shard in sorted(set(places.values())):
        if shard not in headers:
            plain = refusal(shard) is None and "/" not in shard
            why = "which is not there" if plain else "which is no name of a file beside it"
            raise ProjectError(f"{named} names {printable(shard)}, {why}", "download the whole model")
    lost = [name for name, shard in places.items() if name not in headers[shard]]
    if lost:
        raise ProjectError(f"{named} names tensors that its files do not have: {listed(lost)}", AGAIN)
    return {name: tensor for shard in sorted(set(places.values())) for name, tensor in headers[shard].items()}
