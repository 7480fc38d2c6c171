"""What a version names: its locks, at a commit or in the work tree, and the objects that stand in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine import lockfile
from prodabuild.engine.dvcfile import LOCK as DVC_LOCK
from prodabuild.engine.dvcfile import PIPELINE, lock_outs, parse_stages
from prodabuild.paths import read_source
from prodabuild.project.locking import ACCEPTED, LOCK
from prodabuild.project.pipeline import BUILD, built, normal, read_command
from prodabuild.versioning.git import Ref, all_refs, blobs, git, in_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from prodabuild.engine.store import Store

PRESENT = "the work tree"
_LOCKS = (LOCK, DVC_LOCK, PIPELINE)


class Version(NamedTuple):
    """A version by its name, its locks by their path in the data repo, its commit ("" for the work tree)."""

    name: str
    files: Mapping[str, bytes]
    commit: str = ""


class Named(NamedTuple):
    """Objects by name, each with what it is: `needed` by the version, `others` of stages that prodabuild does not run.

    Those others, and the results of the accepted version, are sent and fetched where they are; nobody misses them.
    """

    needed: dict[str, str]
    others: dict[str, str]

    def trees(self) -> list[str]:
        """Return the objects that list the files of a folder."""
        return [name for name in (*self.needed, *self.others) if name.endswith(".dir")]

    def all(self) -> list[str]:
        """Return all objects, files before the folders that list them: who finds a list relies on it."""
        return sorted({**self.needed, **self.others}, key=lambda name: (name.endswith(".dir"), name))


def is_lock(path: str) -> bool:
    """Tell whether a file may name objects, or says how those that do are to be read."""
    return path.rpartition("/")[2] in _LOCKS or path.endswith(".dvc")


def present_version(root: Path) -> Version:
    """Return the version in the work tree."""
    paths = {name for name in _LOCKS if (root / name).is_file()}
    if in_git(root):
        listed = os.fsdecode(git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "*.dvc"))
        paths |= {path for path in listed.split("\0") if path and (root / path).is_file()}
    return Version(PRESENT, {path: read_source(root, path) for path in sorted(paths)})


def version_at(root: Path, ref: Ref) -> Version:
    """Return the version at a commit."""
    listed = os.fsdecode(git(root, "ls-tree", "-r", "-z", ref.commit))
    rows = (row.partition("\t") for row in listed.split("\0") if row)
    ids = {path: head.split(" ")[2] for head, _, path in rows if is_lock(path)}
    found = dict(zip(ids, blobs(root, ids.values()), strict=True))
    return Version(ref.name, {path: data for path, data in found.items() if data is not None}, ref.commit)


def every_version(root: Path) -> list[Version]:
    """Return the version in the work tree, and those with a lock that git has refs to, each once."""
    refs = {ref.commit: ref for ref in reversed(all_refs(root))} if in_git(root) else {}
    found = [present_version(root)]
    for ref in reversed(refs.values()):
        version = version_at(root, ref)
        if {LOCK, DVC_LOCK} & version.files.keys() and all(version.files != other.files for other in found):
            found.append(version)
    return found


def objects_of(versions: Iterable[Version], store: Store) -> Named:
    """Return the objects that versions name, files of folders included as far as their lists are in the store."""
    named = Named({}, {})
    for version in versions:
        of = "" if version.name == PRESENT else f" of {version.name}"
        for needed, path, name in (*_units(version), *_outputs(version)):
            (named.needed if needed else named.others).setdefault(name, f"{path}{of}")
    for group in named:
        for tree, what in [(name, what) for name, what in group.items() if name.endswith(".dir")]:
            for path, name in store.files_of(tree).items():
                group.setdefault(name, _inside(what, path))
    return Named(named.needed, {name: what for name, what in named.others.items() if name not in named.needed})


def placed_files(version: Version, store: Store) -> dict[str, str]:
    """Return the objects of the files in `build/` that a version names, by path in the repo."""
    found: dict[str, str] = {}
    for needed, path, name in (*_units(version), *_outputs(version)):
        files = {f"{path}/{inside}": file for inside, file in store.files_of(name).items()}
        found |= (files if name.endswith(".dir") else {path: name}) if needed else {}
    return {path: name for written, name in found.items() if built(path := normal(written) or "")}


def trees_named(version: Version) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the lists of folders that a version names: the folder, and its files by `proda.lock`."""
    files = {path: name for needed, path, name in _units(version) if needed}
    found = {}
    for needed, path, name in _outputs(version):
        below = f"{normal(path)}/"
        if needed and name.endswith(".dir"):
            inside = {file.removeprefix(below): md5 for file, md5 in files.items() if file.startswith(below)}
            found[name] = (below.removesuffix("/"), inside)
    return found


def _units(version: Version) -> list[tuple[bool, str, str]]:
    """Return, for every file that `proda.lock` names: is it of this version (or of the accepted one), path, object."""
    data = version.files.get(LOCK)
    found = []
    for name, entry in lockfile.parse(data, _called(LOCK, version)).items() if data is not None else ():
        own = not name.startswith(ACCEPTED)
        files = lockfile.files_of(entry if own else entry["results"])
        found += [(own, f"{BUILD}/{path}", file["md5"]) for path, file in files.items()]
    return found


def _outputs(version: Version) -> list[tuple[bool, str, str]]:
    """Return, for every output that DVC's files name: is it made by prodabuild, its path, its object."""
    stages = parse_stages(version.files.get(PIPELINE, b""), _called(PIPELINE, version))
    kept = {stage.name: {out.path for out in stage.outs if out.cached} for stage in stages if read_command(stage.cmd)}
    found = []
    for file, data in version.files.items():
        if file == DVC_LOCK or file.endswith(".dvc"):
            for stage, outs in lock_outs(data, _called(file, version)).items():
                ours = kept.get(stage) if file == DVC_LOCK else None
                rows = ((out["path"], out["md5"]) for out in outs)
                found += [(ours is not None, path, name) for path, name in rows if ours is None or path in ours]
    return found


def _called(file: str, version: Version) -> str:
    readable = os.fsencode(file).decode(errors="backslashreplace")
    return readable if version.name == PRESENT else f"{readable} of {version.name}"


def _inside(what: str, path: str) -> str:
    folder, of, version = what.partition(" of ")
    return f"{folder}/{path}{of}{version}"
