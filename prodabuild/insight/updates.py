"""What training changed, module by module: read from an adapter of PEFT's or from a whole model, one at a time."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from prodabuild.errors import ProjectError, UsageError
from prodabuild.insight.changes import Dense, LowRank, energy
from prodabuild.insight.tensors import adapter_tensors, load, model_tensors, rounding_energy
from prodabuild.paths import read_regular
from prodabuild.training.examine import OTHER_FORMS, PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prodabuild.insight.changes import Array, Change
    from prodabuild.training.headers import Tensor

CONFIG = "adapter_config.json"
APART = ("embed_tokens", "lm_head", "wte", "wpe", "embed_in", "embed_out")  # rows follow the frequency of tokens
_PREFIX = "base_model.model."
_LAYER = re.compile(r"\.(\d+)\.")
_PART = re.compile(r"(?P<module>.*)\.lora_(?P<part>A|B|embedding_A|embedding_B|magnitude_vector)(\.weight)?$")
_FUSED = {
    "gate_up_proj": ("gate", "up"),
    "qkv_proj": ("q", "k", "v"),
    "Wqkv": ("q", "k", "v"),
    "c_attn": ("q", "k", "v"),
}


class Update(NamedTuple):
    """The change of a module. `noise` is the energy that rounding is expected to leave in it; `unchanged` the share
    of entries that stayed the same, of a dense one; `before` reads the base's matrix, where it is at hand."""

    change: Change
    noise: float
    unchanged: float | None
    before: Callable[[], Array] | None


class Module(NamedTuple):
    """A matrix of a model: its name, its layer (None outside of layers), its type, and how its change is read."""

    name: str
    layer: int | None
    kind: str
    read: Callable[[], Update]

    @property
    def apart(self) -> bool:
        """Tell whether this is an embedding or an output layer: no part of figures over layers."""
        return self.layer is None or self.kind in APART


class Trained(NamedTuple):
    """What was trained: `lora`, `rslora`, `dora` or `full`; its modules, and the names of what
    is not looked at, by reason."""

    kind: str
    modules: tuple[Module, ...]
    left_out: Mapping[str, Sequence[str]]


def is_trained(folder: Path) -> bool:
    """Tell whether a folder holds an adapter or a whole model."""
    return (folder / CONFIG).is_file() or has_weights(folder)


def has_weights(folder: Path) -> bool:
    """Tell whether a folder holds weights in safetensors."""
    return folder.is_dir() and any(folder.glob("*.safetensors"))


def config_of(folder: Path) -> dict[str, Any]:
    """Return an adapter's configuration, empty for a whole model; raises `ProjectError` when it is not readable."""
    file = folder / CONFIG
    if not file.is_file():
        return {}
    try:
        config = orjson.loads(read_regular(file))
    except orjson.JSONDecodeError as error:
        raise ProjectError(f"{file} is not JSON: {error}", "save the adapter again") from None
    if not isinstance(config, dict):
        raise ProjectError(f"{file} holds no settings", "save the adapter again")
    return config


def open_trained(folder: Path, base: Path | None) -> Trained:
    """Return what was trained into a folder; raises `ProdaError` when that cannot be told from what is at hand."""
    weights = model_tensors(base) if base else None
    if config := config_of(folder):
        return _adapter(config, adapter_tensors(folder), weights, folder)
    if weights is None:
        raise UsageError(f"{folder} is a whole model: it changed something only beside its base", "give --base FOLDER")
    found = {name.removesuffix(".weight"): tensor for name, tensor in model_tensors(folder).items()}
    modules, left_out = _saved(found, weights)
    return Trained("full", tuple(modules), left_out)


def _adapter(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], weights: Mapping[str, Tensor] | None, folder: Path
) -> Trained:
    _refuse(config, folder)
    parts: dict[str, dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        name = name.removeprefix(_PREFIX)
        if found := _PART.match(name):
            parts.setdefault(found["module"], {})[found["part"]] = tensor
        elif not name.endswith(".base_layer.weight"):
            whole[name.removesuffix(".weight")] = tensor
    kind = "dora" if config.get("use_dora") else "rslora" if config.get("use_rslora") else "lora"
    if kind == "dora" and weights is None:
        raise UsageError(f"{folder} is a DoRA: it rescales its base, and means nothing without", "give --base FOLDER")
    modules = [module for name in parts for module in _factored(name, parts[name], config, weights)]
    saved, left_out = _saved(whole, weights)
    return Trained(kind, (*modules, *saved), left_out)


def _refuse(config: Mapping[str, Any], folder: Path) -> None:
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ProjectError(f"{folder} is a {kind} adapter", "a footprint is made of LoRA, rsLoRA and DoRA adapters")
    if odd := [key for key in OTHER_FORMS if config.get(key)]:
        raise ProjectError(
            f"{folder}: an adapter with {odd[0]} has no footprint yet", "merge it, and give --base FOLDER"
        )
    if config.get("init_lora_weights") not in PLAIN:
        raise ProjectError(
            f"{folder}: {config['init_lora_weights']} takes from the base what it puts into the adapter",
            "save it as a plain LoRA: save_pretrained(..., path_initial_model_for_weight_conversion=...)",
        )


class _Factors(NamedTuple):
    """A module of an adapter: `outer @ inner` times `scale`; `turned` where the base keeps columns for rows."""

    name: str
    outer: Tensor
    inner: Tensor
    scale: float
    embedding: bool
    turned: bool
    magnitude: Tensor | None
    before: Tensor | None


def _factored(
    name: str, parts: Mapping[str, Tensor], config: Mapping[str, Any], weights: Mapping[str, Tensor] | None
) -> Iterator[Module]:
    before = None if weights is None else weights.get(f"{name}.weight")
    if weights is not None and before is None:
        raise ProjectError(f"the base has no {name}.weight", "give the base that the adapter was trained on")
    embedding = "embedding_B" in parts
    outer, inner = (parts.get(key) for key in (("embedding_A", "embedding_B") if embedding else ("B", "A")))
    if outer is None or inner is None or not _multiply(outer.shape, inner.shape, embedding):
        raise ProjectError(f"{name}: its factors in the adapter are no two matrices that multiply", "save it again")
    scale = _scale(name, inner.shape[1 if embedding else 0], config)
    turned = bool(config.get("fan_in_fan_out")) and not embedding
    whole = _Factors(name, outer, inner, scale, embedding, turned, parts.get("magnitude_vector"), before)
    if embedding or turned or whole.magnitude:
        yield _module(name, partial(_read, whole))
        return
    for suffix, piece, at in _pieces(name, outer, inner.shape[1]):
        yield _module(name + suffix, partial(_read, whole._replace(outer=piece, before=_rows_of(before, at))))


def _multiply(outer: tuple[int, ...], inner: tuple[int, ...], embedding: bool) -> bool:
    if len(outer) != 2 or len(inner) != 2 or not all((*outer, *inner)):
        return False
    return outer[0] == inner[1] if embedding else outer[1] == inner[0]


def _read(factors: _Factors) -> Update:
    change, noise = _low_rank(factors)
    if factors.before is None:
        return Update(change, noise, None, None)
    weights = partial(_weights, factors.before, factors.turned)
    shape = factors.before.shape[::-1] if factors.turned else factors.before.shape
    if shape != change.extent:
        hint = "give the base that the adapter was trained on, not quantised"
        raise ProjectError(f"{factors.name} is {change.extent} in the adapter and {shape} in the base", hint)
    if factors.magnitude is None:
        return Update(change, noise, None, weights)
    return Update(_rescaled(weights(), change, load(factors.magnitude), factors), noise, None, weights)


def _weights(tensor: Tensor, turned: bool) -> Array:
    found = load(tensor)
    return found.T if turned else found


def _low_rank(factors: _Factors) -> tuple[LowRank, float]:
    left, right = (np.asarray(load(each), np.float32) for each in (factors.outer, factors.inner))
    if factors.embedding:  # its weight has a row for each token
        left, right = left.T, right.T
    errors = rounding_energy(left, factors.outer.kind), rounding_energy(right, factors.inner.kind)
    noise = factors.scale**2 * (errors[0] * energy(right) + energy(left) * errors[1]) / left.shape[1]
    return LowRank(left * np.float32(factors.scale), right), noise


def _rescaled(before: Array, change: LowRank, magnitude: Array, factors: _Factors) -> Dense:
    """Return what DoRA changes: every row gets the length that it learnt, of an embedding every column."""
    after = before.astype(np.float32) + change.left @ change.right
    vectors = after.T if factors.embedding else after
    lengths = np.array([np.linalg.norm(vector.astype(np.float64)) for vector in vectors])
    if magnitude.size != len(lengths):
        raise ProjectError(f"{factors.name} has {magnitude.size} lengths for {len(lengths)} vectors", "save it again")
    ratios = np.where(lengths > 0, magnitude.reshape(-1) / np.where(lengths > 0, lengths, 1), 0)
    vectors *= ratios[:, None].astype(np.float32)
    return Dense(after - before)


def _scale(name: str, rank: int, config: Mapping[str, Any]) -> float:
    """Return the factor that an adapter's product has, as PEFT finds it."""
    patterns: Mapping[str, float] = config.get("alpha_pattern") or {}
    try:
        own = next((key for key in patterns if re.match(rf"(.*\.)?({key})$", name)), None)
        alpha = float(config["lora_alpha"] if own is None else patterns[own])
    except (KeyError, TypeError, ValueError, re.error):
        raise ProjectError(f"{CONFIG} has no lora_alpha for {name}", "save the adapter again") from None
    return alpha / (rank**0.5 if config.get("use_rslora") else rank)


def _saved(
    tensors: Mapping[str, Tensor], weights: Mapping[str, Tensor] | None
) -> tuple[list[Module], dict[str, list[str]]]:
    """Return the modules that are there whole, and what of them is left out."""
    modules: list[Module] = []
    left_out: dict[str, list[str]] = {}
    for name, tensor in tensors.items():
        before = None if weights is None else weights.get(f"{name}.weight", weights.get(name))
        if len(tensor.shape) not in (2, 3) or not all(tensor.shape):
            reason = "a vector" if len(tensor.shape) < 2 else "no matrix"
        elif weights is None:
            reason = "saved whole: its change shows beside the base alone"
        elif before is None:
            reason = "not in the base"
        elif before.shape != tensor.shape:
            reason = "of another shape in the base"
        else:
            modules += _dense_modules(name, tensor, before, tensors)
            continue
        left_out.setdefault(reason, []).append(name)
    return modules, left_out


def _dense_modules(name: str, tensor: Tensor, before: Tensor, all_: Mapping[str, Tensor]) -> Iterator[Module]:
    down = all_.get(f"{name.rpartition('.')[0]}.down_proj") if len(tensor.shape) == 3 else None
    beside = down is not None and tensor.shape[1] != 2 * down.shape[-1]  # experts that keep columns for rows
    for expert, matrix in _stacked(name, tensor):
        for suffix, piece, at in _pieces("" if beside else expert, matrix, matrix.shape[1]):
            start = before.start + (matrix.start - tensor.start) // _width(tensor) * _width(before)
            old = _rows_of(before._replace(shape=matrix.shape, start=start), at)
            assert old is not None
            yield _module(expert + suffix, partial(_difference, piece, old))


def _difference(after: Tensor, before: Tensor) -> Update:
    new, old = load(after), load(before)
    kept = float(np.mean(new == old))
    exact = np.result_type(new, old, np.float32)
    noise = rounding_energy(new, after.kind)
    return Update(Dense(np.subtract(new, old, dtype=exact)), noise, kept, partial(load, before))


def _stacked(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Return a matrix, or each of those that lie in a stack (of experts)."""
    if len(tensor.shape) == 2:
        yield name, tensor
        return
    count, *shape = tensor.shape
    size = (tensor.stop - tensor.start) // max(count, 1)
    head, _, kind = name.rpartition(".")
    for number in range(count):
        start = tensor.start + number * size
        yield f"{head}.{number}.{kind}", tensor._replace(shape=tuple(shape), start=start, stop=start + size)


def _pieces(name: str, tensor: Tensor, columns: int) -> Iterator[tuple[str, Tensor, slice]]:
    """Return the matrices that lie below each other in a fused one, with their rows; else the matrix itself."""
    rows, names = tensor.shape[0], _FUSED.get(name.rpartition(".")[2], ())
    even = (len(names) == 2 and rows % 2 == 0) or (len(names) == 3 and rows == 3 * columns)
    for number, part in enumerate(names if even else ("",)):
        size = rows // (len(names) if even else 1)
        at = slice(number * size, (number + 1) * size)
        piece = _rows_of(tensor, at)
        assert piece is not None
        yield f"/{part}" if part else "", piece, at


def _rows_of(tensor: Tensor | None, at: slice) -> Tensor | None:
    if tensor is None or (at.start, at.stop) == (0, tensor.shape[0]):
        return tensor
    row = _width(tensor) * int(np.prod(tensor.shape[1:]))
    start = tensor.start + at.start * row
    return tensor._replace(
        shape=(at.stop - at.start, *tensor.shape[1:]), start=start, stop=start + (at.stop - at.start) * row
    )


def _width(tensor: Tensor) -> int:
    return (tensor.stop - tensor.start) // max(1, int(np.prod(tensor.shape)))


def _module(name: str, read: Callable[[], Update]) -> Module:
    layer = _LAYER.search(f".{name}.")
    return Module(name, int(layer[1]) if layer else None, name.rpartition(".")[2], read)
