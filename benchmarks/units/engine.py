"""The engine of prodabuild as a library: every file in `in/` is a unit, its upper case goes to `build/`.

python benchmarks/units/engine.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prodabuild.digest import canonical
from prodabuild.engine.facts import Change, Fact, Reason, diff
from prodabuild.engine.files import Wanted, scan
from prodabuild.engine.guard import writing
from prodabuild.engine.placing import Workspace
from prodabuild.engine.refresh import refresh
from prodabuild.engine.run import Runner
from prodabuild.engine.state import State
from prodabuild.engine.store import Store
from prodabuild.engine.units import Stage
from prodabuild.engine.view import FILE, Reader
from prodabuild.events import silent

if TYPE_CHECKING:
    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View


def upper(unit: str, view: View) -> Output:
    name = unit.partition(":")[2]
    return {name: view.file(name).read_bytes().upper()}


def describe(change: Change) -> Reason:
    return Reason(f"{change.source} changed", change.source)


def build(folder: Path) -> None:
    files = {path.name: path for path in sorted((folder / "in").iterdir())}
    stages = (Stage("upper", upper, fixed=tuple(f"upper:{name}" for name in files)),)
    with writing(folder / ".state" / "lock", "benchmark", silent):
        state = State(folder / ".state" / "state.db", writable=True)
        found = scan(state, {name: Wanted(path, "text", opaque=True) for name, path in files.items()})
        if found.rows or found.gone:
            facts = {name: [_fact(name, found.rows[name].digest)] for name in found.changed}
            delta = diff(state, facts, found.gone)
            with state.transaction():
                refresh(state, delta, found.rows.values(), found.gone, stages, describe)
        space = Workspace(Store(folder / ".state" / "cache", folder / "build"), folder / ".state" / "tmp")
        result = Runner(Reader(state, space.store, files), space, silent).run(stages)
        state.close()
    print(f"{len(result.built)} built, {result.clean} clean")


def _fact(name: str, digest: bytes) -> Fact:
    return Fact(FILE + name, canonical({"content": digest.hex()}), name)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
