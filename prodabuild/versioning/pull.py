"""Fetch what versions are made of from a remote of DVC, and lay the present one out in `build/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.errors import ProjectError
from prodabuild.project.pipeline import BUILD
from prodabuild.project.redo import exclusive
from prodabuild.project.session import workspace
from prodabuild.project.travelling import FOLDER as TRACES
from prodabuild.project.trust import is_file_of_traces, trusted_versions
from prodabuild.versioning.copies import announce, lay_out, take_back
from prodabuild.versioning.named import every_version, objects_of, placed_files, present_version
from prodabuild.versioning.remote import fetch, open_remote
from prodabuild.versioning.transfer import TransferReport, refuse_absent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from prodabuild.engine.store import Store
    from prodabuild.events import Emit
    from prodabuild.versioning.named import Version
    from prodabuild.versioning.remote import Remote


def pull(root: Path, name: str | None, everything: bool, emit: Emit) -> TransferReport:
    """Fetch the objects of the version in the work tree, or of every ref with a lock, that the store lacks.

    Files in `build/` become those that the locks of the work tree name. A compile restores them as far as traces came
    with them and a trusted version names these.
    """
    space = workspace(root)
    versions = every_version(root) if everything else [present_version(root)]
    if not objects_of(versions, space.store).needed:
        raise ProjectError("no lock names anything to pull", "check out a version whose proda.lock was committed")
    remote = open_remote(root, name)
    refuse_absent(remote, sending=False)
    with exclusive(root, "prodabuild pull", emit):
        take_back(root, versions[0], space.store)
        came, whole = fetch_lacking(remote, space.store, versions, emit)
        _fetch_traces(remote, root, space.store, emit)
        placed = lay_out(root, versions[0], space)
        announce(root, versions[0], placed)
    named = objects_of(versions, space.store)
    labels = {**named.others, **named.needed}
    return TransferReport(
        remote.name,
        remote.url,
        tuple(version.name for version in versions),
        len(labels.keys() & whole),
        sum(came.values()),
        sum(space.store.object_path(name).stat().st_size for name, arrived in came.items() if arrived),
        tuple(sorted(what for name, what in named.needed.items() if name not in whole and name not in came)),
        tuple(sorted(labels.get(name, name) for name, arrived in came.items() if not arrived)),
        len(placed),
        _outlook(root, versions[0], whole) if placed else "",
    )


def _fetch_traces(remote: Remote, root: Path, store: Store, emit: Emit) -> None:
    """Fetch the traces of the trusted versions: what a branch has in common with them is restored by these."""
    names = {name for version in trusted_versions(root) for name in version.traces.values()}
    if lacking := sorted(name for name in names if not store.sound(name)):
        fetch(remote, store, lacking, emit)


def _outlook(root: Path, version: Version, whole: set[str]) -> str:
    """Return what the next compile will do with the files that were laid."""
    came = {path: name for path, name in placed_files(version, workspace(root).store).items() if name in whole}
    traces = {path: name for path, name in came.items() if is_file_of_traces(path)}
    if not traces:
        hint = f"let dvc.yaml name {BUILD}/{TRACES}/data.journal and its like"
        return f"; no traces came with them: the next `prodabuild compile` builds and trains again ({hint})"
    versions = trusted_versions(root)
    if any(traces.items() <= each.traces.items() for each in versions):
        return ": the next `prodabuild compile` restores them"
    what = (
        f"restores what {versions[0].ref} names and builds the rest" if versions else "builds all: no branch is trusted"
    )
    return f"; the next `prodabuild compile` {what} (--trust all restores all)"


def fetch_lacking(
    remote: Remote, store: Store, versions: Iterable[Version], emit: Emit
) -> tuple[dict[str, bool], set[str]]:
    """Fetch what the store lacks of versions, first the lists of folders; what it has is compared with its name, too.

    Returns what came, and whether it was what its name says; and the names of all objects that are whole now. One that
    is damaged here, and that does not come, is removed.
    """
    versions = list(versions)
    came: dict[str, bool] = {}
    whole: set[str] = set()
    for part in (True, False):
        names = [name for name in objects_of(versions, store).all() if name.endswith(".dir") == part]
        lacking = [name for name in names if not store.sound(name)]
        came |= fetch(remote, store, lacking, emit) if lacking else {}
        for name in lacking:
            if not came.get(name):
                store.remove(name)
        whole.update(name for name in names if came.get(name) or name not in lacking)
    return came, whole
