"""Footprints of what was trained here: the model just built, folders, and versions of git, each beside its base."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import OutsideError, ProjectError, UsageError
from prodabuild.evaluation.gates import Ceiling
from prodabuild.events import Progress
from prodabuild.insight.footprint import make_footprint
from prodabuild.insight.keeping import from_document
from prodabuild.insight.rungs import FOOTPRINT
from prodabuild.insight.summary import to_json
from prodabuild.insight.updates import config_of, has_weights, is_trained
from prodabuild.manifest.load import read_manifest
from prodabuild.project.outcome import Options
from prodabuild.project.pipeline import BUILD
from prodabuild.project.session import reading, workspace
from prodabuild.project.versions import files_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prodabuild.events import Emit
    from prodabuild.insight.footprint import Footprint
    from prodabuild.project.session import Session

MODEL, BASE = f"{BUILD}/model", f"{BUILD}/base"


class FootprintReport(NamedTuple):
    """The footprints of some runs. `unmet` names the bases that are not at hand, by run."""

    runs: tuple[Footprint, ...]
    unmet: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return to_json(self.runs) | {"unmet": self.unmet}


def ceilings(session: Session) -> Iterable[Ceiling]:
    """Return what the gate of the footprint looks at, where the manifest declares one."""
    check = session.manifest.insight.footprint
    if check and check.gate:
        size = session.read_output(FOOTPRINT)["figures"].get("size")  # no size: nothing changed
        yield Ceiling("footprint.size", size["value"] if size else 0.0, check.gate.max_size)


class _Run(NamedTuple):
    """What is to be looked at. `base_name` names its base, be it at hand (`base`) or not."""

    name: str
    folder: Path
    base: Path | None
    base_name: str


def footprint(root: Path, names: Sequence[str], base: Path | None, emit: Emit, device: str) -> FootprintReport:
    """Return the footprints of folders and versions, of the model just built without any; raises `ProdaError`.

    That of the model is the one that a test recorded, where the manifest asks for it and the unit is up to date on
    this class of device.
    """
    if base is None and not names and (known := _recorded(root, device)):
        return FootprintReport((known,), {})
    if base is not None and not has_weights(root / base):
        raise UsageError(f"{base} is no model: it has no weights in safetensors", "give the folder of the base")
    if twice := [name for name in names if list(names).count(name) > 1]:
        raise UsageError(f"{twice[0]} is named twice", "name each run once")
    with ExitStack() as stack:
        runs = [_find(root, name, base, stack) for name in names or (MODEL,)]
        made = tuple(_make(run, emit) for run in runs)
    return FootprintReport(made, {run.name: run.base_name for run in runs if run.base is None})


def _recorded(root: Path, device: str) -> Footprint | None:
    """Return the footprint that the manifest's unit holds of the present model; None where it holds none."""
    try:
        manifest = read_manifest(root)
        if not manifest.insight.footprint:
            return None
        with reading(root, manifest, Options(device=device)) as session:
            known = session.read_output(FOOTPRINT) if session.is_clean([FOOTPRINT]) else None
    except ProjectError:  # what is built can be looked at, whatever is wrong with the sources
        return None
    return from_document(known, MODEL, BASE) if known else None


def _make(run: _Run, emit: Emit) -> Footprint:
    def tell(done: int, total: int) -> None:
        emit(Progress("footprint", done, total, run.name))

    found = make_footprint(run.name, run.folder, run.base, tell)
    return replace(found, base=run.base_name if run.base else None)


def _find(root: Path, name: str, base: Path | None, stack: ExitStack) -> _Run:
    folder = root / name
    if folder.is_dir():
        if not is_trained(folder):
            raise ProjectError(f"{name} holds no adapter and no model", "name a folder that save_pretrained wrote")
        return _beside(root, name, folder, base, BASE if name == MODEL else "")
    if name == MODEL:
        raise ProjectError("no model is built", "run `prodabuild compile`")
    folder, old = (_linked(root, name, unit, stack) for unit in ("model", "base"))
    if base is None and has_weights(old):
        return _Run(name, folder, old, f"the base at {name}")
    return _beside(root, name, folder, base, "")


def _beside(root: Path, name: str, folder: Path, base: Path | None, own: str) -> _Run:
    """Return a run beside the base that was given, or its own, or the one that its adapter names by a folder."""
    named = str(config_of(folder).get("base_model_name_or_path") or "")
    for found in (str(base or ""), own, named):
        if found and has_weights(root / found):
            return _Run(name, folder, root / found, found)
    return _Run(name, folder, None, named or "its base")


def _linked(root: Path, ref: str, unit: str, stack: ExitStack) -> Path:
    """Return a folder with links to what a unit of another version has in the store."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    store = workspace(root).store
    for stored in files_at(root, ref, unit):
        if not store.whole(stored):
            raise OutsideError(
                f"{stored.path} at {ref} is not in the store",
                "bring it with `prodabuild pull --all-versions`",
            )
        (folder / Path(stored.path).name).symlink_to(store.object_path(stored.md5))
    return folder
