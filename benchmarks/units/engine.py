"""The engine of prodabuild as a library: every file in `FOLDER/in` is a unit, its upper case goes to `FOLDER/build`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prodabuild.digest import canonical
from prodabuild.engine.facts import Fact, Reason, diff
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


class Files(dict[str, Path]):
    def __missing__(self, name: str) -> Path:  # no path is made for a file that nobody reads
        return Path("in", name)


def upper(unit: str, view: View) -> Output:
    name = unit.partition(":")[2]
    return {name: view.file(name).read_bytes().upper()}


def build() -> None:
    names = sorted(os.listdir("in"))
    stages = (Stage("upper", upper, fixed=tuple(f"upper:{name}" for name in names)),)
    memory = Path(".state")
    with writing(memory / "lock", "benchmark", silent):
        state = State(memory / "state.db", writable=True)
        found = scan(state, {name: Wanted(f"in/{name}", "text", opaque=True) for name in names})
        if found.rows or found.gone:
            read = {name: canonical({"content": found.rows[name].digest.hex()}) for name in found.changed}
            delta = diff(state, {name: [Fact(FILE + name, value, name)] for name, value in read.items()}, found.gone)
            with state.transaction():
                refresh(state, delta, found.rows.values(), found.gone, stages, lambda change: Reason(change.input))
        space = Workspace(Path(), Store(memory / "cache", Path("build")), memory / "tmp")
        result = Runner(Reader(state, space.store, Files()), space, silent).run(stages)
        state.close()
    for _, failure in result.failures:
        raise failure
    print(f"{len(result.built)} built, {result.clean} clean")


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    build()
