"""The cases: what happens to the project, what is wanted of the next run, and whether that came about."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matrix.tool import Ran, Tool

COMPLAINT = 60  # characters of a message that are shown
TICK_S = 1.1  # between a build and an edit: file times may be as coarse as a second


class Outcome(NamedTuple):
    """Did the tool do what is wanted, and what did it do?"""

    ok: bool
    did: str


class Case(NamedTuple):
    """One event. `own_steps` when it concerns the code of a step (for prodabuild: a recipe of the repo)."""

    number: int
    event: str
    want: str
    play: Callable[[Tool], Outcome]
    own_steps: bool = False


def _touched(tool: Tool) -> Outcome:
    os.utime(tool.source("x"))
    done = tool.run()
    return Outcome(done.code == 0 and not done.actions, _ran(done))


def _same_size_and_time(tool: Tool) -> Outcome:
    path = tool.source("x")
    before = path.stat()
    _replace_in_place(path, "hello", "jello")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = tool.run()
    caught = "jello x" in tool.result("x")
    return Outcome(caught, _ran(done) if caught else "missed it")


def _white_space(tool: Tool) -> Outcome:
    tool.respace("y")
    done = tool.run()
    later = [action for action in done.actions if not action.startswith(("a ", "shard:"))]
    return Outcome(done.code == 0 and not later, _ran(done))


def _final_deleted(tool: Tool) -> Outcome:
    return _put_back(tool, tool.final("z"), lambda path: path.unlink())


def _middle_deleted(tool: Tool) -> Outcome:
    return _put_back(tool, tool.middle("z"), lambda path: path.unlink())


def _final_edited(tool: Tool) -> Outcome:
    path = tool.final("z")
    whole = path.read_bytes()
    _overwrite(path)
    done = tool.run()
    back = path.exists() and path.read_bytes() == whole
    return Outcome(back, f"put back, {_ran(done)}" if back else f"kept the edit, {_ran(done)}")


def _comment(tool: Tool) -> Outcome:
    with tool.step.open("a", encoding="utf-8") as file:
        file.write("\n# a comment\n")
    done = tool.run()
    return Outcome(done.code == 0 and not done.actions, _ran(done))


def _step_edited(tool: Tool) -> Outcome:
    _replace(tool.step, ".upper()", '.upper() + "!"')
    done = tool.run()
    caught = all("world!" in tool.result(name) for name in ("x", "y", "z"))
    return Outcome(caught and frozenset(done.actions) == tool.edited_step, _ran(done) if caught else "missed it")


def _import_edited(tool: Tool) -> Outcome:
    _replace(tool.imported, '" ".join', '"_".join')
    done = tool.run()
    caught = all(f"hello_{name}_world" in tool.result(name) for name in ("x", "y", "z"))
    return Outcome(caught, _ran(done) if caught else "missed it")


def _input_removed(tool: Tool) -> Outcome:
    made = [path for path in (tool.middle("z"), tool.final("z")) if path not in (tool.middle("x"), tool.final("x"))]
    tool.drop("z")
    done = tool.run()
    left = [path.relative_to(tool.folder).as_posix() for path in made if path != tool.final("x") and path.exists()]
    return Outcome(done.code == 0 and not left, f"left {' and '.join(left)}" if left else f"pruned, {_ran(done)}")


def _step_fails(tool: Tool) -> Outcome:
    tool.write("y", "FAIL y")
    done = tool.run()
    path = tool.middle("y")
    partial = path.exists() and "PARTIAL" in path.read_text("utf-8")
    kept = "the old output is kept" if path.exists() else "no output"
    return Outcome(done.code != 0 and not partial, f"exit {done.code}, {'PARTIAL left' if partial else kept}")


def _fails_again(tool: Tool) -> Outcome:
    tool.write("y", "FAIL y")
    tool.run()
    done = tool.run()
    return Outcome(done.code != 0, f"exit {done.code}" if done.code else "exit 0: nothing to be done")


def _edited_while_running(tool: Tool) -> Outcome:
    tool.write("x", "version one")
    tool.interrupt(3.0, lambda _: tool.write("x", "version two"))
    done = tool.run()
    fresh = "version two" in tool.result("x")
    return Outcome(fresh, f"next run: {_ran(done)}" if fresh else "stale for ever")


def _killed(tool: Tool) -> Outcome:
    for name in ("x", "y"):
        tool.write(name, f"killed {name}")
    tool.interrupt(3.0, lambda group: os.killpg(group, signal.SIGKILL))
    time.sleep(0.3)
    done = tool.run()
    whole = done.code == 0 and all(f"killed {name}" in tool.result(name) for name in ("x", "y"))
    return Outcome(whole, "goes on" if whole else f"exit {done.code}: {_complaint(done)}")


def _keeps_going(tool: Tool) -> Outcome:
    tool.write("x", "FAIL x")
    tool.write("y", "other y")
    tool.write("z", "other z")
    done = tool.run(keep_going=True)
    rest = all(f"other {name}" in tool.result(name) for name in ("y", "z"))
    said = "the rest is built" if rest else "the rest is not built"
    return Outcome(done.code != 0 and rest, f"exit {done.code}, {said}")


# Numbers 2 to 16 are those of the list that the project set itself; 17 was added to it.
CASES = (
    Case(2, "input touched", "nothing runs", _touched),
    Case(3, "input edited, same size, mtime restored", "caught", _same_size_and_time),
    Case(4, "only white space of an input edited", "at most its own step runs", _white_space),
    Case(5, "final output deleted", "restored, nothing runs", _final_deleted),
    Case(6, "intermediate output deleted", "restored, nothing runs", _middle_deleted),
    Case(7, "final output edited by hand", "put back", _final_edited),
    Case(8, "comment added to a step's code", "nothing runs", _comment, own_steps=True),
    Case(9, "second step's code edited", "it runs for each input, nothing before it", _step_edited, own_steps=True),
    Case(10, "module edited that steps import", "caught", _import_edited, own_steps=True),
    Case(11, "input removed", "its outputs are pruned", _input_removed),
    Case(12, "step fails half way", "failure, no half output", _step_fails, own_steps=True),
    Case(13, "run again after the failure", "fails again", _fails_again, own_steps=True),
    Case(15, "input edited while its step runs", "next run builds it again", _edited_while_running, own_steps=True),
    Case(16, "kill -9, then run", "goes on, no manual step", _killed, own_steps=True),
    Case(17, "one step fails, told to keep going", "failure, the rest is built", _keeps_going, own_steps=True),
)


def play(case: Case, tool: Tool) -> Outcome:
    """Build a fresh project, see that a second run does nothing, and play a case."""
    tool.prepare(case.own_steps)
    first = tool.run()
    if first.code:
        return Outcome(False, f"cannot build the project: {_complaint(first)}")
    again = tool.run()
    if again.code or again.actions:
        return Outcome(False, f"the second run is not quiet: {_ran(again)}")
    time.sleep(TICK_S)
    return case.play(tool)


def _put_back(tool: Tool, path: Path, harm: Callable[[Path], None]) -> Outcome:
    whole = path.read_bytes()
    harm(path)
    done = tool.run()
    back = path.exists() and path.read_bytes() == whole
    if not back:
        return Outcome(False, f"not put back, {_ran(done)}")
    return Outcome(not done.actions, _ran(done) if done.actions else "restored")


def _ran(done: Ran) -> str:
    if done.code:
        return f"exit {done.code}: {_complaint(done)}"
    return f"ran {', '.join(done.actions)}" if done.actions else "nothing ran"


def _complaint(done: Ran) -> str:
    lines = [line.strip() for line in done.said.split("\n") if line.strip()]
    telling = [line for line in lines if re.search("error|exception", line, re.IGNORECASE)]
    return (telling or lines or ["it said nothing"])[0][:COMPLAINT]


def _overwrite(path: Path) -> None:
    path.chmod(0o644)
    path.write_text("edited by hand", "utf-8")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    if old not in text:
        raise ValueError(f"{old!r} is not in {path}")
    path.write_text(text.replace(old, new), "utf-8")


def _replace_in_place(path: Path, old: str, new: str) -> None:
    with path.open("r+", encoding="utf-8") as file:
        text = file.read().replace(old, new)
        file.seek(0)
        file.write(text)
