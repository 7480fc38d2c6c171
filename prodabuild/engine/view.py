"""The tracked view: the only way a build function reads. What it reads becomes the unit's trace."""

from __future__ import annotations

import zlib
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

import orjson

from prodabuild.digest import DIGEST_BYTES, canonical, change_digest, key_hash, value_digest
from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.facts import BUCKET, LISTING, OUTPUT, POSTING, facet_input
from prodabuild.engine.files import file_digest
from prodabuild.engine.state import Trace
from prodabuild.engine.store import output_digest, remove_tree
from prodabuild.errors import ProjectError
from prodabuild.events import silent
from prodabuild.paths import owned_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from prodabuild.engine.facts import Fact
    from prodabuild.engine.state import Made, State
    from prodabuild.engine.store import Store, Stored
    from prodabuild.events import Emit, Event

T = TypeVar("T")
ABSENT = bytes(DIGEST_BYTES)
FILE = "file:"  # key of the fact about an opaque file
MAX_CACHED = 400_000


class Input(NamedTuple):
    """One thing that can be read: its value, the digest of the value, the hash of its name."""

    value: Any
    digest: bytes
    hash: int


class MissingOutputError(LookupError):
    """A unit reads another one (`wanted`) that was not built: it failed, or the stages are in the wrong order."""

    def __init__(self, unit: str, wanted: str) -> None:
        super().__init__(unit, wanted)
        self.wanted = wanted

    def __str__(self) -> str:
        return "{} reads {}, which is not built".format(*self.args)


class InputMovedError(ProjectError):
    """A file was edited while a unit that reads it was built."""


class Reader:
    """Reads inputs by name from a state, with a cache shared by the units of one run.

    `files` finds a file by the name it is known by; `emit` takes the progress of long builds; `known` are facts of
    the state that the caller holds in memory anyway. Units that are `withheld` read as if they had never been built:
    what they last made is stale.
    """

    def __init__(
        self,
        state: State,
        store: Store,
        files: Mapping[str, Path] | None = None,
        emit: Emit = silent,
        known: Mapping[str, bytes] | None = None,
    ) -> None:
        self.state = state
        self.store = store
        self.files = {} if files is None else files
        self.emit = emit
        self.known = known or {}
        self.withheld: set[str] = set()
        self._inputs: dict[str, Input] = {}
        self._facts: dict[str, dict[str, Any] | None] = {}
        self._made: dict[str, Made | None] = {}
        self._derived: dict[tuple[str, Callable[[Any], Any]], Any] = {}
        self._walks: dict[tuple[str, ...], View] = {}

    def facet(self, key: str, facet: str) -> Input:
        """Return a facet of a fact; its value is None when the fact or the facet is absent."""
        name = facet_input(key, facet)
        found = self._inputs.get(name)
        if found is None:
            value = (self._fact(key) or {}).get(facet)
            found = self._keep(name, value, ABSENT if value is None else value_digest(value))
        return found

    def posting(self, posting: str) -> Input:
        """Return the sorted members of a posting."""
        name = POSTING + posting
        found = self._inputs.get(name)
        return found or self._keep_list(name, self.state.posting(posting))

    def derived(self, posting: str, members: list[str], via: Callable[[list[str]], T]) -> T:
        """Return a pure function of a posting's members, remembered as long as they are."""
        key = (posting, via)
        if key not in self._derived:
            self._derived[key] = via(members)
        found: T = self._derived[key]
        return found

    def loaded(self, stored: Stored, via: Callable[[Path], T]) -> T:
        """Return what a pure function makes of an output file, remembered as long as outputs are."""
        key = (stored.md5, via)
        if key not in self._derived:
            self._derived[key] = via(self.store.open(stored))
        found: T = self._derived[key]
        return found

    def members(self, unit: str) -> Input:
        """Return the sorted keys of the facts in a unit's bucket."""
        name = BUCKET + unit
        found = self._inputs.get(name)
        if found is None:
            if not self.known:  # all of them at once: their readers ask for them next
                values = self.state.values_in(*prefix_of(unit))
                self._facts.update((key, orjson.loads(value)) for key, value in values)
            found = self._keep_list(name, self.state.keys_in(*prefix_of(unit)))
        return found

    def walked(self, purpose: tuple[str, ...], view: View, walk: Callable[[View], None]) -> View:
        """Return a view on which a walk was made, remembered as long as inputs are."""
        found = self._walks.get(purpose)
        if found is None:
            walk(view)
            found = self._walks[purpose] = view
        return found

    def units(self, stage: str) -> Input:
        """Return the sorted names of a stage's units."""
        name = LISTING + stage
        return self._inputs.get(name) or self._keep_list(name, self.state.unit_names(stage))

    def output(self, unit: str) -> Input:
        """Return the output files of another unit (`value` is None while it was never built, or is withheld)."""
        name = OUTPUT + unit
        found = self._inputs.get(name)
        if found is None:
            made = None if unit in self.withheld else self._look_up(unit)
            found = self._keep(name, made.files if made else None, made.output if made else ABSENT)
        return found

    def summary(self, unit: str) -> Any:
        """Return what a built unit says of its output: as good as a part of it."""
        made = self._look_up(unit)
        return orjson.loads(made.summary) if made else None

    def by_name(self, name: str) -> Input:
        """Return an input by its full name, as a trace holds it."""
        kind, rest = name[0], name[1:]
        if kind == POSTING:
            return self.posting(rest)
        if kind == BUCKET:
            return self.members(rest)
        if kind == LISTING:
            return self.units(rest)
        if kind == OUTPUT:
            return self.output(rest)
        key, _, facet = name.rpartition("#")
        return self.facet(key, facet)

    def own_digest(self, trace: Trace) -> bytes:
        """Return the digest over the values that a trace's inputs have now, those in its `after` left out."""
        names = [name for name in input_names(trace) if not (trace.after and name[0] in (LISTING, OUTPUT))]
        found = [self.by_name(name) for name in names]
        return inputs_digest([each.hash for each in found], [each.digest for each in found])

    def forget(self) -> None:
        """Drop the cache: outputs or listings have changed."""
        self._inputs.clear()
        self._facts.clear()
        self._made.clear()
        self._derived.clear()
        self._walks.clear()

    def _fact(self, key: str) -> dict[str, Any] | None:
        if key not in self._facts:
            value = self.known.get(key) or self.state.value(key)
            self._facts[key] = orjson.loads(value) if value is not None else None
        return self._facts[key]

    def _look_up(self, unit: str) -> Made | None:
        if unit not in self._made:
            self._made[unit] = self.state.made(unit)
        return self._made[unit]

    def _keep_list(self, name: str, members: list[str]) -> Input:
        return self._keep(name, members, change_digest("\n".join(members).encode()) if members else ABSENT)

    def _keep(self, name: str, value: Any, digest: bytes) -> Input:
        if len(self._inputs) > MAX_CACHED:
            self.forget()
        found = self._inputs[name] = Input(value, digest, key_hash(name))
        return found


class View:
    """What one build of one unit may read. Every read is recorded."""

    def __init__(self, unit: str, reader: Reader, scratch: Path) -> None:
        self.unit = unit
        self._reader = reader
        self._scratch = scratch
        self._read: dict[int, bytes] = {}
        self._facets: dict[tuple[str, str], Any] = {}
        self._names: dict[int, str] = {}
        self._after: list[int] = []
        self.summary: Any = None  # what the build function says of its output; JSON

    def read(self, key: str, facet: str) -> Any:
        """Return a facet of a fact, None when it is absent."""
        known = self._facets.get((key, facet), self)
        if known is self:
            known = self._facets[key, facet] = self._note(self._reader.facet(key, facet), key, "#", facet)
        return known

    @overload
    def posting(self, name: str) -> list[str]: ...

    @overload
    def posting(self, name: str, via: Callable[[list[str]], T]) -> T: ...

    def posting(self, name: str, via: Callable[[list[str]], Any] | None = None) -> Any:
        """Return the sorted members of a posting, or what a pure function makes of them (computed once a reader)."""
        members: list[str] = self._note(self._reader.posting(name), POSTING, name, "")
        return members if via is None else self._reader.derived(name, members, via)

    def members(self) -> list[str]:
        """Return the sorted keys of the facts in this unit's own bucket."""
        keys: list[str] = self._note(self._reader.members(self.unit), BUCKET, self.unit, "")
        return keys

    def walk(self, purpose: tuple[str, ...], walk: Callable[[View], None]) -> None:
        """Make reads that follow from the purpose and from what is read alone: they are made once a reader."""
        known = self._reader.walked(purpose, View(self.unit, self._reader, self._scratch), walk)
        self._read |= known._read
        self._names |= known._names
        self._after += [hashed for hashed in known._after if hashed not in self._after]

    def peek(self, prefix: str) -> list[Fact]:
        """Return the facts whose keys begin with a prefix, unrecorded: who uses one reads what matters of it, too."""
        state = self._reader.state
        return [fact for key in state.keys(prefix) if (fact := state.fact(key))]

    def units(self, stage: str) -> list[str]:
        """Return the sorted names of a stage's units."""
        names: list[str] = self._note(self._reader.units(stage), LISTING, stage, "")
        return names

    def output(self, unit: str) -> tuple[Stored, ...]:
        """Return the output files of a unit of an earlier stage; raises `MissingOutputError`."""
        files: tuple[Stored, ...] | None = self._note(self._reader.output(unit), OUTPUT, unit, "")
        if files is None:
            raise MissingOutputError(self.unit, unit)
        return files

    def file(self, name: str) -> Path:
        """Return where a source file lies, its content recorded as an input; raises `InputMovedError`."""
        path = self._reader.files[name]
        recorded = self.read(FILE + name, "content")
        if file_digest(path).hex() != recorded:
            raise InputMovedError(f"{name} changed while {self.unit} was built", "run the command again")
        return path

    def emit(self, event: Event) -> None:
        """Report progress of a long build."""
        self._reader.emit(event)

    def summary_of(self, unit: str) -> Any:
        """Return what a unit of an earlier stage says of its output."""
        self.output(unit)
        return self._reader.summary(unit)

    def path(self, stored: Stored) -> Path:
        """Return the read-only object that holds an output file; raises `OutsideError` when it is lost for good."""
        return self._reader.store.open(stored)

    def load(self, stored: Stored, via: Callable[[Path], T]) -> T:
        """Return what a pure function makes of an output file, computed once for the units that a process builds."""
        return self._reader.loaded(stored, via)

    def scratch(self) -> Path:
        """Return a folder for work in progress, the same one for the same inputs read so far.

        It outlives a killed run and is removed when the unit is recorded.
        """
        return owned_folder(self._scratch, f"{work_folder(self.unit)}/{self.inputs().hex()}")

    def known(self) -> Path:
        """Return a folder for what digests alone identify: it outlives runs, and may be deleted at any time."""
        return self._scratch.parent / "known"

    def inputs(self) -> bytes:
        """Return the digest over everything read so far."""
        hashes = sorted(self._read)
        return inputs_digest(hashes, [self._read[hashed] for hashed in hashes])

    def trace(self, files: tuple[Stored, ...]) -> Trace:
        """Return the trace of a build that read what was read so far and made these files."""
        hashes = sorted(self._read)
        inputs = own = inputs_digest(hashes, [self._read[hashed] for hashed in hashes])
        summary = canonical(self.summary)
        names = "\n".join([self._names[hashed] for hashed in hashes])
        if after := set(self._after):
            before = [hashed for hashed in hashes if hashed not in after]
            own = inputs_digest(before, [self._read[hashed] for hashed in before])
        return Trace(
            unit=self.unit,
            inputs=inputs,
            keys=array("q", hashes).tobytes(),
            names=zlib.compress(names.encode(), 1),
            after=tuple(self._names[hashed] for hashed in self._after),
            output=output_digest(files, summary),
            files=files,
            summary=summary,
            seen=b"".join([own, *(self._read[hashed] for hashed in self._after)]),
        )

    def _note(self, found: Input, *name: str) -> Any:
        if found.hash not in self._read:
            self._read[found.hash] = found.digest
            self._names[found.hash] = "".join(name)
            if name[0] in (LISTING, OUTPUT):
                self._after.append(found.hash)
        return found.value


def work_folder(unit: str) -> str:
    """Return where in the scratch space a unit keeps work in progress."""
    return f"work/{unit.replace('/', '+')}"


def remove_work(scratch: Path, unit: str) -> None:
    """Remove the work in progress of a unit."""
    remove_tree(scratch, work_folder(unit))


def inputs_digest(hashes: list[int], digests: list[bytes]) -> bytes:
    """Return the digest over the sorted hashes of inputs' names, and the digests of their values in that order."""
    return change_digest(array("q", hashes).tobytes() + b"".join(digests))


def input_names(trace: Trace) -> list[str]:
    """Return the names of the inputs that a trace read, in the order of their hashes."""
    return zlib.decompress(trace.names).decode().split("\n") if trace.keys else []


def fits(reader: Reader, trace: Trace, outputs: Mapping[str, bytes | None] | None = None) -> bool | None:
    """Tell whether every input of a trace has the value now that it had then.

    `outputs` are the outputs by unit that will not stay as they are. Where one is not known (None), and all else
    fits, the answer is None: it may fit.
    """
    unknown = False
    for number, name in enumerate(trace.after, 1):
        unit = name[1:] if name[0] == OUTPUT else ""
        now = outputs[unit] if outputs and unit in outputs else reader.by_name(name).digest
        if now is None:
            unknown = True
        elif now != trace.seen[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]:
            return False
    if reader.own_digest(trace) != trace.seen[:DIGEST_BYTES]:
        return False
    return None if unknown else True
