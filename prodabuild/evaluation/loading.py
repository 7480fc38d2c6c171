"""The model under test: one base in memory, and on it the adapters that are scored beside it."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodabuild.digest import canonical, sha256
from prodabuild.engine.store import fresh_folder
from prodabuild.training.adapter import checked, deprecations_hidden, is_whole, load_adapter, load_model
from prodabuild.training.base import NOTHING, open_base, read_allowed, shown_name
from prodabuild.training.base import UNIT as BASE_UNIT
from prodabuild.training.device import required
from prodabuild.training.exact import exact
from prodabuild.training.loop import THREADS, restored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.engine.view import View
    from prodabuild.training.fit import Allowed

ADAPTER_UNIT = "model"
ADAPTERS = 2  # on one base: the present one and the one before it


@dataclass(frozen=True)
class Candidate:
    """What is to be tested: a base, by what it is made of, and the adapter on it, if any."""

    base: str
    base_folder: Path
    adapter: str | None
    adapter_folder: Path
    device: str
    name: str = ""  # of the base, for messages
    allowed: Allowed = NOTHING


def open_candidate(view: View, adapted: bool, unit: str = ADAPTER_UNIT) -> Candidate:
    """Return the base of a version, or what a unit adapted from it; both are inputs, and neither is loaded."""
    device = required(view)
    work = view.scratch()
    folder = open_base(view, work / "base")
    base = sha256(canonical([device, *sorted((file.path, file.sha256) for file in view.output(BASE_UNIT))]))
    named = shown_name(view), read_allowed(view)
    if not adapted:
        return Candidate(base, folder, None, work, device, *named)
    files = view.output(unit)
    place = fresh_folder(work, "model")
    for stored in files:
        (place / Path(stored.path).name).symlink_to(view.path(stored).resolve())
    adapter = sha256(canonical(sorted((file.path, file.sha256) for file in files)))
    return Candidate(base, folder, adapter, place, device, *named)


@dataclass
class _Bench:
    """The base that was loaded last, and the names of the adapters on it, the latest last."""

    base: str = ""
    model: Any = None
    tokenizer: Any = None
    adapters: list[str] = field(default_factory=list)


_bench = _Bench()


@contextmanager
def loaded(candidate: Candidate) -> Iterator[tuple[Any, Any]]:
    """Yield (model, tokenizer). The base is loaded once a process, however many adapters are tested on it."""
    whole = candidate.adapter is not None and is_whole(candidate.adapter_folder)
    with restored():  # new adapters draw random numbers before they are filled
        _load(candidate, whole)
        if candidate.adapter is not None and not whole:
            _put_on(candidate.adapter, candidate.adapter_folder)
    adapters = _only_base() if candidate.adapter is None else nullcontext()
    with adapters, _threads(candidate.device), exact(candidate.device):
        yield _bench.model, _bench.tokenizer


def _load(candidate: Candidate, whole: bool) -> None:
    """Put the base, or the whole model, on the bench unless it is there."""
    key = f"{candidate.base} {candidate.adapter}" if whole else candidate.base
    if _bench.base != key:
        _bench.base, _bench.model, _bench.adapters = "", None, []  # two in memory at a time may be one too many
        folder = candidate.adapter_folder if whole else None
        _bench.model, _bench.tokenizer = load_model(
            candidate.base_folder, folder, candidate.device, candidate.name, candidate.allowed
        )
        _bench.base = key
    _bench.model.eval()


@contextmanager
def _threads(device: str) -> Iterator[None]:
    """Compute in as many threads as training does on a CPU: where they share a tensor, some elements show it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(THREADS if device == "cpu" else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _only_base() -> Any:
    return _bench.model.disable_adapter() if _bench.adapters else nullcontext()


def _put_on(adapter: str, folder: Path) -> None:
    name = adapter[:16]
    if name not in _bench.adapters:
        if _bench.adapters:
            with checked(folder, name) as check, deprecations_hidden():
                _bench.model.load_adapter(folder, adapter_name=name)
                check(_bench.model)
        else:
            _bench.model = load_adapter(_bench.model, folder, name)
        _bench.adapters.append(name)
    _bench.model.set_adapter(name)
    while len(_bench.adapters) > ADAPTERS:
        _bench.model.delete_adapter(_bench.adapters.pop(0))
    _bench.model.eval()
