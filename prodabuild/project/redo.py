"""Files that change together: what is to be written is noted first, and the next command finishes what was killed.

The note is there only while its writer holds the lock, or is dead. So whoever finds one waits for a moment at most. It
is carried out only where its code proves that this clone wrote it; what is damaged or forged is set aside.
"""

from __future__ import annotations

import binascii
import os
from base64 import b64decode, b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import file_sha256, sha256
from prodabuild.engine.clone import PRIVATE as PRIVATE
from prodabuild.engine.clone import claim, examine
from prodabuild.engine.guard import writing
from prodabuild.engine.store import place, remove_file
from prodabuild.errors import ProjectError
from prodabuild.events import Note
from prodabuild.knowledge.files import SUFFIXES
from prodabuild.paths import inside, is_sha256, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prodabuild.events import Emit

NOTE = f"{PRIVATE}/redo.json"
DAMAGED = f"{PRIVATE}/redo.damaged"


class Write(NamedTuple):
    """What becomes of one file: the digest of what it holds before, and its new bytes (None: it is not there)."""

    file: str
    before: str | None
    data: bytes | None


class Folding(NamedTuple):
    """A patch on its way into the knowledge, and the operations that each file takes in."""

    patch: str
    writes: tuple[Write, ...]
    ops: Mapping[str, dict[str, int]]


@contextmanager
def exclusive(root: Path, who: str, emit: Emit) -> Iterator[Folding | None]:
    """Be the one writer of a data repo; gives what a writer that was killed had left, and is finished now.

    Raises `ProjectError` where the state of this machine comes from elsewhere (see `examine`).
    """
    examine(root)
    with writing(root / PRIVATE / "lock", who, emit):
        yield _finish(root, claim(root, emit), emit)


def finish(root: Path, emit: Emit) -> bool:
    """Finish what a writer that was killed has left, for one who is about to read the sources.

    Returns whether the state may be believed; raises `ProjectError` where it comes from elsewhere.
    """
    believed = examine(root)
    if believed and os.path.lexists(root / NOTE):
        with exclusive(root, "prodabuild", emit):
            pass
    return believed


def fold(
    root: Path, patch: str, contents: Mapping[str, bytes], ops: Mapping[str, dict[str, int]], emit: Emit
) -> Folding:
    """Write files (those without bytes are removed) so that all of them change, or none. The caller holds the lock."""
    writes = tuple(Write(file, _digest(root, file), data or None) for file, data in contents.items())
    folding = Folding(patch, writes, ops)
    place(root, NOTE, _encode(folding, claim(root, emit)), root / PRIVATE / "tmp", durable=True)
    _write(root, folding)
    return folding


def _finish(root: Path, token: bytes, emit: Emit) -> Folding | None:
    if not os.path.lexists(root / NOTE):
        return None
    try:
        folding = _decode(read_regular(root / NOTE), token)
    except ProjectError:  # larger than any note
        folding = None
    if folding is None:
        os.replace(root / NOTE, root / DAMAGED)
        emit(Note(f"{NOTE} is damaged or not of this clone: set aside as {DAMAGED}, nothing was done", warning=True))
        return None
    for file, before, data in folding.writes:
        if _digest(root, file) not in (before, data and sha256(data)):
            raise ProjectError(
                f"{file} was edited after `patch apply {folding.patch}` had been killed",
                f"undo that edit, so that the patch can be folded to its end; or remove {NOTE}: files stay as they are",
            )
    _write(root, folding)
    emit(Note(f"finished `patch apply {folding.patch}`, which had been killed"))
    return folding


def _write(root: Path, folding: Folding) -> None:
    for file, _, data in folding.writes:
        if data is None:
            remove_file(root, file)
        elif _digest(root, file) != sha256(data):
            place(root, file, data, root / PRIVATE / "tmp", durable=True)
    remove_file(root, NOTE)


def _digest(root: Path, file: str) -> str | None:
    """Return the digest of a file that a patch may change, None when it is not there; raises `UnsafePathError`."""
    path = inside(root, _foldable(file))
    return file_sha256(path) if path.exists() else None


def _foldable(file: object) -> str:
    """Return the path of a file that a fold may write: a patch, or a file of knowledge; raises ValueError."""
    if (
        not isinstance(file, str)
        or not file.endswith(SUFFIXES)
        or any(part[:1] in (".", "") for part in file.split("/"))
    ):
        raise ValueError(f"{file!r} is no file of knowledge and no patch")
    return str(file)


def _encode(folding: Folding, token: bytes) -> bytes:
    rows = [(file, before, data and b64encode(data).decode()) for file, before, data in folding.writes]
    body = orjson.dumps({"patch": folding.patch, "writes": rows, "ops": folding.ops})
    return _code_of(body, token) + b" " + body


def _decode(data: bytes, token: bytes) -> Folding | None:
    """Return what a note says; None for one that is damaged, or was not written with this token."""
    code, _, body = data.partition(b" ")
    if code != _code_of(body, token):
        return None
    try:
        document = orjson.loads(body)
        writes = tuple(_write_of(row) for row in document["writes"])
        ops = {str(file): {str(kind): int(n) for kind, n in found.items()} for file, found in document["ops"].items()}
        return Folding(str(document["patch"]), writes, ops)
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        return None


def _write_of(row: Any) -> Write:
    """Return one row of a note, every part of it checked; raises ValueError or TypeError."""
    file, before, new = row
    if before is not None and not is_sha256(before):
        raise ValueError(f"{before!r} is not a digest")
    return Write(_foldable(file), before, None if new is None else b64decode(new, validate=True))


def _code_of(body: bytes, token: bytes) -> bytes:
    import hmac  # most runs find no note

    return hmac.digest(token, body, "sha256").hex().encode()
