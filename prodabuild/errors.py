"""The exceptions that prodabuild raises on purpose, and the exit code each one ends in.

ProdaError
├── ProjectError      1   the project is wrong: its author mends it
├── UsageError        2   the command line is wrong
├── StaleError        4   the lock or the build is behind its inputs
└── OutsideError      5   disk, remote, endpoint, missing extra: safe to retry

Exit 3 (a gate failed) is a verdict, not an exception; 70 is any other exception; 130 is Ctrl-C.
"""

from __future__ import annotations

from enum import IntEnum


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
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProjectError(ProdaError):
    """The data repo is wrong; running again without a change will not help."""


class UsageError(ProdaError):
    """The command line asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class StaleError(ProdaError):
    """Something would have to be rebuilt or rewritten, and the caller forbade it."""

    exit_code = ExitCode.STALE


class OutsideError(ProdaError):
    """The world outside the repo failed: disk, network, a package that is not installed."""

    exit_code = ExitCode.OUTSIDE
