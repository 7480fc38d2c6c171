"""Code of the data repo, run from what the state recorded: what was hashed is what runs, in every process.

The modules stand in `sys.modules` only while `mounted`; `sys.path` is never touched. So two repos may have modules
of the same name, an edited module is loaded anew, and a file that was not recorded cannot be imported.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, NamedTuple

import orjson

from prodabuild.engine.code import LOCAL, parents
from prodabuild.engine.local import compile_tree, is_package, syntax_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from prodabuild.engine.view import View


class Source(NamedTuple):
    """A module as recorded: its name, its file relative to the repository's root, its text."""

    name: str
    file: str
    text: str


def local_modules(view: View) -> LocalModules:
    """Return the recorded modules of the data repo, those loaded before while no text has changed.

    This records no input: whoever runs one of them calls `read_code`.
    """
    facts = view.peek(LOCAL)
    return _loaded(
        tuple(
            Source(fact.key.removeprefix(LOCAL), fact.source.removeprefix(LOCAL), orjson.loads(fact.value)["text"])
            for fact in facts
        )
    )


class LocalModules(MetaPathFinder, Loader):
    """Finds and loads the modules of some sources; those loaded are kept from one mount to the next."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = {source.name: source for source in sources}
        self._folders = {parent for name in self._sources for parent in parents(name)} - self._sources.keys()
        self._tops = {source.name.partition(".")[0] for source in sources}
        self._modules: dict[str, ModuleType] = {}

    @property
    def files(self) -> set[str]:
        """Return the files of the modules: how tracebacks name them."""
        return {source.file for source in self._sources.values()}

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Let the modules be imported while inside; what they print goes to stderr."""
        hidden = self._take()
        sys.modules.update(self._modules)
        sys.meta_path.insert(0, self)
        try:
            with redirect_stdout(sys.stderr):
                yield
        finally:
            sys.meta_path.remove(self)
            self._modules = self._take()
            sys.modules.update(hidden)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load one of the modules, or a folder of them."""
        if fullname in self._sources:
            source = self._sources[fullname]
            return ModuleSpec(fullname, self, origin=source.file, is_package=is_package(source.file))
        return ModuleSpec(fullname, self, is_package=True) if fullname in self._folders else None

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's source; a folder has none."""
        source = self._sources.get(module.__name__)
        if source:
            exec(compile_tree(syntax_tree(source.text, source.file), source.file), module.__dict__)

    def _take(self) -> dict[str, ModuleType]:
        """Take every module below our top names out of `sys.modules`."""
        names = [name for name in list(sys.modules) if name.partition(".")[0] in self._tops] if self._tops else []
        return {name: sys.modules.pop(name) for name in names}


@lru_cache(maxsize=1)
def _loaded(sources: tuple[Source, ...]) -> LocalModules:
    return LocalModules(sources)
