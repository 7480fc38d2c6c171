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
    from prodabuild.project.trust import Trust


_SHARED = "prodabuild.cli.options"  # where a context keeps what the options say that are shared


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-C`, `--json`, `-q` and `-v`, which count the same before and behind the name of a command."""
    options: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
        (("-C", "folder"), {"type": _FOLDER, "default": Path(), "help": "Run in this data repo."}),
        (("--json", "as_json"), {"is_flag": True, "help": "Print one JSON document on stdout."}),
        (("-q", "--quiet"), {"is_flag": True, "help": "Print results and errors only."}),
        (("-v", "--verbose"), {"count": True, "help": "Print more."}),
    )
    for names, settings in reversed(options):  # eager: other options are checked against the folder
        function = click.option(*names, expose_value=False, is_eager=True, callback=_take, **settings)(function)
    return function


_FOLDER = click.Path(file_okay=False, path_type=Path)


def _take(context: click.Context, option: click.Parameter, value: Any) -> None:
    given = _given(context)
    given[str(option.name)] = given["folder"] / value if option.name == "folder" else given[str(option.name)] + value


def _given(context: click.Context) -> dict[str, Any]:
    fresh = {"folder": Path(), "as_json": 0, "quiet": 0, "verbose": 0}
    given: dict[str, Any] = context.meta.setdefault(_SHARED, fresh)
    return given


def folder_of(context: click.Context) -> Path:
    """Return the data repo that a command runs in."""
    folder: Path = _given(context)["folder"]
    return folder


def wants_json() -> bool:
    """Tell whether the command that runs is asked for `--json`."""
    return bool(_given(click.get_current_context())["as_json"])


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all commands share; the command gets `folder` and `console`."""

    @shared
    @functools.wraps(function)
    def command(**others: Any) -> Any:
        context = click.get_current_context()
        given = _given(context)
        console = context.find_object(Console) or Console()
        console.configure(-1 if given["quiet"] else given["verbose"], bool(given["as_json"]))
        try:
            return function(folder=given["folder"], console=console, **others)
        finally:
            console.close()

    return command


_TRUST = "prodabuild.trust"  # where a context keeps what `--trust` says


def trusting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--trust` to a command that restores what was built elsewhere; `trust` returns what it says."""
    return click.option(
        "--trust",
        type=click.Choice(["none", "lock", "all"]),
        default="lock",
        expose_value=False,
        callback=lambda context, _, value: context.meta.__setitem__(_TRUST, value),
        help="What to restore of what was built elsewhere: nothing, what the trusted branch names, or everything.",
    )(function)


def trust() -> Trust:
    """Return what is believed of builds elsewhere, by the command that runs."""
    found: Trust = click.get_current_context().meta[_TRUST]
    return found


def owning(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--no-own-code` to a command that builds; it gets `own_code`."""
    says = "Fail (exit 1) where the build would run code of this repository."
    return click.option("--no-own-code", "own_code", is_flag=True, flag_value=False, default=True, help=says)(function)


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--no-own-code` and `--trust` to a command that builds: what it does with what others wrote."""
    return owning(trusting(function))


def building(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that build."""

    @click.option(
        "-j", "--jobs", type=click.IntRange(1), default=None, help="Processes for building data (default: the cores)."
    )
    @click.option("-k", "--keep-going", is_flag=True, help="Build what can be built after a failure.")
    @click.option("--locked", is_flag=True, help="Fail (exit 4) instead of changing proda.lock.")
    @guarded
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
