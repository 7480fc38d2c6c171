"""Two people on two clones, as the guide tells it: every command runs, every step prints what the guide shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.engine
GUIDE = ROOT / "docs/guides/team.md"
PATCH = "kitchen/patches/0001-thin-sauces.yaml"
BEGINNINGS = ("prodabuild init", "git clone")  # run beside the repo, the others in it
VARYING = re.compile(r"\d+\.\d+ s\b|\d+\.\d+ kB|\b[0-9a-f]{40}\b|(?<=dataset )[0-9a-f]{12}|(?<=march \()[0-9a-f]{12}")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return where the guide's `/srv` lies: two people, an empty repository for git, a folder for objects."""
    for name in ("ann", "ben", "zoo"):
        (tmp_path / name).mkdir()
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", tmp_path / "zoo.git"], check=True)
    return tmp_path


def call(place: Path, who: str, command: str) -> str:
    """Run a command of the guide; return what it prints, without what differs from run to run."""
    folder = place / who / ("" if command.startswith(BEGINNINGS) else "kitchen")
    people = {
        f"GIT_{role}_{what}": f"{who}@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, **people, "PATH": path, "PYTHONPATH": str(ROOT), "GIT_CONFIG_GLOBAL": os.devnull}
    line = command.replace("/srv", str(place))
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return VARYING.sub("*", done.stdout.replace(str(place), "/srv"))


def steps(block: str) -> list[tuple[str, str]]:
    """Return the commands of a block, each with what it prints."""
    found: list[tuple[str, str]] = []
    for is_command, lines in groupby(block.splitlines(keepends=True), lambda line: line.startswith("$ ")):
        if is_command:
            found += [(line[2:].rstrip("\n"), "") for line in lines]
        else:
            found[-1] = (found[-1][0], VARYING.sub("*", "".join(lines)))
    return found


def test_two_people_work_as_the_guide_tells(place: Path) -> None:
    pytest.importorskip("dvc")
    blocks = re.findall(r"```(\w+)(?: (\w+))?\n(.*?)```\n", GUIDE.read_text("utf-8"), re.DOTALL)
    assert {who for kind, who, _ in blocks if kind == "console"} == {"ann", "ben"}
    for kind, who, block in blocks:
        if kind == "yaml":
            (place / "ben" / PATCH).write_text(block)
            continue
        for command, expected in steps(block):
            assert (command, call(place, who, command)) == (command, expected)
