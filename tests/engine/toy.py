"""A toy domain for the engine: lines of text that may refer to one another, two stages of units made of them.

`stages_of` has more of them: units beside others, units that choose what they read, outputs that hide a change.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import orjson

from prodabuild.digest import canonical
from prodabuild.engine.facts import Change, Fact, Reason, diff
from prodabuild.engine.placing import Workspace, find_damage
from prodabuild.engine.plan import make_plan
from prodabuild.engine.refresh import laid_out, refresh
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


def build_count(unit: str, view: View) -> Output:
    """The number of lines of the part that it stands beside, or of its letters; said in the summary, without a file."""
    (part,) = view.output(f"part:{unit.partition(':')[2]}")
    data = view.path(part).read_bytes()
    view.summary = len(data) if view.read("settings", "letters") else data.count(b"\n") + 1
    return {}


def build_half(unit: str, view: View) -> Output:
    """The parts whose names end in 0, or in 1: only the first letter of each line."""
    which = unit.partition(":")[2]
    parts = [view.output(part)[0] for part in view.units("parts") if part.endswith(which)]
    lines = [line[:5] for part in parts for line in view.path(part).read_text().splitlines()]
    return {f"halves/{which}.txt": "\n".join(lines).encode(), **({f"halves/{which}.more": b"more"} if lines else {})}


def build_pick(unit: str, view: View) -> Output:
    """The half that a setting names, or what is counted."""
    which = view.read("settings", "pick")
    if which == "count":
        return {"pick.txt": repr([view.summary_of(count) for count in view.units("counts")]).encode()}
    return {"pick.txt": b"".join(view.path(stored).read_bytes() for stored in view.output(f"half:{which}"))}


def build_end(unit: str, view: View) -> Output:
    """How long the picked text is, in tens; and the name of it all."""
    (pick,) = view.output("pick")
    return {"end.txt": f"{view.read('settings', 'name')} {pick.size // 10}".encode()}


class Settings(NamedTuple):
    """What a world is built with. `size` and `counts` are of the stages; the others are facts."""

    size: int = 3
    counts: bool = True
    letters: bool = False
    pick: str = "0"
    name: str = "one"


def stages_of(settings: Settings) -> tuple[Stage, ...]:
    return (
        Stage("parts", build_part, kind="part", bucket_size=settings.size, parallel=True),
        *((Stage("counts", build_count, kind="count", beside="parts", parallel=True),) if settings.counts else ()),
        Stage("halves", build_half, fixed=("half:0", "half:1")),
        Stage("pick", build_pick, fixed=("pick",)),
        Stage("end", build_end, fixed=("end",)),
    )


def describe(change: Change) -> Reason:
    return Reason(f"{change.input} changed", change.source, change.old, change.new)


def settings_fact(settings: Settings) -> Fact:
    value = {"letters": settings.letters, "pick": settings.pick, "name": settings.name}
    return Fact("settings", canonical(value), "settings")


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

    def space(self) -> Workspace:
        return Workspace(self.root, Store(self.root / "cache", self.root / "build"), self.root / "tmp")

    @contextmanager
    def state(self) -> Iterator[State]:
        state = State(self.root / "state.db", writable=True)
        try:
            yield state
        finally:
            state.close()

    def _refresh(self, state: State, sources: Mapping[str, Lines], settings: Settings | None) -> tuple[Stage, ...]:
        known = orjson.loads(state.note("sources") or "[]")
        parsed = {name: facts_of(lines, name) for name, lines in sources.items()}
        stages = self.stages
        if settings is not None:
            parsed["settings"] = [settings_fact(settings)]
            stages = stages_of(settings)
        delta = diff(state, parsed, [name for name in known if name not in sources])
        with state.transaction():
            if delta or not laid_out(state, stages):
                refresh(state, delta, (), (), stages, describe)
            state.set_note("sources", orjson.dumps(sorted(sources)).decode())
        return stages

    def plan(self, sources: Mapping[str, Lines], settings: Settings | None = None, to: int = 9) -> Plan:
        """Plan on a private copy: nothing on disk changes."""
        with self.state() as state:
            copy = state.in_memory()
            stages = self._refresh(copy, sources, settings)
            return make_plan(Reader(copy, self.space().store), stages[:to], find_damage(copy, self.space()))

    def run(self, sources: Mapping[str, Lines], settings: Settings | None = None, to: int = 9) -> RunResult:
        """Build the first `to` stages."""
        with self.state() as state:
            stages = self._refresh(state, sources, settings)
            space = self.space()
            runner = Runner(Reader(state, space.store), space, self.events.append, self.jobs, self.keep_going)
            return runner.run(stages[:to])

    def output(self) -> dict[str, bytes]:
        build = self.root / "build"
        return {
            file.relative_to(build).as_posix(): file.read_bytes() for file in sorted(build.rglob("*")) if file.is_file()
        }
