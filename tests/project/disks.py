"""Disks that are read-only or full, by real means: a mount namespace of one's own, where the kernel grants one."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.conftest import ROOT, Outcome

READ_ONLY = "mount --bind . . && mount -o remount,bind,ro . && cd ."


@cache
def refused() -> str | None:
    """Return why there is no namespace here, None when there is."""
    try:
        tried = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        done = subprocess.run(tried, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no `unshare` here"
    return None if done.returncode == 0 else f"no mount namespace is granted: {done.stderr.strip()}"


def script(folder: Path, *lines: str) -> Outcome:
    """Run lines of shell in a folder, in a namespace of their own; `prodabuild` is the program under test."""
    program = f'prodabuild() {{ {shlex.quote(sys.executable)} -m prodabuild "$@"; }}'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "\n".join([program, *lines])],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def read_only(folder: Path, *arguments: str) -> Outcome:
    """Run a command in a folder that cannot be written."""
    return script(folder, f"{READ_ONLY} && cd {shlex.quote(str(folder))} && prodabuild {shlex.join(arguments)}")
