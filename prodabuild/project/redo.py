"""Files that change together: what is to be written is noted first, and the next command finishes what was killed.

The note is there only while its writer holds the lock, or is dead. So whoever finds one waits for a moment at most.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import orjson

from prodabuild.digest import file_sha256, sha256
from prodabuild.engine.guard import writing
from prodabuild.engine.store import place
from prodabuild.errors import ProjectError
from prodabuild.events import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prodabuild.events import Emit

PRIVATE = ".prodabuild"
NOTE = f"{PRIVATE}/redo.json"


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
    """Be the one writer of a data repo; gives what a writer that was killed had left, and is finished now."""
    with writing(root / PRIVATE / "lock", who, emit):
        yield _finish(root, emit)


def finish(root: Path, emit: Emit) -> None:
    """Finish what a writer that was killed has left, for one who is about to read the sources."""
    if (root / NOTE).exists():
        with exclusive(root, "prodabuild", emit):
            pass


def fold(root: Path, patch: str, contents: Mapping[str, bytes], ops: Mapping[str, dict[str, int]]) -> Folding:
    """Write files (those without bytes are removed) so that all of them change, or none. The caller holds the lock."""
    writes = tuple(Write(file, _digest(root / file), data or None) for file, data in contents.items())
    folding = Folding(patch, writes, ops)
    place(root / NOTE, _encode(folding), root / PRIVATE / "tmp", durable=True)
    _write(root, folding)
    return folding


def _finish(root: Path, emit: Emit) -> Folding | None:
    if not (root / NOTE).exists():
        return None
    folding = _decode((root / NOTE).read_bytes())
    for file, before, data in folding.writes:
        if _digest(root / file) not in (before, data and sha256(data)):
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
            (root / file).unlink(missing_ok=True)
        elif _digest(root / file) != sha256(data):
            place(root / file, data, root / PRIVATE / "tmp", durable=True)
    (root / NOTE).unlink()


def _digest(path: Path) -> str | None:
    return file_sha256(path) if path.exists() else None


def _encode(folding: Folding) -> bytes:
    rows = [(file, before, data and b64encode(data).decode()) for file, before, data in folding.writes]
    return orjson.dumps({"patch": folding.patch, "writes": rows, "ops": folding.ops})


def _decode(data: bytes) -> Folding:
    document = orjson.loads(data)
    writes = (Write(file, before, new and b64decode(new)) for file, before, new in document["writes"])
    return Folding(document["patch"], tuple(writes), document["ops"])
