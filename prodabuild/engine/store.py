"""Content-addressed objects in DVC's own layout: `files/md5/ab/cdef...`, read-only, written once.

One copy serves both tools: what the engine stores, `dvc push` sends. A name is only ever given to complete
bytes (temporary file beside the objects, then rename), so a crash leaves no half object.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.digest import canonical, change_digest, file_md5, md5, sha256
from prodabuild.errors import OutsideError

if TYPE_CHECKING:
    from pathlib import Path


class Stored(NamedTuple):
    """One output file of a unit: path below `build/`, DVC's md5, identity, size in bytes."""

    path: str
    md5: str
    sha256: str
    size: int


class LostOutputError(OutsideError):
    """A unit's output is whole neither in the store nor in `build/`: it must be built again."""


class Store:
    """The objects below one cache folder (`.dvc/cache`, or `.prodabuild/cache` in a repo without DVC).

    `copies` is the folder where outputs lie for their users: an object that is lost or damaged is taken back from
    there, and its path is kept for `take_recovered`.
    """

    def __init__(self, root: Path, copies: Path) -> None:
        self.root = root
        self.copies = copies
        self._recovered: list[str] = []
        self._objects = root / "files" / "md5"
        self._temporary = root / "prodabuild-tmp"

    def object_path(self, name: str) -> Path:
        """Return where the object with this md5 lies, or would lie."""
        return self._objects / name[:2] / name[2:]

    def put(self, path: str, data: bytes) -> Stored:
        """Store bytes as the output file `path` and return its row."""
        stored = Stored(path, md5(data), sha256(data), len(data))
        target = self.object_path(stored.md5)
        if not (self.has(stored) and target.read_bytes() == data):
            temporary = self._temporary_name(stored.md5)
            write_whole(temporary, data, target)
            self._publish(temporary, target)
        return stored

    def has(self, stored: Stored) -> bool:
        """Tell whether the object is there with the right size: enough to plan with, not to use it."""
        try:
            return os.stat(self.object_path(stored.md5)).st_size == stored.size
        except FileNotFoundError:
            return False

    def whole(self, stored: Stored) -> bool:
        """Tell whether the object's content is what its name says."""
        return self.has(stored) and file_md5(self.object_path(stored.md5)) == stored.md5

    def has_copy(self, stored: Stored) -> bool:
        """Tell whether the object could be taken back from `build/`."""
        return self._read(self.copies / stored.path, stored) is not None

    def open(self, stored: Stored) -> Path:
        """Return the whole object that holds an output; raises `LostOutputError` when neither it nor its copy is."""
        if not self.whole(stored) and not self.recover(stored):
            raise LostOutputError(
                f"the stored object of {stored.path} is damaged or gone, and so is its copy",
                "run the command again: it is built anew",
            )
        return self.object_path(stored.md5)

    def get(self, stored: Stored) -> bytes | None:
        """Return an output's bytes, or None when neither the object nor its copy is whole."""
        data = self._read(self.object_path(stored.md5), stored)
        if data is None and self.recover(stored):
            return self.fresh(stored)
        return data

    def peek(self, stored: Stored) -> bytes | None:
        """Return an output's bytes, from its object or from its copy; mend neither."""
        data = self._read(self.object_path(stored.md5), stored)
        return self._read(self.copies / stored.path, stored) if data is None else data

    def recover(self, stored: Stored, *others: Path) -> bool:
        """Replace a lost or damaged object by its copy (or by another file that should be the same).

        Without a whole one the object is removed, so that the next `put` or pull brings it.
        """
        for copy in (self.copies / stored.path, *others):
            data = self._read(copy, stored)
            if data is not None:
                self.put(stored.path, data)
                self._recovered.append(stored.path)
                return True
        self.discard(stored)
        return False

    def fresh(self, stored: Stored) -> bytes:
        """Return the bytes of an object that was stored a moment ago."""
        return self.object_path(stored.md5).read_bytes()

    def take_recovered(self) -> tuple[str, ...]:
        """Return the outputs whose objects were taken back since it was asked last."""
        taken = tuple(self._recovered)
        self._recovered.clear()
        return taken

    def discard(self, stored: Stored) -> None:
        """Remove an object."""
        self.object_path(stored.md5).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed process left half written. The caller holds the repo's lock."""
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _publish(self, temporary: Path, target: Path) -> None:
        os.chmod(temporary, 0o444)
        try:
            os.replace(temporary, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, target)

    def _temporary_name(self, name: str) -> Path:
        self._temporary.mkdir(parents=True, exist_ok=True)
        return self._temporary / f"{name}.{os.getpid()}"

    @staticmethod
    def _read(path: Path, stored: Stored) -> bytes | None:
        """Return the bytes of a file that holds what was stored, None when it does not."""
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        return data if len(data) == stored.size and md5(data) == stored.md5 else None


def place(target: Path, data: bytes, scratch: Path, durable: bool = False) -> None:
    """Put bytes at `target`, replacing whatever is there in one step; `scratch` is on the same file system.

    With `durable` they survive a power failure, too.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    temporary = scratch / f"{target.name}.{os.getpid()}"
    write_whole(temporary, data, target, durable)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(temporary, target)


def writer_lives(temporary: Path) -> bool:
    """Tell whether the process that writes a temporary file is there; an import needs no lock, so it may be."""
    number = temporary.name.rpartition(".")[2]
    if not number.isdecimal() or int(number) in (0, os.getpid()):
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def write_whole(temporary: Path, data: bytes, target: Path, durable: bool = False) -> None:
    """Write a temporary file, or leave none; what goes wrong is said of the target that it is to become."""
    try:
        with temporary.open("wb") as handle:
            handle.write(data)
            if durable:
                handle.flush()
                os.fsync(handle.fileno())
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(target)) from error


def output_digest(files: tuple[Stored, ...], summary: bytes = b"null") -> bytes:
    """Return the digest of a unit's output: paths and identities of its files, and what is said of them."""
    return change_digest(canonical(sorted((stored.path, stored.sha256) for stored in files)) + summary)
