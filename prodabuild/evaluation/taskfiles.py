"""Task files of a data repo as lm-eval reads them, none of their code run: what they declare, and what they include."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from prodabuild.errors import ProjectError
from prodabuild.manifest.paths import is_task_file
from prodabuild.paths import inside, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_INCLUDED = 100  # files behind one task file
MOST_BYTES = 1 << 20
MOST_DEPTH = 100  # levels of nesting: the parser's stack is C's
SUFFIXES = ("yaml", "jsonl", "json", "py")  # of what a task may load from its folder


class Declared(NamedTuple):
    """What a task file declares: the name of a task, or of a group and its members."""

    name: str
    members: tuple[Any, ...] | None


class _Loader(yaml.CSafeLoader):
    """Reads the tags of lm-eval, such as `!function`, as nothing."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def declared_by(root: Path, file: str) -> Declared:
    """Return what a task file declares, by itself or by what it includes; raises `ProjectError`."""
    found = _settings(root, file, [])
    name, group = found.get("task"), found.get("group")
    if group is None and isinstance(name, str) and name:
        return Declared(name, None)
    if group is None and isinstance(name, list):
        raise ProjectError(f"{file} lists tasks, and gives their group no name", "add `group: NAME`")
    if not isinstance(group, str) or not isinstance(name, list) or not name:
        hint = "write `task: NAME`; or `group: NAME` and a list, `task: [NAME, NAME]`"
        raise ProjectError(f"{file} declares no task", hint)
    return Declared(group, tuple(name))


def files_behind(root: Path, tasks: Iterable[str]) -> list[str]:
    """Return task files, what they include, and what is in the folders of these; raises `ProjectError`."""
    behind: list[str] = []
    for task in tasks:
        _settings(root, task, behind)
    folders = sorted({inside(root, file).parent for file in behind})
    found = {path for folder in folders for suffix in SUFFIXES for path in folder.glob(f"*.{suffix}")}
    return sorted(path.relative_to(root).as_posix() for path in found)


def check_tasks(root: Path, tasks: list[str]) -> list[tuple[int, ProjectError]]:
    """Return what is wrong with the task files of a suite, with the position of the entry."""
    wrong: list[tuple[int, ProjectError]] = []
    sound: dict[int, str] = {}
    for number, task in enumerate(tasks):
        try:
            sound[number] = declared_by(root, task).name if is_task_file(task) else task
        except ProjectError as error:
            wrong.append((number, error))
    owners = _owners(root, [tasks[number] for number in sound if is_task_file(tasks[number])])
    for number, name in sound.items():
        first = next(at for at, other in sound.items() if other == name)
        others = [tasks[first]] if first < number else sorted(owners.get(name, set()) - {tasks[number], *tasks})
        if others:
            message = f"{others[0]} and {tasks[number]} both declare the task {name!r}"
            again = others[0] == tasks[number]
            message = f"{tasks[number]} is named twice" if again else message
            wrong.append((number, ProjectError(message, "name each task once, and give each a name of its own")))
    return wrong


def _owners(root: Path, tasks: list[str]) -> dict[str, set[str]]:
    """Return by name the files that declare a task, of those that lm-eval finds in the folders of some task files."""
    found: dict[str, set[str]] = {}
    for file in files_behind(root, tasks):
        if file.endswith(".yaml"):
            with suppress(ProjectError):  # of a file that nobody asked for
                found.setdefault(declared_by(root, file).name, set()).add(file)
    return found


def _settings(root: Path, file: str, seen: list[str]) -> dict[str, Any]:
    """Return the keys of a task file over those of the files it includes; `seen` gets the names of all of them."""
    seen.append(file)
    own = _read(root, file)
    includes = own.pop("include", None) or []
    merged: dict[str, Any] = {}
    for include in includes if isinstance(includes, list) else [includes]:
        if len(seen) > MOST_INCLUDED:
            raise ProjectError(f"{file} includes itself, or more than {MOST_INCLUDED} files", "include fewer")
        merged |= _settings(root, _beside(file, include), seen)
    return merged | own


def _beside(file: str, include: object) -> str:
    """Return the path in the repository of what a task file includes: `../base.yaml` is beside its folder."""
    if not isinstance(include, str) or not include or include.startswith("/"):
        raise ProjectError(f"{file} includes {include!r}, which is no path in this repository", "write it relative")
    parts = file.split("/")[:-1]
    for part in include.split("/"):
        if part == ".." and not parts:
            raise ProjectError(f"{file} includes {include!r}, which leaves the repository", "include a file of it")
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _read(root: Path, file: str) -> dict[str, Any]:
    try:
        data = read_regular(inside(root, file), MOST_BYTES)
        _bounded(data)
        found = yaml.load(data, Loader=_Loader)
    except FileNotFoundError:
        raise ProjectError(f"{file} is not there, and a task file includes it", "write it, or leave it out") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise ProjectError(f"{place}: not YAML: {error.problem}", "lm-eval reads task files as YAML") from None
    except (yaml.YAMLError, ValueError) as error:
        message = f"{file}: not YAML: {str(error).splitlines()[0]}"
        raise ProjectError(message, "lm-eval reads task files as YAML") from None
    if not isinstance(found, dict):
        raise ProjectError(f"{file} declares no task", "it is a mapping of keys: `task: NAME`")
    return found


def _bounded(data: bytes) -> None:
    """Raise ValueError where lists and mappings nest so deep that reading them could end the process."""
    depth = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise ValueError(f"more than {MOST_DEPTH} levels of nesting")
