"""Several processes, one of which is killed: nothing is left running, and the next run ends in the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import prodabuild
from tests.conftest import Repo

pytestmark = pytest.mark.train
ROOT = Path(prodabuild.__file__).parent.parent
COMMAND, TORCHRUN, FIRST, SECOND = range(4)
# The command under test: checkpoints are written often, and each step is told by a line.
PROGRAM = """
import sys
from functools import partial

from prodabuild.cli.main import main
from prodabuild.events import TrainingStep
from prodabuild.training import model

together = model.run_together

def noted(job, world, emit):
    def both(event):
        emit(event)
        if isinstance(event, TrainingStep):
            print("step", event.step, flush=True)
    return together(job, world, both)

model.Job = partial(model.Job, checkpoint_seconds=0.1)
model.run_together = noted
main()
"""


class Command:
    """A compile in a process of its own, and the processes that it started."""

    def __init__(self, repo: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "compile", "--device", "cpu", "--jobs", "1", "-q"],
            cwd=repo,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, more: int) -> int:
        """Wait until so many steps were done; returns the first of them."""
        assert self.process.stdout is not None
        steps = [int(self.process.stdout.readline().split()[1]) for _ in range(more)]
        return steps[0]

    def all(self) -> list[int]:
        """Return this process, torchrun and the processes that train."""
        (launcher,) = children(self.process.pid)
        return [self.process.pid, launcher, *children(launcher)]

    def end(self) -> tuple[int, str]:
        """Wait for the end; returns exit code and what was said."""
        said = self.process.communicate(timeout=900)[1]
        return self.process.returncode, said


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_the_end_of(processes: list[int]) -> None:
    limit = time.monotonic() + 60
    while any(map(running, processes)):
        assert time.monotonic() < limit, [each for each in processes if running(each)]
        time.sleep(0.05)


@pytest.mark.parametrize(("setting", "victims"), [("", (COMMAND, TORCHRUN, FIRST)), (", fsdp: true", (FIRST, SECOND))])
def test_a_kill_leaves_nothing_behind_and_the_next_run_goes_on(
    taught: Repo, setting: str, victims: tuple[int, ...]
) -> None:
    taught.edit("proda.yaml", "{r: 8", "{dropout: 0.1, r: 8")
    taught.edit("proda.yaml", "epochs: 6", f"epochs: 3, world_size: 2{setting}")
    assert Command(taught.path).end() == (0, "")
    expected = taught.files("build/model")
    for name in ("build", ".prodabuild", "proda.lock"):
        path = taught.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    firsts = []
    for victim in victims:
        command = Command(taught.path)
        firsts.append(command.until(8))
        processes = command.all()
        os.kill(processes[victim], signal.SIGKILL)
        code, said = command.end()
        wait_for_the_end_of(processes)
        if victim == COMMAND:
            assert code == -signal.SIGKILL
        else:
            assert (code, "error: a process that trained ended: " in said) == (5, True), said
            assert said.endswith("hint: run the command again\n")
    last = Command(taught.path)
    firsts.append(last.until(1))
    assert firsts == sorted(set(firsts)), firsts  # each went on from where the one before was
    assert last.end() == (0, "")
    assert taught.files("build/model") == expected
