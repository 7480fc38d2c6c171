"""The options that commands share, and the way a command is run: options in, `Console` and `Project` out."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from prodabuild.project import Project


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-C`, `--json`, `-q` and `-v`; the command gets `folder` and `console`."""

    @click.option(
        "-C",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        is_eager=True,  # other options are checked against it
        help="Run in this data repo.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")
    @click.option("-v", "--verbose", count=True, help="Print more.")
    @functools.wraps(function)
    def command(folder: Path, as_json: bool, quiet: bool, verbose: int, **others: Any) -> Any:
        console = Console(-1 if quiet else verbose, as_json)
        try:
            return function(folder=folder, console=console, **others)
        finally:
            console.close()

    return command


def building(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that build."""

    @click.option(
        "-j", "--jobs", type=click.IntRange(1), default=None, help="Processes for building data (default: the cores)."
    )
    @click.option("-k", "--keep-going", is_flag=True, help="Build what can be built after a failure.")
    @click.option("--locked", is_flag=True, help="Fail (exit 4) instead of changing proda.lock.")
    @click.option(
        "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train and test."
    )
    @functools.wraps(function)
    def command(jobs: int | None, device: str, **others: Any) -> Any:
        return function(jobs=jobs or cores(), device=visible_device(device), **others)

    return command


def cores() -> int:
    """Return how many cores this process may use; all of them where the system does not say."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def program() -> str:
    """Return how the shell calls this program from anywhere, whatever lies in the folder that it is called in."""
    return f"{shlex.quote(sys.executable)} -P -m prodabuild"


def visible_device(asked: str) -> str:
    """Return the device to ask for, CUDA_VISIBLE_DEVICES heeded."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return "cpu" if asked == "auto" and hidden else asked


def calculate_alone() -> None:
    """Keep linear algebra to one thread unless the user says otherwise: thin matrices gain nothing by more.

    They lose a lot by threads that wait for each other wherever something else runs. Call it before numpy is loaded.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def open_project(folder: Path) -> Project:
    """Open the data repo; the libraries below are told to stay offline and quiet, and whether DVC runs us."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from prodabuild.project import Project

    return Project.open(folder, inside_dvc="DVC_STAGE" in os.environ)
