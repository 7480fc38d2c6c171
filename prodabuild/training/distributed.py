"""One run in several processes of this machine, started by torchrun. Each computes its samples of a step.

Gradients are summed in the order of the processes, so a run gives the same bytes each time with as many of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from prodabuild.errors import OutsideError, ProdaError, ProjectError
from prodabuild.events import Note, TrainingStep, silent
from prodabuild.paths import read_source
from prodabuild.training.group import Group
from prodabuild.training.job import Job, run_job
from prodabuild.training.loop import Log

if TYPE_CHECKING:
    from prodabuild.events import Emit, Event

ORPHAN_SECONDS = 0.2
ASKING_SECONDS = 2.0  # where a program must be asked
PROCESSES = Path("/proc")  # of Linux
JOB, LOGS, FAILURE, SAID = "job.json", "logs.json", "failure.json", "said.txt"
_MODULE = "prodabuild.training.distributed"
_ERROR = re.compile(r"^\[rank\d+\]: (\w*(?:Error|Exception): .*)$", re.MULTILINE)


def run_together(job: Job, world: int, emit: Emit) -> list[Log]:
    """Train in `world` processes; returns the log lines. Raises `ProdaError` as one process would."""
    folder = Path(job.folder)
    (folder / JOB).write_bytes(orjson.dumps(asdict(job)))
    (folder / FAILURE).unlink(missing_ok=True)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(world)]
    with (
        (folder / SAID).open("wb") as said,
        subprocess.Popen(
            [*launcher, "-m", _MODULE, str(folder), str(os.getpid())], stdout=subprocess.PIPE, stderr=said
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith(b"{"):
                    emit(_heard(orjson.loads(line)))
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise _failure(folder)
    return [Log(*row) for row in orjson.loads(read_source(folder, LOGS))]


def _heard(said: dict[str, Any]) -> Event:
    return TrainingStep(**said) if "step" in said else Note(**said)


def _failure(folder: Path) -> ProdaError:
    """Return what a process raised; where it could not say, the last error that it wrote."""
    try:
        found = orjson.loads(read_source(folder, FAILURE))
        return (ProjectError if found["project"] else OutsideError)(found["message"], found["hint"])
    except FileNotFoundError:
        said = _ERROR.findall((folder / SAID).read_text("utf-8", "replace"))
        return OutsideError(
            f"a process that trained ended: {said[-1] if said else 'it was killed'}", "run the command again"
        )


def main(folder: Path, parent: int) -> int:
    """Train as one of the processes that torchrun started."""
    threading.Thread(target=_end_with, args=(parent, os.getppid()), daemon=True).start()
    import torch
    from torch import distributed

    job = Job(**orjson.loads(read_source(folder, JOB)))
    distributed.init_process_group("nccl" if job.device == "cuda" else "gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    if job.device == "cuda":
        torch.cuda.set_device(rank)
    try:
        logs = run_job(job, _tell if rank == 0 else silent, Group(rank, world))
    except ProdaError as error:
        (folder / FAILURE).write_bytes(
            orjson.dumps({"message": error.message, "hint": error.hint, "project": isinstance(error, ProjectError)})
        )
        return 1
    if rank == 0:
        (folder / LOGS).write_bytes(orjson.dumps([tuple(log) for log in logs]))
    distributed.barrier()
    distributed.destroy_process_group()
    return 0


def _tell(event: Event) -> None:
    if isinstance(event, TrainingStep | Note):
        sys.stdout.buffer.write(orjson.dumps(asdict(event)) + b"\n")
        sys.stdout.buffer.flush()


def _end_with(command: int, launcher: int) -> NoReturn:
    """End this process when one of these is gone: the command that holds the repo's lock, or torchrun.

    Whose parent is gone has another one at once; the dead may keep their number until somebody asks how they ended.
    """
    seconds = ORPHAN_SECONDS if (PROCESSES / "self").exists() else ASKING_SECONDS
    while os.getppid() == launcher and _parent_of(launcher) == command:
        time.sleep(seconds)
    os._exit(1)


def _parent_of(process: int) -> int:
    """Return the parent of a process, 0 when it is gone: from /proc, and where there is none from `ps`."""
    if not (PROCESSES / "self").exists():
        found = subprocess.run(["ps", "-o", "ppid=", "-p", str(process)], capture_output=True, check=False).stdout
        return int(found) if found.strip().isdigit() else 0
    try:
        return int((PROCESSES / f"{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
