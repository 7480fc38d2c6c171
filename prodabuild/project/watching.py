"""Waiting for edits: the files that a build may depend on, looked at again and again until one has moved.

Every text in the manifest that is a path counts, so a manifest with mistakes tells where to look, too. What builds
write themselves is never looked at.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.engine.code import modules_below
from prodabuild.engine.files import Stat, stat_of
from prodabuild.engine.local import closure_of, module_name
from prodabuild.errors import ProjectError
from prodabuild.knowledge.patches import FOLDER
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.paths import PREDICATES
from prodabuild.paths import NotRegularError, read_source
from prodabuild.project.inputs import PACKAGE, versions
from prodabuild.project.locking import LOCK
from prodabuild.project.pipeline import BUILD
from prodabuild.yamlio import TextError, decode, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SECONDS = 0.3  # between two looks; more where a look takes long
SHARE = 10  # of the time, one part in so many may go into looking
STILL_SECONDS = 0.1  # an editor, or git, is done when nothing has moved for so long
PATIENCE = 50  # times that nothing moving is waited for
BESIDE = (".yaml", ".yml", ".jsonl", ".json", ".py")  # what is read beside a file that the manifest names


class Change(NamedTuple):
    """A file that moved: `changed`, `new` or `gone`."""

    file: str
    how: str


class Watch:
    """The inputs of a data repo as they were last seen: first when it is made."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._named: tuple[str, ...] = ()
        self._modules: frozenset[str] = frozenset()
        self._stats: dict[str, Stat] = {}  # of the manifest and the Python files that the two above were taken from
        self.seen = self._look()

    def wait(self) -> tuple[Change, ...]:
        """Return what has moved since it was last seen, as soon as there is something and it has come to rest."""
        while True:
            started = monotonic()
            now = self._look()
            if now != self.seen and (changes := self._at_rest(now)):
                return changes
            sleep(max(SECONDS, SHARE * (monotonic() - started)))

    def _at_rest(self, now: dict[str, Stat]) -> tuple[Change, ...]:
        for _ in range(PATIENCE):
            sleep(STILL_SECONDS)
            last, now = now, self._look()
            if now == last:
                break
        before, self.seen = self.seen, now
        return tuple(sorted(_differences(before, now), key=lambda change: (change.how, change.file)))

    def _look(self) -> dict[str, Stat]:
        found = _stats(self._root, [MANIFEST])
        if found.get(MANIFEST) != self._stats.get(MANIFEST):
            self._named = _paths_in(self._root) or self._named
        found |= _stats(self._root, {PREDICATES, *self._modules, *self._files_named()})
        sources = {name: stat for name, stat in found.items() if name.endswith(".py") or name == MANIFEST}
        if sources != self._stats:
            self._modules = _modules(self._root, self._named)
            found |= _stats(self._root, self._modules)
            self._stats = {name: found[name] for name in found if name.endswith(".py") or name == MANIFEST}
        return found

    def _files_named(self) -> Iterator[str]:
        for path in {*self._named, FOLDER}:
            yield from _files_at(self._root, path)


def running() -> dict[str, Any]:
    """Return what this process runs on: its own files, and versions of libraries. Once they move, it is outdated."""
    return {**_stats(PACKAGE, [str(file) for _, file in modules_below(PACKAGE, "prodabuild")]), **versions()}


def _differences(before: Mapping[str, Stat], now: Mapping[str, Stat]) -> Iterator[Change]:
    for name in before.keys() | now.keys():
        if name not in now:
            yield Change(name, "gone")
        elif name not in before:
            yield Change(name, "new")
        elif before[name] != now[name]:
            yield Change(name, "changed")


def _stats(root: Path, names: Iterable[str]) -> dict[str, Stat]:
    """Return the stat data of those files that are there."""
    found = {}
    for name in names:
        try:
            found[name] = stat_of(os.path.join(root, name))
        except (OSError, ValueError, NotRegularError):  # gone, or no path at all
            continue
    return found


def _paths_in(root: Path) -> tuple[str, ...]:
    """Return every text of the manifest that may be a path; nothing when it cannot be read."""
    try:
        document = load(decode(read_source(root, MANIFEST)))
    except (OSError, TextError, ProjectError):
        return ()
    return tuple(sorted({path for text in _texts(document) if (path := _path_of(text))}))


def _texts(value: Any) -> Iterator[str]:
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, (dict, list)):
            todo += part.values() if isinstance(part, dict) else part


def _path_of(text: str) -> str | None:
    """Return the path in `knowledge/law`, `path:models/base` or `recipes/cases.py:brief`; None for those outside."""
    path = text.removeprefix("path:")
    path = path.rpartition(":")[0] if ".py:" in path else path
    parts = PurePosixPath(path).parts
    inside = parts and not path.startswith("/") and "\0" not in path and ".." not in parts
    return "/".join(parts) if inside and not _is_private(parts[0]) else None


def _is_private(name: str) -> bool:
    """Tell whether something at the top of the repo is what builds write, or hidden."""
    return name in (BUILD, LOCK) or name.startswith(".")


def _files_at(root: Path, path: str) -> Iterator[str]:
    """Return a file and what may be read beside it, or all files below a folder; hidden ones left out."""
    top = os.path.join(root, path)
    if os.path.isdir(top):
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
            inside = os.path.relpath(folder, root)
            yield from (f"{inside}/{name}" for name in files if not name.startswith("."))
    elif "/" in path or os.path.isfile(top):
        parent, _, _ = path.rpartition("/")
        beside = os.listdir(os.path.join(root, parent)) if os.path.isdir(os.path.join(root, parent)) else []
        names = (name for name in beside if name.endswith(BESIDE) and not name.startswith("."))
        yield from (f"{parent}/{name}" if parent else name for name in names if parent or not _is_private(name))
        yield path


def _modules(root: Path, named: Iterable[str]) -> frozenset[str]:
    """Return the files of own recipes and of everything that they import, whether they are Python or not yet."""
    names = [name for path in named if path.endswith(".py") and (name := module_name(path))]
    found = closure_of(root, names)
    return frozenset([*(module.file for module in found.modules.values()), *(file for file, _ in found.broken)])
