"""Run a command of prodabuild on a hostile data repo, and report everything that it must not do.

The repo lies in a folder with a secret, a victim, a home and a place for temporary files. A command runs in a forked
process with limits of time, memory and file sizes. `breaches` compares snapshots of all that is around the repo.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import pkgutil
import re
import resource
import signal
import stat
import sys
import tempfile
import time
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import prodabuild
from prodabuild.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CODES = (0, 1, 2, 3, 4, 5)
MARK = "~Qx"  # every word of a secret begins with it; it is in no base64, hex, or sentence
WORDS = " ".join(f"{MARK}{number}" for number in range(40))
SECRETS = {
    "secret.txt": f"{WORDS}\n",
    "secret.yaml": f"concepts:\n- id: zoo/secret\n  name: {MARK}1\n  definition: {WORDS}\n",
    "secret.json": f'{{"{MARK}0": "{WORDS}"}}\n',
    "secret.jsonl": f'{{"level":"concept","id":"zoo/x","name":"{MARK}1","definition":"{WORDS}"}}\n',
}
VICTIMS = (
    "victim/keep.txt", "victim/0001-x.yaml", "victim/files/md5/ab/" + "c" * 30, "victim/x.123456",
    "victim/train/zoo/all.jsonl", "others/a/keep.txt", "others/b/keep.123456",
)  # fmt: skip
SECONDS = 20.0  # of CPU time that a command may take; of a clock three times as many, on a busy machine
PATIENCE = 3
MEMORY = 1 << 30  # bytes of resident memory that a command may reach
SPACE = 6 << 30  # bytes of address space
FILE_SIZE = 1 << 29  # bytes that a command may write to one file


class Ended(NamedTuple):
    """How a command ended: exit code (negative: by a signal, None: killed after `seconds`), output, peak bytes."""

    code: int | None
    out: str
    err: str
    seconds: float
    peak: int


class Entry(NamedTuple):
    """What a snapshot records of one path: mode, size, time of change in ns, digest of its bytes or a link's target."""

    mode: int
    size: int
    changed: int
    content: str


class Scene(NamedTuple):
    """A folder around a repo: what lies in it besides the repo is not the repo's to touch."""

    around: Path

    @property
    def repo(self) -> Path:
        """Return the data repo."""
        return self.around / "repo"


def preload() -> None:
    """Import what commands import, so that a forked process need not."""
    for module in pkgutil.walk_packages(prodabuild.__path__, "prodabuild."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("dvc.repo", "fastobo", "rdflib.plugins.parsers.jsonld", "rdflib.plugins.parsers.notation3"):
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def set_scene(around: Path) -> Scene:
    """Make the folders around a repo, with secrets and victims; the repo itself is the caller's to make."""
    for name in ("home", "tmp"):
        (around / name).mkdir(parents=True)
    for name, text in SECRETS.items():
        (around / name).write_text(text)
    for name in VICTIMS:
        file = around / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a stranger may not touch this\n")
    return Scene(around)


def command(scene: Scene, arguments: Sequence[str], seconds: float = SECONDS, folder: Path | None = None) -> Ended:
    """Run a command line in a forked process, which is killed with its children after so many seconds of CPU time."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        return _command(scene, arguments, seconds, folder, (out, err))


def _command(
    scene: Scene, arguments: Sequence[str], seconds: float, folder: Path | None, outputs: tuple[IO[bytes], IO[bytes]]
) -> Ended:
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(scene, [output.fileno() for output in outputs], folder or scene.repo, seconds)
        code = 99
        try:
            code = run(list(arguments))
        finally:
            with suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code & 0xFF)
    ended, peak = _wait(child, began + PATIENCE * seconds)
    took = time.monotonic() - began
    out, err = (_text(output) for output in outputs)
    return Ended(ended, out, err, took, peak)


def _become(scene: Scene, outputs: list[int], folder: Path, seconds: float) -> None:
    """Let this process be a shell's fresh one: limits, streams, environment, folder."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
    spent = ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (spent, spent))
    resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, handle in enumerate((nothing, *outputs)):
        os.dup2(handle, target)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    os.environ.update(environment(scene))
    tempfile.tempdir = None
    os.chdir(folder)


def environment(scene: Scene) -> dict[str, str]:
    """Return the variables that keep everything of this user inside the scene."""
    places = {f"DVC_{kind}_DIR": str(scene.around / "home" / kind) for kind in ("GLOBAL_CONFIG", "SYSTEM_CONFIG")}
    return {
        **places,
        "DVC_SITE_CACHE_DIR": str(scene.around / "home/site"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "HF_HUB_OFFLINE": "1",
        "HOME": str(scene.around / "home"),
        "TMPDIR": str(scene.around / "tmp"),
    }


def _wait(child: int, deadline: float) -> tuple[int | None, int]:
    code: int | None = None
    pause = 0.001
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            break
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            usage = os.wait4(child, 0)[2]
            break
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what it has left behind
    return code, usage.ru_maxrss * 1024


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(4 << 20).decode(errors="surrogateescape")


def snapshot(scene: Scene) -> dict[str, Entry]:
    """Return what lies around a repo, and those files of its git that a command may not change."""
    found = dict(_below(scene.around, (scene.repo,)))
    git = scene.repo / ".git"
    for name in ("config", "hooks"):
        found.update(_below(git / name, (), f"repo/.git/{name}"))
    return found


def tree(scene: Scene, but: Sequence[str]) -> dict[str, Entry]:
    """Return what lies in a repo, some of its folders left out; without times, since a reader may touch a folder."""
    found = _below(scene.repo, tuple(scene.repo / name for name in but))
    return {path: entry._replace(changed=0) for path, entry in found if not stat.S_ISDIR(entry.mode)}


def _below(top: Path, but: Sequence[Path], name: str = "") -> Iterator[tuple[str, Entry]]:
    try:
        found = os.lstat(top)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield name or ".", Entry(found.st_mode, found.st_size, found.st_mtime_ns, _content(top, found))
    if stat.S_ISDIR(found.st_mode):
        for entry in sorted(os.scandir(top), key=lambda entry: entry.name):
            path = Path(entry.path)
            if path not in but:
                yield from _below(path, but, f"{name}/{entry.name}" if name else entry.name)


def _content(path: Path, found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(found.st_mode) or found.st_size > (64 << 20):
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def differences(before: dict[str, Entry], after: dict[str, Entry]) -> list[str]:
    """Return what was written, changed or deleted between two snapshots."""
    changes = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new and path not in (".", "tmp", "home") and not path.startswith("tmp/prodabuild-"):
            what = "written" if old is None else "deleted" if new is None else "changed"
            changes.append(f"{what}: {path}")
    return changes


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\udc1b")


def breaches(ended: Ended, seconds: float = SECONDS) -> list[str]:
    """Return what one run must not have done, by its exit code and output alone."""
    text = ended.out + ended.err
    found = []
    if ended.code in (None, -signal.SIGKILL, -signal.SIGXCPU):
        found.append(f"hang: not done after {seconds:g} s")
    elif ended.code not in CODES:
        found.append(f"exit code {ended.code}")
    if "Traceback (most recent call last)" in text:
        found.append("traceback")
    if "a bug in prodabuild" in text:
        found.append("a bug in prodabuild: " + text.partition("a bug in prodabuild: ")[2].partition("\n")[0])
    if MARK in text:
        found.append("a secret was printed")
    if ended.peak > MEMORY:
        found.append(f"memory: {ended.peak >> 20} MiB")
    if match := _CONTROL.search(text):
        found.append(f"control character {match[0]!r} was printed")
    return found


def secrets_in(scene: Scene, folders: Sequence[str] = ("build", ".prodabuild", ".dvc/cache")) -> list[str]:
    """Return the files of these folders that hold words of a secret: something was copied from outside."""
    found = []
    for folder in folders:
        for top, _, files in os.walk(scene.repo / folder):
            for file in files:
                path = Path(top, file)
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode) and status.st_size < (64 << 20) and MARK.encode() in path.read_bytes():
                    found.append(f"holds a secret: {path.relative_to(scene.repo)}")
    return found
