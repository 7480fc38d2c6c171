"""Fetch what versions are made of from a remote of DVC, and lay the present one out in `build/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.errors import ProjectError
from prodabuild.project.redo import exclusive
from prodabuild.project.session import workspace
from prodabuild.versioning.copies import lay_out, take_back
from prodabuild.versioning.named import every_version, objects_of, present_version
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

    Files in `build/` become those that the locks of the work tree name: with the traces among them, a compile restores.
    """
    space = workspace(root)
    versions = every_version(root) if everything else [present_version(root)]
    if not objects_of(versions, space.store).needed:
        raise ProjectError("no lock names anything to pull", "check out a version whose proda.lock was committed")
    remote = open_remote(root, name)
    refuse_absent(remote, sending=False)
    with exclusive(root, "prodabuild pull", emit):
        take_back(root, versions[0], space.store)
        came = fetch_lacking(remote, space.store, versions, emit)
        placed = lay_out(root, versions[0], space)
    named = objects_of(versions, space.store)
    labels = {**named.others, **named.needed}
    lacking = {name for name in named.needed if not space.store.object_path(name).is_file()}
    return TransferReport(
        remote.name,
        remote.url,
        tuple(version.name for version in versions),
        len(labels) - len(lacking),
        sum(came.values()),
        sum(space.store.object_path(name).stat().st_size for name, whole in came.items() if whole),
        tuple(sorted(named.needed[name] for name in lacking if name not in came)),
        tuple(sorted(labels.get(name, name) for name, whole in came.items() if not whole)),
        placed,
    )


def fetch_lacking(remote: Remote, store: Store, versions: Iterable[Version], emit: Emit) -> dict[str, bool]:
    """Fetch what the store lacks of versions, first the lists of folders; tells what came, and whether it was whole."""
    versions = list(versions)
    came: dict[str, bool] = {}
    for part in (True, False):
        named = objects_of(versions, store)
        lacking = [n for n in named.all() if n.endswith(".dir") == part and not store.object_path(n).is_file()]
        came |= fetch(remote, store, lacking, emit) if lacking else {}
    return came
