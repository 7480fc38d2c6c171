"""Send what versions are made of to a remote of DVC, and see that it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.errors import OutsideError, ProjectError
from prodabuild.project.redo import exclusive
from prodabuild.project.session import workspace
from prodabuild.versioning.copies import take_back
from prodabuild.versioning.named import every_version, objects_of, present_version
from prodabuild.versioning.remote import open_remote, remove, send, sizes
from prodabuild.versioning.transfer import TransferReport, refuse_absent

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.store import Store
    from prodabuild.events import Emit
    from prodabuild.versioning.named import Named


def push(root: Path, name: str | None, everything: bool, emit: Emit) -> TransferReport:
    """Send the objects of the version in the work tree, or of every ref with a lock, that a remote does not hold.

    What is sent is read back; what the remote holds with another size is sent again.
    """
    store = workspace(root).store
    versions = every_version(root) if everything else [present_version(root)]
    with exclusive(root, "prodabuild push", emit):
        take_back(root, versions[0], store)
    named = objects_of(versions, store)
    if not named.needed:
        raise ProjectError("no lock names anything that was built", "run `prodabuild compile`, then push")
    remote = open_remote(root, name)
    refuse_absent(remote, sending=True)
    objects = named.all()
    held = sizes(remote, objects)
    here = _here(store, objects)
    due = [name for name in objects if name in here and held.get(name) != here[name]]
    _refuse_damaged(store, due, named)
    remove(remote, (name for name in due if name in held))
    for part in (False, True):  # a remote that has the list of a folder has its files
        if batch := [name for name in due if name.endswith(".dir") == part]:
            send(remote, store, batch, emit)
    missing = tuple(what for name, what in named.needed.items() if name not in here and name not in held)
    there = sum(name in held or name in here for name in objects)
    total = sum(here[name] for name in due)
    names = tuple(version.name for version in versions)
    return TransferReport(remote.name, remote.url, names, there, len(due), total, missing)


def _here(store: Store, names: list[str]) -> dict[str, int]:
    paths = {name: store.object_path(name) for name in names}
    return {name: path.stat().st_size for name, path in paths.items() if path.is_file()}


def _refuse_damaged(store: Store, names: list[str], named: Named) -> None:
    damaged = [{**named.others, **named.needed}[name] for name in names if not store.sound(name)]
    if damaged:
        raise OutsideError(
            f"the stored object of {damaged[0]} is damaged" + (f", and {len(damaged) - 1} more" if damaged[1:] else ""),
            "run `prodabuild verify`: it heals what can be healed; nothing was sent",
        )
