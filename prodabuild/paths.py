"""Strings of others as paths, and files of others as bytes: the one place where either is believed.

A lock, a journal, a list of objects, a manifest, an import or a model may name any path. `inside` turns such a string
into a path below a root, or raises. No other function joins a string from outside the program to a folder. A FIFO, a
socket or a device is never opened: it could block for ever or never end.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from io import FileIO
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.errors import ProjectError

if TYPE_CHECKING:
    from pathlib import Path

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255  # of one file or folder, on every common file system
MAX_FILE_BYTES = 1 << 30  # of a file that is read whole

_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LINK_HINT = "remove it: prodabuild follows no link there"
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}


class UnsafePathError(ProjectError):
    """A string names no path inside its root."""


class NotRegularError(ProjectError):
    """There is something other than a regular file at a path: `kind` says in words what."""

    kind = "a device"


class Refusal(NamedTuple):
    """Why a string is not a path inside a root: a problem code, a message, a hint."""

    code: str
    message: str
    hint: str


def refusal(text: object) -> Refusal | None:
    """Return why a string cannot be a path inside any root, None when it can. The disk is not looked at."""
    if not isinstance(text, str) or not text:
        return Refusal("M020", f"{text!r} is not a path", "a path is text, and not empty")
    if text.startswith("/") or "\\" in text or re.match(r"[A-Za-z]:", text):
        hint = "write it relative to the repository, with forward slashes"
        return Refusal("M020", f"{text!r} is not a path inside the repository", hint)
    if CONTROL.search(text):
        return Refusal("M020", f"{text!r} holds a control character", "name the file without it")
    names = text.split("/")
    if ".." in names:
        return Refusal("M021", f"{text!r} leaves the repository", "paths may not contain `..`")
    if len(text) > MAX_NAME_BYTES // 4 and (
        len(os.fsencode(text)) > MAX_PATH_BYTES or any(len(os.fsencode(name)) > MAX_NAME_BYTES for name in names)
    ):
        short = f"{text[:60]}..."
        return Refusal("M020", f"{short!r} is too long for a path", f"at most {MAX_PATH_BYTES} bytes")
    return None


def inside(root: Path, text: object) -> Path:
    """Return the path below `root` that a string from outside the program names; raises `UnsafePathError`.

    Refused are absolute paths, `..`, control characters, overlong names, and a symbolic link anywhere on the way or at
    the end. Nothing need exist there. `root` itself is trusted.
    """
    refused = refusal(text)
    if refused:
        raise UnsafePathError(refused.message, refused.hint)
    path = root / str(text)
    linked = link_on_the_way(root, path)
    if linked:
        raise UnsafePathError(f"{linked} is a symbolic link", LINK_HINT)
    return path


def link_on_the_way(root: Path, path: Path) -> Path | None:
    """Return the first symbolic link between a root (left out) and a path below it (looked at, too)."""
    here, whole = os.fspath(root), os.fspath(path)
    if not whole.startswith(f"{here}/"):
        whole = os.path.join(here, path.relative_to(root))
    for name in whole[len(here) :].split("/"):  # not by `Path`: every file that is placed comes by
        if name not in ("", "."):
            here = f"{here}/{name}"
            try:
                if stat.S_ISLNK(os.lstat(here).st_mode):
                    return type(path)(here)
            except (FileNotFoundError, NotADirectoryError):
                return None
    return None


def owned_folder(root: Path, text: str) -> Path:
    """Return a folder that the tool owns, made if it is not there, no link followed; raises `UnsafePathError`."""
    folder = inside(root, text)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_md5(name: object) -> bool:
    """Tell whether a string is the name of an object in DVC's layout: 32 hex digits, `.dir` after those of a folder."""
    return isinstance(name, str) and _MD5.fullmatch(name) is not None


def is_sha256(name: object) -> bool:
    """Tell whether a string is a sha256 in lower-case hex."""
    return isinstance(name, str) and _SHA256.fullmatch(name) is not None


def is_regular(path: Path) -> bool:
    """Tell whether a regular file is at a path, behind links if need be."""
    with suppress(OSError, ValueError):
        return stat.S_ISREG(os.stat(path).st_mode)
    return False


def read_regular(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of a regular file; raises `NotRegularError`, `ProjectError` above the limit, or OSError."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise too_large(path, os.fstat(file.fileno()).st_size, limit)
        data = file.readall()
    if len(data) > limit:  # it has grown, or its size is not what the system says
        raise too_large(path, len(data), limit)
    return data


def read_whole(path: Path) -> bytes:
    """Return the bytes of a regular file of any size: an object, or what this program made."""
    with open_regular(path) as file:
        return file.readall()


def open_regular(path: Path) -> FileIO:
    """Open a regular file to read it, unbuffered; raises `NotRegularError`, or OSError."""
    require_regular(path, os.stat(path))
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # what replaced it meanwhile does not block
    file = FileIO(handle)
    try:
        require_regular(path, os.fstat(handle))
    except BaseException:
        file.close()
        raise
    return file


def source(root: Path, text: str) -> Path:
    """Return the path of a file of a repository; raises `UnsafePathError` where a link leads out of the repository."""
    path = root / text
    if link_on_the_way(root, path) and leaves(root, path):
        raise UnsafePathError(
            f"{text!r} leads outside the repository", "replace the symbolic link by what it points to"
        )
    return path


def leaves(root: Path, path: Path) -> bool:
    """Tell whether a path leads out of a root, or through links that end nowhere."""
    try:
        return not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return True


def named(root: Path, path: Path) -> Path:
    """Return a path that a command line names; raises `UnsafePathError` for a link of the repository that leaves it.

    A path elsewhere is the user's word; what lies in a repository may be anybody's.
    """
    plain = type(path)(os.path.abspath(path))
    if plain.is_relative_to(root):
        source(root, plain.relative_to(root).as_posix())
    return path


def read_source(root: Path, text: str, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of a regular file of a repository, behind links that stay in it if need be."""
    return read_regular(source(root, text), limit)


def too_large(path: Path, size: int, limit: int) -> ProjectError:
    """Return the error about a file that is larger than what is read of it."""
    return ProjectError(f"{path} has {size} bytes; at most {limit} are read", "make it smaller")


def require_regular(path: Path, found: os.stat_result) -> None:
    """Raise `NotRegularError` unless what was found at a path is a regular file."""
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), NotRegularError.kind)
        error = NotRegularError(f"{path} is {kind}, not a regular file", "replace it by a file, or remove it")
        error.kind = kind
        raise error
