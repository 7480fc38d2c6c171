"""Traces that travel with what they tell of, so that a clone which holds the objects need not build them again.

A trace of the state knows its inputs by change digests, which no other repo should trust. A portable one has a
sha256 over the names and values of its inputs, and one of each source file that it read as it is: a clone looks up
what they are there, and compares. Files come last, and only when all else is the same: they may be large.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical, kept, sha256
from prodabuild.engine.facts import LISTING, OUTPUT
from prodabuild.engine.state import Trace
from prodabuild.engine.store import Stored, output_digest
from prodabuild.engine.view import FILE, inputs_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.engine.view import Reader


class Portable(NamedTuple):
    """What one build of a unit read and made: names of its inputs, the digest over their values, files, summary."""

    unit: str
    inputs: str
    names: tuple[str, ...]
    sources: dict[str, str]
    files: tuple[Stored, ...]
    summary: Any


def export(reader: Reader, trace: Trace) -> bytes:
    """Return a current trace as a line of JSON, the same in every clone."""
    names = sorted(zlib.decompress(trace.names).decode().split("\n")) if trace.keys else []
    row = {
        "unit": trace.unit,
        "inputs": _identity(reader, names),
        "names": names,
        "sources": {name: _sha256(reader, name) for name in names if name.startswith(FILE)},
        "files": [list(stored) for stored in trace.files],
        "summary": orjson.loads(trace.summary),
    }
    return canonical(row) + b"\n"


def parse(data: bytes) -> dict[str, Portable]:
    """Return the traces in lines of JSON by unit; none when the lines are not such."""
    try:
        found = [_portable(**orjson.loads(line)) for line in data.splitlines()]
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return {portable.unit: portable for portable in found}


def _portable(
    unit: str, inputs: str, names: list[str], sources: dict[str, str], files: list[list[Any]], summary: Any
) -> Portable:
    stored = tuple(Stored(*file) for file in files)
    return Portable(str(unit), str(inputs), tuple(map(str, names)), dict(sources), stored, summary)


def recognise(reader: Reader, portable: Portable) -> Trace | None:
    """Return a portable trace as one of this repo; None when an input differs or an object is not here."""
    if not all(reader.store.has(stored) for stored in portable.files):
        return None
    if _identity(reader, portable.names) != portable.inputs:
        return None
    if any(_sha256(reader, name) != portable.sources.get(name) for name in portable.names if name.startswith(FILE)):
        return None
    inputs = sorted((found.hash, found.digest, name) for name in portable.names for found in [reader.by_name(name)])
    summary = kept(portable.summary)
    return Trace(
        unit=portable.unit,
        inputs=inputs_digest([(hashed, digest) for hashed, digest, _ in inputs]),
        keys=array("q", [hashed for hashed, _, _ in inputs]).tobytes(),
        names=zlib.compress("\n".join(name for _, _, name in inputs).encode(), 1),
        after=tuple(name for name in portable.names if name[0] in (LISTING, OUTPUT)),
        output=output_digest(portable.files, summary),
        files=portable.files,
        summary=summary,
    )


def _identity(reader: Reader, names: Sequence[str]) -> str:
    return sha256(canonical([[name, _value(reader, name)] for name in names]))


def _value(reader: Reader, name: str) -> Any:
    """Return an input's value; of an output, paths and identities of its files and what was said of it."""
    value = reader.by_name(name).value
    if name.startswith(FILE):
        return value is not None
    if name[0] == OUTPUT and value is not None:
        return [[[stored.path, stored.sha256] for stored in value], reader.summary(name[1:])]
    return value


def _sha256(reader: Reader, name: str) -> str | None:
    file = reader.files.get(name.removeprefix(FILE).rpartition("#")[0])
    if file is None:
        return None
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
