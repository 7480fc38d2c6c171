"""The journal of traces: a line for every unit, written as soon as it is built.

The state is behind it by a moment and remembers how far it has read: a run that is killed costs no finished unit, and a
lost state costs no build. Each line carries its own checksum; one that was cut short, or damaged, is passed over. What
the stored objects of a trace are worth is for those to say who restore them.
"""

from __future__ import annotations

import os
import zlib
from array import array
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.digest import change_digest, key_hash
from prodabuild.engine.state import Trace
from prodabuild.engine.store import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.engine.state import State

FORMAT = 2
READ = "journal"  # the state's note of how far it has read
SPARE_BYTES = 1 << 20


def journal_of(state: Path) -> Path:
    """Return where the journal beside a state file lies."""
    return state.with_suffix(".journal")


def append(journal: Path, trace: Trace) -> None:
    """Add a trace."""
    with journal.open("ab") as handle:
        handle.write(_line(trace))


def end(journal: Path) -> int:
    """Return where the journal ends, in bytes."""
    return journal.stat().st_size if journal.is_file() else 0


def read(journal: Path, start: int = 0) -> Iterator[Trace]:
    """Return the traces of every whole line from a byte on, oldest first."""
    if end(journal) <= start:
        return
    with journal.open("rb") as handle:
        handle.seek(start)
        for line in handle:
            checksum, _, body = line.rstrip(b"\n").partition(b" ")
            if body and change_digest(body).hex().encode() == checksum:
                version, *fields = orjson.loads(body)
                if version == FORMAT:
                    yield _trace(*fields)


def compact(journal: Path, state: State) -> None:
    """Write the journal anew from the state when it has outgrown it."""
    if end(journal) <= 2 * state.path.stat().st_size + SPARE_BYTES:
        return
    fresh = journal.with_name(journal.name + ".new")
    with fresh.open("wb") as handle:
        handle.writelines(map(_line, state.all_traces()))
    os.replace(fresh, journal)


def _line(trace: Trace) -> bytes:
    names = b64encode(trace.names).decode()
    inputs, output, seen = trace.inputs.hex(), trace.output.hex(), trace.seen.hex()
    files = [list(stored) for stored in trace.files]
    body = orjson.dumps([FORMAT, trace.unit, inputs, names, trace.after, output, files, trace.summary.decode(), seen])
    return b"\n" + change_digest(body).hex().encode() + b" " + body  # the first byte ends a line left unfinished


def _trace(
    unit: str, inputs: str, packed: str, after: list[str], output: str, files: list[list[Any]], summary: str, seen: str
) -> Trace:
    names = b64decode(packed)
    text = zlib.decompress(names).decode()
    keys = array("q", map(key_hash, text.split("\n") if text else ()))
    return Trace(
        unit,
        bytes.fromhex(inputs),
        keys.tobytes(),
        names,
        tuple(after),
        bytes.fromhex(output),
        tuple(Stored(*stored) for stored in files),
        summary.encode(),
        bytes.fromhex(seen),
    )
