"""Progress on a terminal and off it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.conftest import Repo


def on_terminal(repo: Repo, env: dict[str, str]) -> str:
    """Run a compile with a terminal as stderr; return what was drawn."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "prodabuild", "compile", "--to", "data"]
    process = subprocess.Popen(
        command,
        cwd=repo.path,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", **env},
    )
    os.close(theirs)
    drawn = b""
    try:
        while chunk := os.read(ours, 4096):
            drawn += chunk
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return drawn.decode()


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_a_bar_and_no_color_is_heeded(repo: Repo, env: dict[str, str], coloured: bool) -> None:
    repo.built()
    repo.edit("proda.yaml", "seed: 7", "seed: 8")  # all shards are built again; the code was read before
    drawn = on_terminal(repo, env)
    assert "shards: 12 built in" in drawn
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", drawn)) == coloured
