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
from prodabuild.paths import inside
from prodabuild.problems import Problem, ProblemsError
from prodabuild.training.device import required
from prodabuild.training.encode import refuse_unfit
from prodabuild.training.examine import PATTERNS, SAVE, examine_base, examine_start, model_files
from prodabuild.training.fit import (
    Allowed,
    context_of,
    from_folder,
    quiet,
    refuse_incomplete,
    refuse_infinite,
    require_fit,
)
from prodabuild.training.foreign import reading
from prodabuild.training.scratch import PRESETS, build_scratch
from prodabuild.yamlio import TextError, decode

if TYPE_CHECKING:
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

UNIT = "base"
FOLDER = "base"
PIN = "base/base.json"
TEXT_FOLDER = Path(__file__).parent / "base_text"
NOTHING = Allowed()
MISSING_SEED = 7  # of weights that `model.allow_missing` lets a base be without
_REVISION = re.compile(r"[^@\s/]+/[^@\s]+@[0-9a-f]{40}")


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
    return _files(root, base.name)


def start_files(root: Path, folder: str | None) -> list[str]:
    """Return the files of the model that training begins at; raises `ProjectError` when it names no folder inside."""
    return [] if folder is None else _files(root, folder)


def examine_named(root: Path, base: Base) -> None:
    """Raise `ProjectError` unless a `path:` base is a model by its files: nothing of it is loaded."""
    if base.kind == "path":
        examine_base(inside(root, base.name), base.name)


def _files(root: Path, folder: str) -> list[str]:
    return [file.relative_to(root).as_posix() for file in model_files(inside(root, folder))]


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
    folder = _folder(view, "model.base_files") if base.kind == "path" else _download(base)
    _examine_whole(folder, base, read_allowed(view))
    files = {file.relative_to(folder).as_posix(): file_sha256(file) for file in model_files(folder)}
    return {PIN: canonical({"base": spec, "files": files}) + b"\n"}


def _examine_whole(folder: Path, base: Base, allowed: Allowed) -> None:
    """Raise `ProjectError` unless a base can be trained and tested, all of its numbers looked at."""
    found = examine_base(folder, base.name, links=base.kind == "hf")
    context_of(folder, base.name)
    tokenizer = load_tokenizer(folder, base.name)
    refuse_unfit(tokenizer)
    require_fit(folder, tokenizer, base.name, allowed)
    refuse_infinite(found.values(), folder, base.name)


def _folder(view: View, setting: str) -> Path:
    """Return the folder that the files of a setting are in, each recorded as an input."""
    return min((view.file(name).parent for name in view.read("manifest", setting)), key=lambda path: len(path.parts))


def open_start(view: View, settings: dict[str, Any]) -> Path | None:
    """Return the folder of the model to begin at, examined, its files recorded as inputs."""
    if settings["train.strategy"] != "continue":
        return None
    folder = _folder(view, "model.train.start_files")
    shown = settings["train.start"]
    refuse_infinite(examine_start(folder, shown).values(), folder, shown)
    return folder


def read_allowed(view: View) -> Allowed:
    """Return what the manifest allows the weights of the base to be without, and to have beside."""
    return Allowed(*(view.read("manifest", f"model.allow_{which}") or () for which in Allowed._fields))


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
        return _folder(view, "model.base_files")
    pin = orjson.loads(view.path(stored[0]).read_bytes())
    found = _download(base)
    for name, digest in pin["files"].items():
        if file_sha256(found / name) != digest:
            raise OutsideError(
                f"{name} of {base.name} is not the file that was pinned", "remove it from the hub's cache and run again"
            )
    return found


def load_base(
    folder: Path,
    device: str,
    bf16: bool,
    tokenizer_folder: Path | None = None,
    shown: str = "",
    allowed: Allowed = NOTHING,
) -> tuple[Any, Any]:
    """Return (model, tokenizer) from a folder: safetensors only, no code from the model's repository.

    Raises `ProjectError`, before memory is taken, where weights, settings and tokenizer do not belong together. Weights
    that may be missing are drawn from a fixed seed: they are the same at every load.
    """
    import torch

    shown = shown or folder.name
    context_of(folder, shown)
    tokenizer = load_tokenizer(tokenizer_folder or folder, shown)
    require_fit(folder, tokenizer, shown, allowed)
    with torch.random.fork_rng(enabled=bool(allowed.missing)), quiet(), reading(shown, SAVE):
        if allowed.missing:
            torch.manual_seed(MISSING_SEED)
        model, report = from_folder(folder, dtype=torch.bfloat16 if bf16 else torch.float32)
    refuse_incomplete(report, shown, allowed)
    return model.to(device), tokenizer


def load_tokenizer(folder: Path, shown: str = "") -> Any:
    """Return the tokenizer in a folder; raises `ProjectError` when it is none."""
    from transformers import AutoTokenizer

    shown = shown or folder.name
    with quiet(), reading(f"the tokenizer of {shown}", "save it there with save_pretrained"):
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
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(PATTERNS)))
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
