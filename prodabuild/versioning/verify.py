"""Verify all that a repository keeps: every object of the cache, every entry of both locks, every file in `build/`.

What is damaged is healed from its copy in `build/`, from the lock (lists of folders), from the remote, and, when asked
for, by building it again. An object that nothing heals is removed: under its name it is worth less than nothing.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from prodabuild.digest import file_sha256
from prodabuild.engine import lockfile
from prodabuild.engine.database import DamagedStateError, translated
from prodabuild.engine.dvccache import dvc_folder
from prodabuild.engine.state import State
from prodabuild.engine.store import tree_of
from prodabuild.errors import OutsideError, UsageError
from prodabuild.events import Note
from prodabuild.paths import is_regular, read_whole
from prodabuild.project.locking import LOCK
from prodabuild.project.pipeline import BUILD
from prodabuild.project.project import shown
from prodabuild.project.redo import exclusive
from prodabuild.project.session import STATE, workspace
from prodabuild.versioning.gc import objects_in
from prodabuild.versioning.named import every_version, objects_of, placed_files, present_version, trees_named
from prodabuild.versioning.rebuild import rebuild, target_of
from prodabuild.versioning.worktree import clear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from prodabuild.engine.store import Store, Stored
    from prodabuild.events import Emit
    from prodabuild.project import Options, Project, VerifyReport
    from prodabuild.versioning.named import Version


@dataclass
class _Found:
    """Objects that are damaged or gone, and those of them that are whole again; how many were looked at."""

    objects: int = 0
    damaged: set[str] = field(default_factory=set)
    healed: set[str] = field(default_factory=set)

    @property
    def lost(self) -> list[str]:
        """Return what is not healed."""
        return sorted(self.damaged - self.healed)


def verify(project: Project, options: Options, again: bool = False) -> VerifyReport:
    """Verify everything and heal what can be healed.

    With `again` what is lost is built again, in every version, and so is every data unit, to be compared.
    """
    started = time.monotonic()
    root, store = project.root, workspace(project.root).store
    clear(root)
    with exclusive(root, "prodabuild verify", options.emit):
        found = _look(root, store)
        _heal(root, store, found, options.emit)
        for name in found.lost:
            store.remove(name)
        needed = _needed_by(root, store, found.lost)
        units, recorded = _stale(root, store)
    first = last = project.verify(options, prove=again)
    if again and (found.lost or first.lost):
        _build_again(project, options, needed.values())
        last = project.verify(options)
        found.healed.update(name for name in found.lost if store.sound(name))
    paths = {name: shown(root, store.object_path(name)) for name in sorted(found.damaged)}
    lost = {paths[name] for name in found.lost}
    healed = {*paths.values(), *first.healed, *(first.damaged if last is not first and not last.lost else ())} - lost
    damaged = tuple(dict.fromkeys([*paths.values(), *first.damaged]))
    return replace(
        last,
        objects=found.objects,
        damaged=damaged,
        healed=tuple(path for path in damaged if path in healed),
        stale=tuple(sorted({*last.stale, *units})),
        recorded=tuple(recorded),
        proved=first.proved,
        refuted=first.refuted,
        needed=tuple((paths[name], needed[name].name) for name in found.lost if name in needed),
        seconds=time.monotonic() - started,
    )


def _look(root: Path, store: Store) -> _Found:
    """Read every object of the cache; what the last build stands on, or DVC's record of it names, has to be there."""
    found = _Found()
    for name, _ in objects_in(store.root):
        found.objects += 1
        if not store.sound(name):
            found.damaged.add(name)
    gone = {name for name in _expected(root, store) if not store.object_path(name).is_file()}
    found.damaged |= gone
    found.objects += len(gone)
    return found


def _expected(root: Path, store: Store) -> set[str]:
    version = present_version(root)
    clean = {stored.md5 for stored in _clean(root).values()}
    lists = {name for name, (path, _) in trees_named(version).items() if (root / path).is_dir()}
    laid = {name for path, name in placed_files(version, store).items() if (root / path).is_file()}
    return clean | (lists | laid if clean else set())


def _clean(root: Path) -> dict[str, Stored]:
    """Return the files of the clean units, by path below `build/`."""
    try:
        with translated(root / STATE), closing(State(root / STATE, writable=False)) as state:
            return {stored.path: stored for _, files in state.outputs() for stored in files}
    except DamagedStateError:  # set aside by the next build, or by what follows here
        return {}


def _heal(root: Path, store: Store, found: _Found, emit: Emit) -> None:
    if not found.damaged:
        return
    versions = every_version(root)
    ways: tuple[Callable[[], Iterable[str]], ...] = (
        lambda: _from_copies(root, versions[0], store, found.lost),
        lambda: _from_locks(versions, store, found.lost),
        lambda: _from_remote(root, store, found.lost, emit),
    )
    for way in ways:
        if found.lost:
            found.healed.update(way())


def _from_copies(root: Path, version: Version, store: Store, lost: Iterable[str]) -> list[str]:
    """Take objects back from the files in `build/`."""
    copies: dict[str, list[Path]] = {name: [] for name in lost}
    for path, name in placed_files(version, store).items():
        if name in copies:
            copies[name].append(root / path)
    for path, stored in _clean(root).items():
        if stored.md5 in copies:
            copies[stored.md5].append(store.copies / path)
    return [name for name, paths in copies.items() if any(_accepts(store, name, path) for path in paths)]


def _accepts(store: Store, name: str, path: Path) -> bool:
    return is_regular(path) and store.take(name, read_whole(path))


def _from_locks(versions: Iterable[Version], store: Store, lost: Iterable[str]) -> list[str]:
    """Write lists of folders again from what `proda.lock` says of the files."""
    lists = {name: files for version in versions for name, (_, files) in trees_named(version).items()}
    healed = []
    for name in lost:
        again, data = tree_of(lists.get(name, {}).items())
        if again == name:
            healed += [name] if store.take(name, data) else []
    return healed


def _from_remote(root: Path, store: Store, lost: list[str], emit: Emit) -> list[str]:
    from prodabuild.versioning.remote import fetch, open_remote

    if dvc_folder(root) is None:
        return []
    try:
        came = fetch(open_remote(root), store, lost, emit)
    except (OutsideError, UsageError) as error:
        emit(Note(f"no remote heals what is damaged: {error.message}"))
        return []
    return [name for name, whole in came.items() if whole]


def _needed_by(root: Path, store: Store, lost: list[str]) -> dict[str, Version]:
    """Return a version that needs each lost object, the one in the work tree first."""
    found: dict[str, Version] = {}
    for version in every_version(root) if lost else ():
        for name in objects_of([version], store).needed.keys() & set(lost):
            found.setdefault(name, version)
    return found


def _stale(root: Path, store: Store) -> tuple[list[str], list[str]]:
    """Return the units in `proda.lock`, and the folders in `dvc.lock`, that stand there with other contents."""
    version, clean = present_version(root), _clean(root)
    units = [
        unit
        for unit, entry in lockfile.read(root / LOCK).items()
        if any(path not in clean and _differs(store, file) for path, file in lockfile.files_of(entry).items())
    ]
    recorded = []
    for name, (folder, named) in trees_named(version).items():
        below = f"{folder}/".removeprefix(f"{BUILD}/")
        made = {path.removeprefix(below): stored.md5 for path, stored in clean.items() if path.startswith(below)}
        if made and named.keys() == made.keys() and tree_of(made.items())[0] != name:
            recorded.append(folder)
    return units, recorded


def _differs(store: Store, file: Mapping[str, Any]) -> bool:
    path = store.object_path(file["md5"])
    return path.is_file() and (path.stat().st_size, file_sha256(path)) != (file["size"], file["sha256"])


def _build_again(project: Project, options: Options, versions: Iterable[Version]) -> None:
    """Build what is lost: in the work tree, and in each version beside it."""
    target = target_of(lockfile.read(project.root / LOCK))
    if target == "results":
        project.test(replace(options, to=target))
    else:
        project.compile(replace(options, to=target))
    for commit in sorted({version.commit for version in versions} - {""}):
        rebuild(project.root, commit, options)
