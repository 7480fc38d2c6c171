"""The stages of `dvc.yaml` that run prodabuild, and the files that they depend on."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine.dvccache import dvc_folder
from prodabuild.engine.dvcfile import LOCK, PIPELINE, read_lock, read_stages
from prodabuild.engine.dvcignore import UnlistedError, list_files
from prodabuild.paths import refusal
from prodabuild.training.device import probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prodabuild.engine.dvcfile import DvcStage
    from prodabuild.project.stages import Target

BUILD = "build"
ORDER: tuple[Target, ...] = ("data", "model", "results")
RECORDED = "dvc.lock"  # the state's note of what is in the lock; it falls when a source moves
_COMPILE: dict[str, Target] = {"data": "data", "model": "model"}
_FLAG = re.compile(r"-[kqv]+|--keep-going|--quiet|--verbose|--json|--locked|-j\d+|--jobs=\d+")


@dataclass(frozen=True)
class Pipeline:
    """The stages that run prodabuild, in build order, and what lies below each of their dependencies.

    It is read before the sources are, so that a file which comes later is in no record of this build.
    """

    stages: tuple[tuple[Target, DvcStage], ...] = ()
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def files(self) -> Iterator[str]:
        """Return the files of the repo that the stages depend on."""
        return (posixpath.join(path, name).rstrip("/") for path, names in self.listed.items() for name in names)


class Command(NamedTuple):
    """What a command line makes, and the device that it asks for."""

    target: Target
    device: str = "auto"


def read_pipeline(root: Path, device: str) -> Pipeline:
    """Return the pipeline of a repo that uses DVC; raises `ProjectError` when DVC's files cannot be read.

    `device` is the one asked for: a stage that asks for another does not make what is built here.
    """
    if dvc_folder(root) is None:
        return Pipeline()
    found = [(command, stage) for stage in read_stages(root / PIPELINE) if (command := read_command(stage.cmd))]
    stages = [(command.target, stage) for command, stage in found if _same_device(command, device)]
    if stages:
        read_lock(root / LOCK)
    paths = {inside for _, stage in stages for dep in stage.deps if (inside := normal(dep)) and not built(inside)}
    listed = {path: names for path in sorted(paths) if (names := _list(root, path)) is not None}
    return Pipeline(tuple(sorted(stages, key=lambda pair: ORDER.index(pair[0]))), listed)


def read_command(text: str) -> Command | None:
    """Return what a stage's command makes; None when it is not plainly one of prodabuild's."""
    try:
        program, *words = shlex.split(text)
    except ValueError:
        return None
    if re.fullmatch(r"python[\d.]*", posixpath.basename(program)) and words[:2] == ["-m", "prodabuild"]:
        program, words = "prodabuild", words[2:]
    if posixpath.basename(program) != "prodabuild" or words[:1] not in (["compile"], ["test"]):
        return None
    asked = {"--to": "model", "--device": "auto"}
    rest = iter(words[1:])
    for word in rest:
        option, sign, value = word.partition("=")
        if option in (*asked, "-j", "--jobs"):
            asked[option] = value if sign else next(rest, "")
        elif not _FLAG.fullmatch(word):
            return None
    target = "results" if words[0] == "test" else _COMPILE.get(asked["--to"])
    return Command(target, asked["--device"]) if target else None


def normal(path: str) -> str | None:
    """Return a path below the repo in its shortest form, None when it may lead elsewhere."""
    inside = posixpath.normpath(path)
    return None if "://" in path or refusal(inside) else inside


def built(path: str) -> bool:
    """Tell whether a path is that of `build/` or lies in it."""
    return path == BUILD or path.startswith(BUILD + "/")


def _list(root: Path, path: str) -> tuple[str, ...] | None:
    if path == ".":
        return None
    try:
        return tuple(list_files(root, path))
    except (UnlistedError, FileNotFoundError):
        return None


def _same_device(command: Command, device: str) -> bool:
    if command.target == "data" or command.device == device:
        return True
    kinds = {probe().partition(":")[0] if asked == "auto" else asked for asked in (command.device, device)}
    return len(kinds) == 1
