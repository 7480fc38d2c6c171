"""What the cases of the matrix ask of a build system: a small project with three inputs, and ways to change it.

Every input `n` is made into a middle file (step `a`: spaces tidied) and from there into a final one (step `b`). Steps
note in `ran.log` that they run. While SLOW is in the environment, step `a` takes that many seconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

INPUTS = ("x", "y", "z")
LIMIT_S = 300


class Ran(NamedTuple):
    """One run of the tool: exit code, the actions that were carried out, sorted, and what it said."""

    code: int
    actions: tuple[str, ...]
    said: str


class Tool(ABC):
    """A build system with its project in `folder`."""

    name: str
    version: str
    edited_step: frozenset[str]  # what an edit to the second step has to run: it, and what reads its outputs

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.env = {**env, "PYTHONDONTWRITEBYTECODE": "1"}

    @abstractmethod
    def prepare(self, own_steps: bool) -> None:
        """Write the project; `own_steps` when the case edits, slows down or breaks a step's code."""

    @abstractmethod
    def command(self, keep_going: bool) -> list[str]:
        """Return the command that builds everything."""

    @abstractmethod
    def source(self, name: str) -> Path:
        """Return the file of an input."""

    @abstractmethod
    def middle(self, name: str) -> Path:
        """Return what step `a` makes of an input."""

    @abstractmethod
    def final(self, name: str) -> Path:
        """Return what step `b` makes of it."""

    @property
    @abstractmethod
    def step(self) -> Path:
        """Return the source file of the second step."""

    @property
    @abstractmethod
    def imported(self) -> Path:
        """Return a module that steps import."""

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Write an input anew."""

    @abstractmethod
    def respace(self, name: str) -> None:
        """Change only white space that the result does not show."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove an input, and say so in the project's description if that lists inputs."""

    def result(self, name: str) -> str:
        """Return the text of what an input was made into, in lower case; empty when it is not there."""
        path = self.final(name)
        return path.read_text("utf-8").lower() if path.exists() else ""

    def run(self, keep_going: bool = False) -> Ran:
        """Build everything."""
        self._log.unlink(missing_ok=True)
        done = subprocess.run(
            self.command(keep_going),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        return Ran(done.returncode, self.actions(done.stdout), done.stdout + done.stderr)

    def interrupt(self, seconds: float, then: Callable[[int], None]) -> None:
        """Build with a slow step `a`; once it runs, call `then` with the process group, and wait for the end."""
        self._log.unlink(missing_ok=True)
        running = subprocess.Popen(
            self.command(False),
            cwd=self.folder,
            env={**self.env, "SLOW": str(seconds)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + LIMIT_S / 5
        while not self._log.exists() and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.4)
        then(running.pid)
        try:
            running.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)

    def actions(self, out: str) -> tuple[str, ...]:
        """Return the actions of the last run."""
        return tuple(sorted(self._log.read_text("utf-8").split("\n")[:-1])) if self._log.exists() else ()

    @property
    def _log(self) -> Path:
        return self.folder / "ran.log"
