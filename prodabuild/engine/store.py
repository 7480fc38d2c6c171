"""Content-addressed objects in DVC's own layout: `files/md5/ab/cdef...`, read-only, written once.

One copy serves both tools: what the engine stores, `dvc push` sends. A name is only ever given to complete
bytes (temporary file beside the objects, then rename), so a crash leaves no half object.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import canonical, change_digest, md5, sha256
from prodabuild.errors import OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class Stored(NamedTuple):
    """One output file of a unit: path below `build/`, DVC's md5, identity, size in bytes."""

    path: str
    md5: str
    sha256: str
    size: int


class Store:
    """The objects below one cache folder (`.dvc/cache`, or `.prodabuild/cache` in a repo without DVC).

    `copies` is the folder where outputs lie for their users: an object that is lost is taken back from there.
    """

    def __init__(self, root: Path, copies: Path) -> None:
        self.root = root
        self.copies = copies
        self._objects = root / "files" / "md5"
        # Repos may share a cache: what this one leaves half written is its own to remove.
        self._temporary = root / "prodabuild-tmp" / md5(os.fsencode(copies))

    def object_path(self, name: str) -> Path:
        """Return where the object with this md5 lies, or would lie."""
        return self._objects / name[:2] / name[2:]

    def put(self, path: str, data: bytes) -> Stored:
        """Store bytes as the output file `path` and return its row."""
        stored = Stored(path, md5(data), sha256(data), len(data))
        self._keep(stored.md5, data)
        return stored

    def put_folder(self, files: Mapping[str, Stored]) -> str:
        """Store a folder as DVC knows it, a list of its files by path, after their objects; returns its name.

        A list that is there vouches for the objects that it names.
        """
        name, data = tree_of((path, stored.md5) for path, stored in files.items())
        if not self._whole(self.object_path(name), len(data)):
            for stored in files.values():
                self.open(stored)
            self._keep(name, data)
        return name

    def has(self, stored: Stored) -> bool:
        """Tell whether the object is there with the right size."""
        return self._whole(self.object_path(stored.md5), stored.size)

    def open(self, stored: Stored) -> Path:
        """Return the object that holds an output; raises `OutsideError` when neither it nor its copy is whole."""
        if not self.has(stored):
            copy = self.copies / stored.path
            data = copy.read_bytes() if copy.is_file() else b""
            if md5(data) != stored.md5:
                raise OutsideError(
                    f"the stored object of {stored.path} is lost, and so is its copy",
                    f"remove {copy} and run the command again: it is built anew",
                )
            self.put(stored.path, data)
        return self.object_path(stored.md5)

    def get(self, stored: Stored) -> bytes | None:
        """Return an object's bytes, or None when it is missing or its content is not what its name says."""
        try:
            data = self.object_path(stored.md5).read_bytes()
        except FileNotFoundError:
            return None
        return data if len(data) == stored.size and md5(data) == stored.md5 else None

    def fresh(self, stored: Stored) -> bytes:
        """Return the bytes of an object that was stored a moment ago."""
        return self.object_path(stored.md5).read_bytes()

    def discard(self, stored: Stored) -> None:
        """Remove a damaged object, so that the next `put` or pull brings a whole one."""
        self.object_path(stored.md5).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed process left half written. The caller holds the repo's lock."""
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _keep(self, name: str, data: bytes) -> None:
        target = self.object_path(name)
        if not self._whole(target, len(data)):
            temporary = self._temporary_name(name)
            temporary.write_bytes(data)
            self._publish(temporary, target)

    def _publish(self, temporary: Path, target: Path) -> None:
        os.chmod(temporary, 0o444)
        try:
            os.replace(temporary, target)
        except FileNotFoundError:
            make_folder(target.parent)
            os.replace(temporary, target)

    def _temporary_name(self, name: str) -> Path:
        make_folder(self._temporary)
        return self._temporary / f"{name}.{os.getpid()}"

    @staticmethod
    def _whole(path: Path, size: int) -> bool:
        try:
            return os.stat(path).st_size == size
        except FileNotFoundError:
            return False


def tree_of(files: Iterable[tuple[str, str]]) -> tuple[str, bytes]:
    """Return the name and the bytes of the object that stands for a folder, from the paths and md5s of its files."""
    data = json.dumps([{"md5": name, "relpath": path} for path, name in sorted(files)]).encode()
    return md5(data) + ".dir", data


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. In a shared one (its setgid bit tells) they are as open as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    mode = folder.parent.stat().st_mode
    if mode & stat.S_ISGID:
        folder.chmod(stat.S_IMODE(mode))


def place(target: Path, data: bytes, scratch: Path) -> None:
    """Put bytes at `target`, replacing whatever is there in one step; `scratch` is on the same file system."""
    scratch.mkdir(parents=True, exist_ok=True)
    temporary = scratch / f"{target.name}.{os.getpid()}"
    temporary.write_bytes(data)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(temporary, target)


def output_digest(files: tuple[Stored, ...], summary: bytes = b"null") -> bytes:
    """Return the digest of a unit's output: paths and identities of its files, and what is said of them."""
    return change_digest(canonical(sorted((stored.path, stored.sha256) for stored in files)) + summary)
