"""The seal of a file: its size and time at a clean end, written beside it.

A writer breaks the seal before it changes the file and seals it again when it ends. So a file that differs from its
seal was changed by something else, and a file without one belongs to a run that goes on or was killed.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Literal

from prodabuild.paths import read_regular

if TYPE_CHECKING:
    from pathlib import Path

Seal = Literal["whole", "broken", "none"]
TRIES = 20
_SECOND = 1_000_000_000


def write_seal(path: Path) -> None:
    """Seal a file. The seal is younger by the file system's clock, so that a later change has another time."""
    found = os.stat(path)
    seal = seal_of(path)
    for _ in range(TRIES):
        seal.write_text(f"{found.st_size} {found.st_mtime_ns}\n", "utf-8")
        if os.stat(seal).st_mtime_ns > found.st_mtime_ns:
            return
        time.sleep(0.001)
    seal.unlink()


def break_seal(path: Path) -> None:
    """Take the seal away: the file is about to change."""
    seal_of(path).unlink(missing_ok=True)


def look_at_seal(path: Path, journal: Path) -> Seal:
    """Compare a file with its seal; a sealed file has no (or an empty) journal."""
    for _ in range(TRIES):
        seal = _read(seal_of(path))
        if seal is None:
            return "none"
        found = os.stat(path)
        empty = not journal.exists() or not journal.stat().st_size
        if empty and seal[0] == found.st_size and _same_time(seal[1], found.st_mtime_ns):
            return "whole"
        if _read(seal_of(path)) == seal:  # no writer came between
            break
    return "broken"


def seal_of(path: Path) -> Path:
    """Return where the seal of a file lies."""
    return path.with_suffix(".seal")


def _read(seal: Path) -> tuple[int, int] | None:
    try:
        found = re.fullmatch(rb"(\d+) (\d+)\n", read_regular(seal))
    except FileNotFoundError:
        return None
    return (int(found[1]), int(found[2])) if found else None


def _same_time(sealed: int, found: int) -> bool:
    """Tell whether two times are one; archives may keep whole seconds only."""
    return sealed == found or (found % _SECOND == 0 and sealed // _SECOND == found // _SECOND)
