"""Paths that people write: inside the repository or refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from prodabuild.paths import CONTROL, Refusal, leaves, refusal
from prodabuild.problems import Problem, raise_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREDICATES = "knowledge/predicates.yaml"
_NO_LINK = "replace the symbolic link by what it points to"


def refuse(root: Path, path: str) -> Refusal | None:
    """Return why a path may not be used, or None. `root` is resolved."""
    refused = refusal(path)
    if refused:
        return refused
    if not (root / path).exists():
        return Refusal("M023", f"{path!r} does not exist", "create it, or correct the path")
    if leaves(root, root / path):
        return Refusal("M022", f"{path!r} leads outside the repository", _NO_LINK)
    return None


def files_below(root: Path, path: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return the files with these suffixes at or below a path, relative to `root`, sorted; hidden ones left out.

    Raises `ProblemsError` on links that leave the repository and on linked folders, whose files would be missed.
    """
    if (root / path).is_file():
        return [path]
    found: list[str] = []
    problems: list[Problem] = []
    for name, linked in _walk(root / path):
        relative = name.relative_to(root).as_posix()
        if linked and leaves(root, name):
            problems.append(Problem("M022", f"{relative!r} leads outside the repository", relative, hint=_NO_LINK))
        elif linked and name.is_dir():
            problems.append(Problem("M025", f"{relative!r} is a linked folder", relative, hint=_NO_LINK))
        elif name.suffix in suffixes:
            found.append(relative)
    raise_errors((*problems, *odd_names(found)))
    return sorted(found)


def odd_names(files: Iterable[str]) -> Iterator[Problem]:
    """Return the files of the repository whose names are not UTF-8, or hold control characters."""
    for name in files:
        if not name.isascii() or not name.isprintable():
            text = os.fsencode(name).decode("utf-8", "backslashreplace")
            if text != name or CONTROL.search(name):
                shown = CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
                message = "the name is not UTF-8, or holds a control character"
                yield Problem("M027", message, shown, hint="give the file another name: `git mv`")


def _walk(top: Path) -> Iterator[tuple[Path, bool]]:
    """Return (path, is it a symbolic link) of every file and every linked folder below a folder."""
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from ((Path(folder, name), True) for name in links)
        shown = (name for name in files if not name.startswith("."))
        yield from ((Path(folder, name), os.path.islink(os.path.join(folder, name))) for name in shown)


def is_task_file(task: str) -> bool:
    """Tell whether an entry of `tasks` is a file of the repository, not a name that lm-eval knows."""
    return "/" in task or task.endswith((".yaml", ".yml"))
