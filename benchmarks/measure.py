"""Commands under measurement: wall time, CPU time and memory of a process and everything that it starts."""

from __future__ import annotations

import os
import platform
import resource
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parent.parent
MB = 1_000_000
PERIODS = (0.001, 0.01)  # seconds between two looks at the memory of a process tree: at first, later
SOON = 30  # looks after which a process is no longer a short one
_PAGE = resource.getpagesize()


class Measured(NamedTuple):
    """One run of a command.

    `cpu_s` is user and system time of the whole tree (wait4). `rss_mb` is the peak of the biggest process (wait4; where
    that is no more than this process had when it forked, the largest VmHWM that sampling saw). `tree_mb` is the peak of
    the sum over the tree (sampled; a page that processes share counts for each of them).
    """

    wall_s: float
    cpu_s: float
    rss_mb: float
    tree_mb: float
    code: int
    out: str
    err: str


def run(
    command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, limit_mb: float | None = None
) -> Measured:
    """Run a command to its end, or until the tree holds more than `limit_mb` (its code is then -9)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=err, start_new_session=True)
        watch = _Watch(process.pid, limit_mb)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rss = used.ru_maxrss * 1024 if used.ru_maxrss > own else watch.largest
    return Measured(wall, used.ru_utime + used.ru_stime, rss / MB, max(watch.sum, rss) / MB, process.returncode, *texts)


def checked(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> Measured:
    """Run a command that must succeed; raises RuntimeError with what it said."""
    done = run(command, folder, env)
    if done.code:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.code}\n{done.out[-2000:]}{done.err[-2000:]}")
    return done


def quiet_disk() -> None:
    """Write out what is dirty in the page cache, so that no measurement pays for the one before it."""
    os.sync()


def middle(values: Iterable[float], digits: int = 3) -> float:
    """Return the rounded median."""
    return round(statistics.median(values), digits)


class _Watch:
    """A thread that samples the memory of a process tree, and ends the tree when it holds too much."""

    def __init__(self, pid: int, limit_mb: float | None) -> None:
        self.sum = 0
        self.largest = 0
        self._pid = pid
        self._limit_mb = limit_mb
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling."""
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        looks = 0
        while not self._over.wait(PERIODS[looks > SOON]):
            looks += 1
            sizes = [_memory(pid) for pid in _tree(self._pid)]
            self.sum = max(self.sum, sum(now for now, _ in sizes))
            self.largest = max([self.largest, *(peak for _, peak in sizes)])
            if self._limit_mb and self.sum > self._limit_mb * MB:
                os.killpg(self._pid, signal.SIGKILL)
                return


def _tree(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        try:
            tasks = os.listdir(f"/proc/{one}/task")
            todo += [int(child) for task in tasks for child in _read(f"/proc/{one}/task/{task}/children").split()]
        except OSError:
            continue  # it has ended meanwhile
    return found


def _memory(pid: int) -> tuple[int, int]:
    """Return the resident bytes of a process now, and at their peak."""
    try:
        now = int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE
        peak = next(line for line in _read(f"/proc/{pid}/status").splitlines() if line.startswith("VmHWM"))
    except (OSError, IndexError, StopIteration):
        return 0, 0
    return now, int(peak.split()[1]) * 1024


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def machine() -> dict[str, Any]:
    """Return what a figure depends on: processor, cores, memory, system, Python, and how busy the machine was."""
    processor = [line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    release = platform.freedesktop_os_release()
    return {
        "cpu": processor[0].partition(":")[2].strip() if processor else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * _PAGE / 1e9),
        "os": f"{release.get('PRETTY_NAME', 'Linux')}, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def machine_line(found: Mapping[str, Any]) -> str:
    """Return the machine in one line."""
    return (
        f"{found['cpu']}, {found['cores']} cores, {found['memory_gb']} GB; {found['os']}; Python {found['python']}; "
        f"load {found['load']} at the start"
    )


def own_environment() -> dict[str, str]:
    """Return the environment in which `python -m prodabuild` is the code beside this benchmark."""
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *([path] if path else [])])}
