"""The base model: which one the manifest names, how it is made or found, and its folder for those who load it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical, file_sha256
from prodabuild.engine.code import read_code
from prodabuild.engine.store import fresh_folder
from prodabuild.errors import OutsideError, ProjectError
from prodabuild.problems import Problem, ProblemsError
from prodabuild.training.device import required
from prodabuild.training.scratch import PRESETS, build_scratch
from prodabuild.yamlio import TextError, decode

if TYPE_CHECKING:
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

UNIT = "base"
FOLDER = "base"
PIN = "base/base.json"
TEXT_FOLDER = Path(__file__).parent / "base_text"
_REVISION = re.compile(r"[^@\s]+/[^@\s]+@[0-9a-f]{40}")
_WEIGHTS = ("*.safetensors", "*.json", "*.txt", "*.model")


class Base(NamedTuple):
    """`kind:name` as the manifest writes it."""

    kind: str
    name: str


def parse_base(text: str) -> Base:
    """Return what `model.base` names; raises `ProjectError` when there is no such thing."""
    kind, _, name = text.partition(":")
    if kind == "scratch" and name not in PRESETS:
        raise ProjectError(f"there is no preset {name!r}", f"presets: {', '.join(PRESETS)}")
    if kind == "hf" and not _REVISION.fullmatch(name):
        raise ProjectError(f"{text!r} does not pin a revision", "write hf:ORG/NAME@ and the 40 hex digits of a commit")
    return Base(kind, name)


def base_files(root: Path, base: Base) -> list[str]:
    """Return the files of a `path:` base, relative to the repo; raises `ProjectError` when it is no model."""
    if base.kind != "path":
        return []
    for needed in ("config.json", "tokenizer_config.json"):
        if not (root / base.name / needed).is_file():
            raise ProjectError(f"{base.name} is not a model: it has no {needed}", "save one there with save_pretrained")
    return _model_files(root, base.name)


def start_files(root: Path, folder: str | None) -> list[str]:
    """Return the files of the model that training begins at; raises `ProjectError` when it is none."""
    if folder is None:
        return []
    if not any((root / folder / name).is_file() for name in ("adapter_config.json", "config.json")):
        raise ProjectError(f"{folder} is no model that was trained", f"cp -r build/model {folder}")
    return _model_files(root, folder)


def _model_files(root: Path, folder: str) -> list[str]:
    found = sorted({file for pattern in _WEIGHTS for file in (root / folder).glob(pattern)})
    if not any(file.suffix == ".safetensors" for file in found):
        raise ProjectError(f"{folder} has no weights in safetensors", "save the model with save_pretrained")
    return [file.relative_to(root).as_posix() for file in found]


def build_base(unit: str, view: View) -> Output:
    """Return the files of a scratch base, or the pin of one that comes from elsewhere."""
    read_code(view, __name__)
    spec = view.read("manifest", "model.base")
    base = parse_base(spec)
    if base.kind == "scratch":
        device = required(view)
        folder = view.scratch() / FOLDER
        texts = [_text(view, name) for name in view.read("manifest", "model.base_text")]
        build_scratch(PRESETS[base.name], texts, folder, device, view.emit)
        return {f"{FOLDER}/{file.name}": file for file in sorted(folder.iterdir())}
    if base.kind == "path":
        files = {Path(name).name: file_sha256(view.file(name)) for name in view.read("manifest", "model.base_files")}
    else:
        folder = _download(base)
        files = {file.name: file_sha256(file) for file in sorted(folder.iterdir()) if file.is_file()}
    return {PIN: canonical({"base": spec, "files": files}) + b"\n"}


def open_base(view: View, folder: Path) -> Path:
    """Return a folder that holds the base; for a scratch base that is `folder`, filled with links to its objects."""
    stored = view.output(UNIT)
    base = parse_base(view.read("manifest", "model.base"))
    if base.kind == "scratch":
        fresh_folder(folder.parent, folder.name)
        for file in stored:
            (folder / Path(file.path).name).symlink_to(view.path(file).resolve())
        return folder
    if base.kind == "path":
        names = view.read("manifest", "model.base_files")
        return next(iter([view.file(name) for name in names])).parent
    pin = orjson.loads(view.path(stored[0]).read_bytes())
    found = _download(base)
    for name, digest in pin["files"].items():
        if file_sha256(found / name) != digest:
            raise OutsideError(
                f"{name} of {base.name} is not the file that was pinned", "remove it from the hub's cache and run again"
            )
    return found


def load_base(folder: Path, device: str, bf16: bool, tokenizer_folder: Path | None = None) -> tuple[Any, Any]:
    """Return (model, tokenizer) from a folder: safetensors only, no code from the model's repository."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    dtype = torch.bfloat16 if bf16 else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, trust_remote_code=False, use_safetensors=True)
    return model.to(device), load_tokenizer(tokenizer_folder or folder)


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in a folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def shown_name(view: View) -> str:
    """Return how an adapter names its base: a hub id, or a folder relative to the repo."""
    base = parse_base(view.read("manifest", "model.base"))
    return {"scratch": f"build/{FOLDER}", "path": base.name, "hf": base.name.partition("@")[0]}[base.kind]


def _download(base: Base) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    name, _, revision = base.name.partition("@")
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_WEIGHTS)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise OutsideError(
            f"the base {base.name} cannot be had: {reason}", "check the name, the network and HF_TOKEN"
        ) from error


def _text(view: View, name: str) -> str:
    try:
        return decode(view.file(name).read_bytes())
    except TextError as error:
        raise ProblemsError([Problem(error.code, error.message, name, error.line, error.column, error.hint)]) from None
