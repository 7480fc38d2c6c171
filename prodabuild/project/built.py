"""What stands at a path in `build/`: the unit that made it, or the sample or test item in one of its lines."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from prodabuild.errors import ProjectError
from prodabuild.project.pipeline import BUILD

if TYPE_CHECKING:
    from prodabuild.project.scene import Scene

SHOWN = 3


def thing_at(scene: Scene, path: str) -> str | None:
    """Return the unit, record or sample at a path, `:LINE` behind it or not; None when it leads elsewhere.

    Raises `ProjectError` when no unit made it, when several did, and when it has no such line.
    """
    name, number = re.fullmatch(r"(.*?)(?::(\d+))?", path, re.DOTALL).groups()  # type: ignore[union-attr]
    inside = scene.places.inside_build(name)
    if inside is None:
        return None
    made = {file: unit for file, unit in scene.past.placed_below(inside).items() if scene.trace(unit)}
    unit = _maker(scene, inside, sorted(set(made.values())))
    return unit if number is None or inside not in made else _in_line(scene, unit, inside, int(number))


def _maker(scene: Scene, inside: str, units: list[str]) -> str:
    """Return the one unit that made a file or a folder."""
    whole = [unit for unit in units if scene.places.output(scene.trace(unit)) == f"{BUILD}/{inside}"]
    if len(found := whole or units) == 1:
        return found[0]
    if units:
        more = f" and {len(units) - SHOWN} more" if len(units) > SHOWN else ""
        raise ProjectError(f"{len(units)} units made {BUILD}/{inside}", f"name one: {', '.join(units[:SHOWN])}{more}")
    known = [row.path for row in scene.past.placed()]
    close = difflib.get_close_matches(inside, known, n=SHOWN)
    hint = f"did you mean {' or '.join(f'{BUILD}/{name}' for name in close)}?" if close else None
    raise ProjectError(f"no unit made {BUILD}/{inside}", hint)


def _in_line(scene: Scene, unit: str, inside: str, number: int) -> str:
    """Return what a line of a JSONL file is about, else the unit that made the file."""
    if not inside.endswith(".jsonl"):
        return unit
    rows = scene.places.rows(scene.trace(unit), inside)
    if not 0 < number <= len(rows):
        raise ProjectError(f"{BUILD}/{inside} has no line {number}", f"it has {len(rows)} lines")
    identity: str = rows[number - 1].get("id", unit)
    return identity
