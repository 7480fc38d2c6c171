"""Other build systems: each installed into a virtual environment of its own, or named as absent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from report import progress

LIST = Path(__file__).parent / "peers.txt"
SYSTEM = ("make",)  # taken from the machine, not from the package index


class Peer(NamedTuple):
    """An installed tool: its name and version, and the folder with its commands (None: those of the system)."""

    name: str
    version: str
    commands: Path | None


class Absent(NamedTuple):
    """A tool that cannot be measured here, and why."""

    name: str
    reason: str


def find(names: list[str], cache: Path) -> tuple[list[Peer], list[Absent]]:
    """Return the peers that are there or can be installed below `cache`, and those that cannot."""
    found = [_system(name) if name in SYSTEM else _installed(name, cache / "peers" / name) for name in names]
    return [one for one in found if isinstance(one, Peer)], [one for one in found if isinstance(one, Absent)]


def environment(peer: Peer | None, home: Path) -> dict[str, str]:
    """Return the environment that a tool runs in: its commands first, a home of its own, no message to its makers."""
    env = dict(os.environ)
    if peer is not None and peer.commands is not None:
        env["PATH"] = f"{peer.commands}:{env['PATH']}"
    home.mkdir(parents=True, exist_ok=True)
    env |= {"HOME": str(home), "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(home / "dvc")}
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": "benchmark", f"GIT_{role}_EMAIL": "benchmark@example.invalid"}
    return env


def requirement(name: str) -> str:
    """Return the line of peers.txt for a tool."""
    return next(line for line in LIST.read_text("utf-8").split("\n") if re.match(rf"{name}\W", line))


def _installed(name: str, folder: Path) -> Peer | Absent:
    wanted, stamp = requirement(name), folder / "installed.txt"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        progress(f"installing {wanted} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wanted]
        for command in ([sys.executable, "-m", "venv", str(folder)], pip):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                said = (done.stderr + done.stdout).strip().split("\n")
                return Absent(name, f"{wanted} cannot be installed: {said[-1]}")
        stamp.write_text(wanted, "utf-8")
    return Peer(name, _version(str(folder / "bin" / name)), folder / "bin")


def _system(name: str) -> Peer | Absent:
    found = shutil.which(name)
    return Peer(name, _version(found), None) if found else Absent(name, f"the system has no {name}")


def _version(command: str) -> str:
    said = subprocess.run([command, "--version"], capture_output=True, text=True).stdout
    number = re.search(r"\d+(\.\d+)+", said)
    return number[0] if number else "unknown"
