"""The exceptions that prodabuild raises on purpose, and the exit code each one ends in.

ProdaError
├── ProjectError      1   the project is wrong: its author mends it
│   └── UnitsError    1   units could not be built, the rest was (5 or 70 when no failure is the project's)
├── UsageError        2   the command line is wrong
├── StaleError        4   the lock or the build is behind its inputs
└── OutsideError      5   disk, remote, endpoint, missing extra: safe to retry

Exit 3 (a gate failed) is a verdict, not an exception; 70 is any other exception; 130 is Ctrl-C.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING

from prodabuild.escaping import masked

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExitCode(IntEnum):
    """What the `prodabuild` process returns (docs/reference/exit-codes.md)."""

    DONE = 0
    PROJECT_WRONG = 1
    USAGE = 2
    GATE_FAILED = 3
    STALE = 4
    OUTSIDE = 5
    BUG = 70
    INTERRUPTED = 130


class ProdaError(Exception):
    """A failure that a person can act on: one message, one optional hint, one exit code."""

    exit_code = ExitCode.PROJECT_WRONG

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = masked(message)  # it may quote the URL of a remote
        self.hint = masked(hint) if hint else hint
        super().__init__(self.message)


class ProjectError(ProdaError):
    """The data repo is wrong; running again without a change will not help."""


class UnitsError(ProjectError):
    """Units failed, and what does not depend on them was built. `blocked` are the units that do."""

    def __init__(self, failures: Sequence[tuple[str, Exception]], blocked: Sequence[str]) -> None:
        self.failures, self.blocked = tuple(failures), tuple(blocked)
        units = ", ".join(unit for unit, _ in failures)
        waiting = f"; blocked by that: {', '.join(listed(blocked))}" if blocked else ""
        super().__init__(f"{len(failures)} unit{'s' if len(failures) != 1 else ''} failed: {units}{waiting}")


def listed(units: Sequence[str]) -> list[str]:
    """Return units by name, those of a kind that has more than three as their number."""
    kinds = [unit.partition(":")[0] for unit in units]
    number = Counter(kinds)
    shown = (f"{number[kind]} of {kind}" if number[kind] > 3 else unit for unit, kind in zip(units, kinds, strict=True))
    return list(dict.fromkeys(shown))


class UsageError(ProdaError):
    """The command line asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class StaleError(ProdaError):
    """Something would have to be rebuilt or rewritten, and the caller forbade it."""

    exit_code = ExitCode.STALE


class OutsideError(ProdaError):
    """The world outside the repo failed: disk, network, a package that is not installed."""

    exit_code = ExitCode.OUTSIDE


_AGAIN = "and run the command again: finished work is kept"
_HINTS = {
    errno.ENOSPC: f"make room {_AGAIN}",
    errno.EDQUOT: f"make room in your quota {_AGAIN}",
    errno.EFBIG: f"raise the limit on the size of files (ulimit -f) {_AGAIN}",
    errno.EROFS: "make it writable, or work on a copy of the repository; `check` and `plan` work as it is",
    errno.EACCES: f"mend the permissions {_AGAIN}",
    errno.EPERM: f"mend the permissions {_AGAIN}",
    errno.EMFILE: f"raise the limit on open files (ulimit -n) {_AGAIN}",
    errno.ENFILE: f"close other programs {_AGAIN}",
    errno.EIO: f"make room or look after the disk, {_AGAIN}",
}
_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def outside(error: OSError) -> OutsideError:
    """Return what the operating system refused as an error that names the path and says what to do."""
    what = error.strerror or str(error)
    if error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else str(error.filename)
        what = f"cannot write {name}: {what}" if error.errno in _WRITING else f"{name}: {what}"
    return OutsideError(what, _HINTS.get(error.errno or 0, f"mend that {_AGAIN}"))
