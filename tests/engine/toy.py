"""A toy domain for the engine: lines of text that may refer to one another, two stages of units made of them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from prodabuild.digest import canonical
from prodabuild.engine.facts import Change, Fact, Reason, diff
from prodabuild.engine.placing import Workspace, find_damage
from prodabuild.engine.plan import make_plan
from prodabuild.engine.portable import export
from prodabuild.engine.refresh import refresh
from prodabuild.engine.run import Runner
from prodabuild.engine.state import State
from prodabuild.engine.store import Store
from prodabuild.engine.units import Stage
from prodabuild.engine.view import Reader
from prodabuild.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prodabuild.engine.plan import Plan
    from prodabuild.engine.portable import Portable
    from prodabuild.engine.run import RunResult
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View

Lines = dict[str, tuple[str, str]]  # key -> (text, the key it refers to or "")


def build_part(unit: str, view: View) -> Output:
    """Each line without its spaces at the ends, and the text that it refers to."""
    rows = []
    for key in view.members():
        text, to = view.read(key, "text"), view.read(key, "to")
        time.sleep(0.1 if "SLOW" in text else 0)
        if "FAIL" in text:
            raise RuntimeError(f"{key} fails")
        rows.append(
            f"{key} {text.strip()} {(view.read(to, 'text') or '').strip() if to else ''} {len(view.posting('to:' + key))}"
        )
    return {f"parts/{unit.partition(':')[2]}.txt": "\n".join(rows).encode()}


def build_whole(unit: str, view: View) -> Output:
    """All parts in upper case."""
    parts = [view.output(part)[0] for part in view.units("parts")]
    return {"whole.txt": b"\n".join(view.path(part).read_bytes().upper() for part in parts)}


def build_title(unit: str, view: View) -> Output:
    """One word about the whole, or, of `title:apart`, about one line."""
    if unit == "title:apart":
        return {"apart.txt": str(view.read("k00", "text")).title().encode()}
    return {"title.txt": view.path(view.output("whole")[0]).read_bytes()[:9].title()}


STAGES = (
    Stage("parts", build_part, kind="part", bucket_size=3, parallel=True),
    Stage("whole", build_whole, fixed=("whole",)),
)
THREE = (*STAGES, Stage("titles", build_title, fixed=("title:apart", "title:whole")))


def describe(change: Change) -> Reason:
    return Reason(f"{change.input} changed", change.source, change.old, change.new)


def facts_of(lines: Lines, source: str) -> list[Fact]:
    return [
        Fact(key, canonical({"text": text, "to": to}), source, "part:x", (f"to:{to}",) if to else ())
        for key, (text, to) in lines.items()
    ]


@dataclass
class Toy:
    """A build folder whose sources are held in memory: file name -> lines."""

    root: Path
    jobs: int = 1
    keep_going: bool = False
    stages: tuple[Stage, ...] = STAGES
    events: list[Event] = field(default_factory=list)
    travelled: Mapping[str, Portable] = field(default_factory=dict)

    def space(self) -> Workspace:
        return Workspace(Store(self.root / "cache", self.root / "build"), self.root / "tmp")

    @contextmanager
    def state(self) -> Iterator[State]:
        state = State(self.root / "state.db", writable=True)
        try:
            yield state
        finally:
            state.close()

    def _refresh(self, state: State, sources: Mapping[str, Lines]) -> None:
        known = orjson.loads(state.note("sources") or "[]")
        parsed = {name: facts_of(lines, name) for name, lines in sources.items()}
        delta = diff(state, parsed, [name for name in known if name not in sources])
        with state.transaction():
            refresh(state, delta, (), (), self.stages, describe)
            state.set_note("sources", orjson.dumps(sorted(sources)).decode())

    def plan(self, sources: Mapping[str, Lines]) -> Plan:
        """Plan on a private copy: nothing on disk changes."""
        with self.state() as state:
            copy = state.in_memory()
            self._refresh(copy, sources)
            return make_plan(self._reader(copy), self.stages, find_damage(copy, self.space()))

    def run(self, sources: Mapping[str, Lines]) -> RunResult:
        with self.state() as state:
            self._refresh(state, sources)
            space = self.space()
            runner = Runner(self._reader(state), space, self.events.append, self.jobs, self.keep_going)
            return runner.run(self.stages)

    def traces(self) -> bytes:
        """Return the current traces in the form that travels."""
        with self.state() as state:
            return b"".join(export(self._reader(state), trace) for trace in state.current_traces())

    def _reader(self, state: State) -> Reader:
        return Reader(state, self.space().store, travelled=self.travelled)

    def output(self) -> dict[str, bytes]:
        build = self.root / "build"
        return {
            file.relative_to(build).as_posix(): file.read_bytes() for file in sorted(build.rglob("*")) if file.is_file()
        }
