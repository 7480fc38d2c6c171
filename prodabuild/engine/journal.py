"""The journal of traces: a line for every unit, written as soon as it is built.

The state is behind it by a moment and remembers how far it has read: a run that is killed costs no finished unit, and a
lost state costs no build. Each line carries its own checksum; one that was cut short, or damaged, is passed over. So is
one with a checksum that is no trace, or that is too large: the line of a stranger may state anything. What the stored
objects of a trace are worth is for those to say who restore them.
"""

from __future__ import annotations

import os
import zlib
from array import array
from base64 import b64decode, b64encode
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.digest import DIGEST_BYTES, change_digest, key_hash
from prodabuild.engine.state import Trace
from prodabuild.engine.store import Stored, output_digest
from prodabuild.paths import is_md5, is_sha256, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from prodabuild.engine.state import State

FORMAT = 2
READ = "journal"  # the state's note of how far it has read
SPARE_BYTES = 1 << 20
MAX_LINE = 1 << 26  # bytes; a trace of 100,000 inputs has 2 MB
MAX_NAMES = 1 << 28  # bytes of one trace's input names
MAX_INPUTS = 1 << 22  # of one trace
MAX_FILE_INPUTS = 1 << 25  # of all traces in a file that came from elsewhere
MAX_RATIO = 100  # of compressed names; real ones stay below 20
MAX_TRACES = 1_000_000  # in a file that came from elsewhere
NAME_BYTES = 1024  # of a unit


def journal_of(state: Path) -> Path:
    """Return where the journal beside a state file lies."""
    return state.with_suffix(".journal")


def append(journal: Path, trace: Trace) -> None:
    """Add a trace."""
    with journal.open("ab") as handle:
        handle.write(line_of(trace))


def end(journal: Path) -> int:
    """Return where the journal ends, in bytes."""
    return journal.stat().st_size if journal.is_file() else 0


def read(journal: Path, start: int = 0, damaged: Callable[[str], object] | None = None) -> Iterator[Trace]:
    """Return the traces of every whole line from a byte on, oldest first; `damaged` gets why a line is none."""
    if end(journal) <= start:
        return
    with journal.open("rb") as handle:
        handle.seek(start)
        yield from _traces(handle, damaged)


def parse(data: bytes, damaged: Callable[[str], object] | None = None) -> Iterator[Trace]:
    """Return the traces of a file from elsewhere; at most `MAX_TRACES`, with `MAX_FILE_INPUTS` inputs together."""
    left = MAX_FILE_INPUTS
    for number, trace in enumerate(_traces(BytesIO(data), damaged)):
        left -= len(trace.keys) // 8
        if left < 0 or number == MAX_TRACES:
            if damaged:
                damaged("it holds more than any build makes")
            return
        yield trace


def _traces(handle: BinaryIO, damaged: Callable[[str], object] | None) -> Iterator[Trace]:
    while line := handle.readline(MAX_LINE):
        checksum, _, body = line.rstrip(b"\n").partition(b" ")
        if not body or change_digest(body).hex().encode() != checksum:
            continue  # cut short by a kill, or the rest of a line that is too long
        try:
            version, *fields = orjson.loads(body)
            if version == FORMAT:
                yield _trace(*fields)
        except (ValueError, TypeError, zlib.error) as error:
            if damaged:
                damaged(str(error))


def compact(journal: Path, state: State) -> None:
    """Write the journal anew from the state when it has outgrown it."""
    if end(journal) <= 2 * state.path.stat().st_size + SPARE_BYTES:
        return
    fresh = journal.with_name(journal.name + ".new")
    with fresh.open("wb") as handle:
        handle.writelines(map(line_of, state.own_traces()))
    os.replace(fresh, journal)


def line_of(trace: Trace) -> bytes:
    """Return the line of a trace: nothing in it tells of the machine or of when it was written."""
    names = b64encode(trace.names).decode()
    inputs, output, seen = trace.inputs.hex(), trace.output.hex(), trace.seen.hex()
    files = [list(stored) for stored in trace.files]
    body = orjson.dumps([FORMAT, trace.unit, inputs, names, trace.after, output, files, trace.summary.decode(), seen])
    return b"\n" + change_digest(body).hex().encode() + b" " + body  # the first byte ends a line left unfinished


def _trace(unit: Any, inputs: Any, packed: Any, after: Any, output: Any, files: Any, summary: Any, seen: Any) -> Trace:
    """Return a trace by the fields of its line; raises ValueError, TypeError or `zlib.error` where they are none."""
    if not isinstance(unit, str) or not 0 < len(unit) <= NAME_BYTES or not isinstance(after, list):
        raise ValueError("it names no unit")
    if not all(isinstance(name, str) and name for name in after):
        raise ValueError("an output that it read has no name")
    digests = bytes.fromhex(inputs), bytes.fromhex(output), bytes.fromhex(seen)
    if [len(digest) for digest in digests] != [DIGEST_BYTES, DIGEST_BYTES, DIGEST_BYTES * (1 + len(after))]:
        raise ValueError("a digest has another length")
    names = b64decode(packed, validate=True)
    text = _unpacked(names)
    if "" in (found := text.split("\n") if text else []):
        raise ValueError("an input has no name")
    orjson.loads(summary)
    keys = array("q", map(key_hash, found)).tobytes()
    made = tuple(_stored(*row) for row in files)
    if digests[1] != output_digest(made, summary.encode()):
        raise ValueError("its output has another digest")
    return Trace(unit, digests[0], keys, names, tuple(after), digests[1], made, summary.encode(), digests[2])


def _unpacked(names: bytes) -> str:
    limit = min(MAX_NAMES, MAX_RATIO * len(names))
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(names, limit)
    if not unpacker.eof or text.count(b"\n") >= MAX_INPUTS:
        raise ValueError("its input names are larger than any build makes them")
    return text.decode()


def _stored(path: Any, md5: Any, sha256: Any, size: Any) -> Stored:
    if refusal(path) or not is_md5(md5) or not is_sha256(sha256) or type(size) is not int or size < 0:
        raise ValueError("a file that it made has no sound path or digest")
    return Stored(path, md5, sha256, size)
