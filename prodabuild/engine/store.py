"""Content-addressed objects in DVC's own layout: `files/md5/ab/cdef...`, read-only, written once.

One copy serves both tools: what the engine stores, `dvc push` sends. A name is only ever given to complete
bytes (temporary file beside the objects, then rename), so a crash leaves no half object. All that the package writes,
replaces or removes in a repository goes through the functions below: they follow no symbolic link.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import orjson

from prodabuild.digest import canonical, change_digest, file_md5, md5, sha256
from prodabuild.errors import OutsideError
from prodabuild.paths import (
    LINK_HINT,
    UnsafePathError,
    inside,
    is_md5,
    is_regular,
    link_on_the_way,
    read_regular,
    read_whole,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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
        # Repos may share a cache: what this one leaves half written is its own to remove.
        self._temporary = root / "prodabuild-tmp" / md5(os.fsencode(copies))

    def object_path(self, name: str) -> Path:
        """Return where the object with this md5 lies, or would lie; raises `UnsafePathError` for another name."""
        if not is_md5(name):
            raise UnsafePathError(f"{name!r} is not the name of an object", "an object is named by its md5")
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
        if not self._holds(name, data):
            for stored in files.values():
                self.secure(stored)
            self._keep(name, data)
        return name

    def secure(self, stored: Stored) -> None:
        """See to it that an object is there, without a look into it; raises `LostOutputError`."""
        if not self.has(stored) and not self.recover(stored):
            raise _lost(stored)

    def has(self, stored: Stored) -> bool:
        """Tell whether the object is there with the right size: enough to plan with, not to use it."""
        try:
            found = os.stat(self.object_path(stored.md5))
        except FileNotFoundError:
            return False
        return found.st_size == stored.size and stat.S_ISREG(found.st_mode)

    def whole(self, stored: Stored) -> bool:
        """Tell whether the object's content is what its name says."""
        return self.has(stored) and file_md5(self.object_path(stored.md5)) == stored.md5

    def has_copy(self, stored: Stored) -> bool:
        """Tell whether the object could be taken back from `build/`."""
        return self._read(self.copies / stored.path, stored) is not None

    def open(self, stored: Stored) -> Path:
        """Return the whole object that holds an output; raises `LostOutputError` when neither it nor its copy is."""
        if not self.whole(stored) and not self.recover(stored):
            raise _lost(stored)
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
        return read_whole(self.object_path(stored.md5))

    def sound(self, name: str) -> bool:
        """Tell whether an object is there and is what its name says."""
        path = self.object_path(name)
        return is_regular(path) and file_md5(path) == name.removesuffix(".dir")

    def files_of(self, name: str) -> dict[str, str]:
        """Return the md5s of the files that a folder's object lists, by path; nothing when it is gone or damaged."""
        try:
            data = read_regular(self.object_path(name))
        except FileNotFoundError:
            return {}
        return listed(data) if md5(data) == name.removesuffix(".dir") else {}

    def receiving(self, name: str) -> Path:
        """Return where an object that comes from elsewhere is to be written, for `receive`."""
        self.object_path(name)
        return self._temporary_name(name)

    def receive(self, name: str) -> bool:
        """Take in what was written at `receiving`; what is not the object of this name is thrown away."""
        temporary = self._temporary_name(name)
        if not is_regular(temporary) or file_md5(temporary) != name.removesuffix(".dir"):
            temporary.unlink(missing_ok=True)
            return False
        self._publish(temporary, self.object_path(name))
        return True

    def take(self, name: str, data: bytes) -> bool:
        """Take in an object by its bytes; tells whether they are those of this name."""
        if md5(data) != name.removesuffix(".dir"):
            return False
        self._keep(name, data)
        return True

    def take_recovered(self) -> tuple[str, ...]:
        """Return the outputs whose objects were taken back since it was asked last."""
        taken = tuple(self._recovered)
        self._recovered.clear()
        return taken

    def discard(self, stored: Stored) -> None:
        """Remove an object."""
        self.remove(stored.md5)

    def remove(self, name: str) -> None:
        """Remove the object of this name; raises `UnsafePathError` where a link leads there."""
        remove_file(self.root, self._below(self.object_path(name)))

    def sweep(self) -> None:
        """Remove what a killed process left half written. The caller holds the repo's lock."""
        remove_tree(self.root, self._below(self._temporary))

    def _keep(self, name: str, data: bytes) -> None:
        if not self._holds(name, data):
            temporary = self._temporary_name(name)
            write_whole(temporary, data, self.object_path(name))
            self._publish(temporary, self.object_path(name))

    def _holds(self, name: str, data: bytes) -> bool:
        """Tell whether an object has these bytes."""
        path = self.object_path(name)
        try:
            return os.stat(path).st_size == len(data) and read_whole(path) == data
        except FileNotFoundError:
            return False

    def _below(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _publish(self, temporary: Path, target: Path) -> None:
        _refuse_links(self.root, target.parent)
        os.chmod(temporary, 0o444)
        try:
            os.replace(temporary, target)
        except FileNotFoundError:
            make_folder(target.parent)
            os.replace(temporary, target)

    def _temporary_name(self, name: str) -> Path:
        _refuse_links(self.root, self._temporary)
        make_folder(self._temporary)
        return self._temporary / f"{name}.{os.getpid()}"

    @staticmethod
    def _read(path: Path, stored: Stored) -> bytes | None:
        """Return the bytes of a file that holds what was stored, None when it does not."""
        try:
            found = os.stat(path)
            data = read_whole(path) if found.st_size == stored.size and stat.S_ISREG(found.st_mode) else b""
        except (FileNotFoundError, NotADirectoryError):
            return None
        return data if len(data) == stored.size and md5(data) == stored.md5 else None


def _lost(stored: Stored) -> LostOutputError:
    return LostOutputError(
        f"the stored object of {stored.path} is damaged or gone, and so is its copy",
        "run the command again: it is built anew",
    )


def tree_of(files: Iterable[tuple[str, str]]) -> tuple[str, bytes]:
    """Return the name and the bytes of the object that stands for a folder, from the paths and md5s of its files."""
    data = json.dumps([{"md5": name, "relpath": path} for path, name in sorted(files)]).encode()
    return md5(data) + ".dir", data


def listed(data: bytes) -> dict[str, str]:
    """Return the md5s of a folder's files, by path, from the bytes of its object; nothing when they are not that.

    A list with one path or md5 that is none is no list: who made it is not to be believed in the rest.
    """
    try:
        found = {row["relpath"]: row["md5"] for row in orjson.loads(data)}
    except (ValueError, TypeError, KeyError):
        return {}
    sound = all(is_md5(name) and not name.endswith(".dir") and not refusal(path) for path, name in found.items())
    return found if sound else {}


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. In a shared one (its setgid bit tells) they are as open as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    mode = folder.parent.stat().st_mode
    if mode & stat.S_ISGID:
        folder.chmod(stat.S_IMODE(mode))


def place(root: Path, text: str, data: bytes, scratch: Path, durable: bool = False, over_link: bool = False) -> None:
    """Put bytes at a path below `root`, replacing whatever is there in one step; `scratch` is on the same file system.

    With `durable` they survive a power failure, too; with `over_link` a link at the path's end is replaced. Any other
    link at or on the way to either place raises `UnsafePathError`.
    """
    target = root / text
    inside(root, os.path.dirname(text) or "." if over_link else text)
    if os.fspath(scratch).startswith(f"{root}/"):
        _refuse_links(root, scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    temporary = scratch / f"{target.name}.{os.getpid()}"
    write_whole(temporary, data, target, durable)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(temporary, target)


def remove_file(root: Path, text: str) -> None:
    """Remove a file, or a link, below `root` if it is there; a link on the way raises `UnsafePathError`."""
    inside(root, os.path.dirname(text) or ".")
    with suppress(FileNotFoundError, NotADirectoryError):  # a file may stand where its folder was
        os.unlink(root / text)


def remove_tree(root: Path, text: str) -> None:
    """Remove a folder below `root`, as far as the system allows; a link in its place raises `UnsafePathError`."""
    shutil.rmtree(inside(root, text), ignore_errors=True)


def fresh_folder(root: Path, text: str) -> Path:
    """Return an empty folder below `root`: what was in it is removed."""
    remove_tree(root, text)
    folder = root / text
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _refuse_links(root: Path, path: Path) -> None:
    linked = link_on_the_way(root, path)
    if linked:
        raise UnsafePathError(f"{linked} is a symbolic link", LINK_HINT)


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
        with _begin(temporary) as handle:
            handle.write(data)
            if durable:
                handle.flush()
                os.fsync(handle.fileno())
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(target)) from error


def _begin(temporary: Path) -> BinaryIO:
    """Open a new file to write it; what was left in its place, a link perhaps, is removed."""
    try:
        return temporary.open("xb")
    except FileExistsError:
        temporary.unlink()
        return temporary.open("xb")


def output_digest(files: tuple[Stored, ...], summary: bytes = b"null") -> bytes:
    """Return the digest of a unit's output: paths and identities of its files, and what is said of them."""
    return change_digest(canonical(sorted((stored.path, stored.sha256) for stored in files)) + summary)
