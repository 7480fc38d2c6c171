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
from prodabuild.events import TrainingStep, silent
from prodabuild.training.job import Job, run_job
from prodabuild.training.loop import Log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.events import Emit, Event

CHUNK = 1 << 24  # gradients that are sent at once
ORPHAN_SECONDS = 0.2
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
                    emit(TrainingStep(**orjson.loads(line)))
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise _failure(folder)
    return [Log(*row) for row in orjson.loads((folder / LOGS).read_bytes())]


def _failure(folder: Path) -> ProdaError:
    """Return what a process raised; where it could not say, the last error that it wrote."""
    try:
        found = orjson.loads((folder / FAILURE).read_bytes())
        return (ProjectError if found["project"] else OutsideError)(found["message"], found["hint"])
    except FileNotFoundError:
        said = _ERROR.findall((folder / SAID).read_text("utf-8", "replace"))
        return OutsideError(
            f"a process that trained ended: {said[-1] if said else 'it was killed'}", "run the command again"
        )


class Summing:
    """Adds up gradients and losses of all processes, the first one's first."""

    def __init__(self, world: int) -> None:
        self._world = world

    def __call__(self, parameters: Sequence[Any], loss: float) -> float:
        """Give every process the sums."""
        import torch

        for parameter in parameters:
            if parameter.grad is None:  # this process had no sample of the step
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
        for chunk in torch.split(flat, CHUNK):
            chunk.copy_(self._sum(chunk))
        at = 0
        for parameter in parameters:
            parameter.grad.copy_(flat[at : at + parameter.numel()].view_as(parameter))
            at += parameter.numel()
        total: float = self._sum(torch.tensor([loss], dtype=torch.float64, device=flat.device)).item()
        return total

    def _sum(self, own: Any) -> Any:
        import torch

        found = [torch.empty_like(own) for _ in range(self._world)]
        torch.distributed.all_gather(found, own.contiguous())
        total = found[0]
        for other in found[1:]:
            total += other
        return total


def main(folder: Path, parent: int) -> int:
    """Train as one of the processes that torchrun started."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    import torch
    from torch import distributed

    job = Job(**orjson.loads((folder / JOB).read_bytes()))
    distributed.init_process_group("nccl" if job.device == "cuda" else "gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    if job.device == "cuda":
        torch.cuda.set_device(rank)
    try:
        logs = run_job(job, _tell if rank == 0 else silent, rank, world, Summing(world))
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
    if isinstance(event, TrainingStep):
        sys.stdout.buffer.write(orjson.dumps(asdict(event)) + b"\n")
        sys.stdout.buffer.flush()


def _end_with(parent: int) -> NoReturn:
    """End this process when the command is gone that holds the repo's lock."""
    while Path(f"/proc/{parent}").exists():
        time.sleep(ORPHAN_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
