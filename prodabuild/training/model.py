"""The unit `model`: what the dataset makes of the base. A version's model is its base and this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.digest import canonical, sha256
from prodabuild.engine.code import LIBRARY, MODULE, read_code
from prodabuild.events import Note
from prodabuild.training.adapter import refuse_impossible
from prodabuild.training.base import PIN, load_tokenizer, open_base, open_start, shown_name
from prodabuild.training.base import UNIT as BASE
from prodabuild.training.device import required, use_bf16
from prodabuild.training.distributed import run_together
from prodabuild.training.encode import encode, refuse_unfit
from prodabuild.training.fit import context_of
from prodabuild.training.job import TRAINED, Job, run_job
from prodabuild.training.record import loss_csv, loss_svg
from prodabuild.training.settings import read_settings
from prodabuild.training.tokens import Writing, flatten, keep_recent, tokenise, tokens_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prodabuild.engine.store import Stored
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.training.loop import Log

    Corpora = Callable[[View, Path, dict[str, Any]], Writing]  # of a base and of settings

UNIT = "model"
FOLDER = "model"
DATASET = "dataset"
CORPUS = "corpus"
_TOKENISING = ("prodabuild.training.encode", "prodabuild.training.tokens", "prodabuild.shards.prompt")


def build_model(unit: str, view: View) -> Output:
    """Return the files of what was trained (PEFT's own format, or transformers') and the record of its training."""
    return train_model(view)


def train_model(view: View, max_steps: int | None = None) -> Output:
    """Train on the dataset of a view; a trial run ends after some steps, and is otherwise the same."""
    read_code(view, __name__)
    return train_on(view, read_settings(view), write_corpus, FOLDER, max_steps)


def train_on(view: View, settings: dict[str, Any], write: Corpora, target: str, max_steps: int | None = None) -> Output:
    """Train on the corpus that is written for a base, and return what came of it, below a target folder."""
    device = required(view)
    bf16 = use_bf16(settings["train.precision"], device)
    refuse_impossible(settings["adapter.type"], device)
    base = open_base(view, view.scratch() / "base")
    start = open_start(view, settings)
    corpus = write(view, base, settings)
    precision = "bf16" if bf16 else "fp32"
    epochs = f"{settings['train.epochs']} epoch{'s' * (settings['train.epochs'] > 1)}"
    view.emit(Note(f"training on {device} in {precision}: {corpus.samples} samples, {epochs}"))
    folder = view.scratch() / ("all" if max_steps is None else f"trial-{max_steps}")
    folder.mkdir(exist_ok=True)
    job = Job(
        base=str(base),
        base_name=shown_name(view),
        start=None if start is None else str(start),
        corpus=str(corpus.folder),
        folder=str(folder),
        settings=settings,
        device=device,
        bf16=bf16,
        max_steps=max_steps,
    )
    world = settings["train.world_size"]
    logs = run_job(job, view.emit) if world == 1 else run_together(job, world, view.emit)
    return _files(logs, folder / TRAINED, target)


def write_corpus(view: View, base: Path, settings: dict[str, Any]) -> Writing:
    """Return the samples of the dataset as tokens, those of unchanged shards as they were made before."""
    rounds = [stored for stored in view.output(DATASET) if stored.path.endswith(".jsonl")]
    tokenizer = load_tokenizer(base)
    refuse_unfit(tokenizer)
    known, identity = view.known() / "tokens", _tokeniser(view)
    shards = rounds or [view.output(shard)[0] for shard in view.units("shards")]
    used = []
    with Writing(view.scratch() / CORPUS, settings["train.max_length"], settings["train.overlong"]) as corpus:
        for stored in shards:
            path, cached = view.path(stored), known / tokens_name(stored.sha256, identity)
            corpus.add(tokenise(path, cached, tokenizer), path)
            used.append(cached)
    _tell_overlong(view, base, corpus)
    keep_recent(known, used)
    return corpus


def write_file(view: View, base: Path, settings: dict[str, Any], stored: Stored) -> Writing:
    """Return the samples of one file as tokens."""
    tokenizer = load_tokenizer(base)
    refuse_unfit(tokenizer)
    path = view.path(stored)
    examples = encode((orjson.loads(line) for line in path.read_bytes().splitlines()), tokenizer)
    with Writing(view.scratch() / CORPUS, settings["train.max_length"], settings["train.overlong"]) as corpus:
        corpus.add(flatten(examples), path)
    _tell_overlong(view, base, corpus)
    return corpus


def _tell_overlong(view: View, base: Path, corpus: Writing) -> None:
    """Raise `ProjectError` where the policy, or the base, refuses a corpus, and tell what it left out."""
    name = shown_name(view)
    corpus.refuse(context_of(base, name), name)
    if corpus.long:
        done = {"drop": "left out", "truncate": "cut"}[corpus.overlong]
        message = f"{len(corpus.long)} samples are over model.train.max_length {corpus.max_length}: {done}"
        view.emit(Note(message, warning=True))


def _tokeniser(view: View) -> str:
    """Return a digest of all that turns text into tokens: the base's files but its weights, code, libraries."""
    stored = view.output(BASE)
    files = {file.path: file.sha256 for file in stored}
    if PIN in files:
        files = orjson.loads(view.path(stored[0]).read_bytes())["files"]
    code = [view.read(MODULE + name, "code") for name in _TOKENISING]
    versions = [view.read(LIBRARY + name, "version") for name in ("tokenizers", "transformers")]
    return sha256(canonical([{name: files[name] for name in files if ".safetensors" not in name}, code, versions]))


def _files(logs: list[Log], trained: Path, target: str) -> Output:
    files: dict[str, bytes | Path] = {
        f"{target}/{file.name}": file for file in sorted(trained.iterdir()) if file.suffix in (".json", ".safetensors")
    }
    return files | {f"{target}/loss.csv": loss_csv(logs), f"{target}/loss.svg": loss_svg(logs)}
