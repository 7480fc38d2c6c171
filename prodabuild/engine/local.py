"""Modules of the data repo: which file a name stands for, what it imports, the fact that its source states.

A module is named by its path from the repository's root: `recipes/cases.py` is `recipes.cases`, for absolute and
relative imports alike. A folder needs no `__init__.py`. Names of the standard library are never taken from the repo.
"""

from __future__ import annotations

import ast
import keyword
import sys
import warnings
from importlib.util import decode_source
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical
from prodabuild.engine.code import LOCAL, code_facets, normalise, parents
from prodabuild.engine.facts import Fact
from prodabuild.paths import UnsafePathError, read_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import CodeType

RESERVED = sys.stdlib_module_names | {__name__.partition(".")[0]}


class Function(NamedTuple):
    """A function at the top of a module: its parameters, and where they stand in the file."""

    parameters: tuple[str, ...]
    line: int
    column: int


class Parsed(NamedTuple):
    """A source taken apart. `facets` are what its fact states, the `text` beside them."""

    facets: dict[str, Any]
    functions: dict[str, Function]


class Module(NamedTuple):
    """One module of a closure; `file` is relative to the repository's root."""

    file: str
    parsed: Parsed


class Closure(NamedTuple):
    """The modules that some modules import, themselves included; libraries; files that are not Python."""

    modules: dict[str, Module]
    libraries: frozenset[str]
    broken: list[tuple[str, SyntaxError]]


def module_name(file: str) -> str | None:
    """Return the name of the module in a file, None where no import statement could name it."""
    parts = PurePosixPath(file).with_suffix("").parts
    parts = parts[:-1] if parts[-1:] == ("__init__",) else parts
    named = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    return ".".join(parts) if parts and named and parts[0] not in RESERVED else None


def module_file(root: Path, name: str) -> str | None:
    """Return the file of a module, relative to the root, None when the repo has no such module."""
    path = name.replace(".", "/")
    found = (file for file in (f"{path}/__init__.py", f"{path}.py") if module_name(file) == name)
    return next((file for file in found if (root / file).is_file()), None)


def closure_of(root: Path, names: Iterable[str]) -> Closure:
    """Return everything in the repo that these modules import, directly or not."""
    modules: dict[str, Module] = {}
    broken: list[tuple[str, SyntaxError]] = []
    outside: set[str] = set()
    seen: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        file = module_file(root, name)
        if file is None:
            outside.add(name.partition(".")[0])
            continue
        try:
            modules[name] = Module(file, parse(_source(root, file), name, file))
        except SyntaxError as error:
            broken.append((file, error))
        else:
            todo += [*modules[name].parsed.facets["imports"], *parents(name)]
    ours = {name.partition(".")[0] for name in modules}
    return Closure(modules, frozenset(outside - ours - RESERVED - {""}), broken)


def _source(root: Path, file: str) -> bytes:
    """Return the bytes of a module, none of one behind a link that leaves the repo: whoever lists them refuses it."""
    try:
        return read_source(root, file)
    except UnsafePathError:
        return b""


def parse(data: bytes, name: str, file: str) -> Parsed:
    """Take a source apart; raises SyntaxError, also for what only the compiler refuses."""
    try:
        text = decode_source(data)
        tree = syntax_tree(text, file)
        compile_tree(tree, file)
        facets = {**code_facets(tree, name, is_package(file)), "text": text}
    except ValueError as error:  # a byte that is no text
        raise SyntaxError(str(error)) from None
    except (RecursionError, MemoryError):  # how the parser says so
        raise SyntaxError("nested too deeply") from None
    functions = {
        node.name: _function(node) for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    return Parsed(facets, functions)


def local_fact(name: str, data: bytes, file: str) -> Fact:
    """Return the fact about a module of the data repo; its source is `local:` and the file. Raises SyntaxError."""
    facets, functions = parse(data, name, file)
    facets |= {signature_facet(function): found.parameters for function, found in functions.items()}
    return Fact(LOCAL + name, canonical(facets), LOCAL + file)


def signature_facet(function: str) -> str:
    """Name the facet that holds a function's parameters: it moves without the code, and the code without it."""
    return f"def {function}"


def syntax_tree(text: str, file: str) -> ast.Module:
    """Return the normalised tree of a source: the one that is hashed is the one that runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a linter's business: not on every command, not from every process
        return ast.fix_missing_locations(normalise(ast.parse(text, file)))  # compiling it asks for lines


def compile_tree(tree: ast.Module, file: str) -> CodeType:
    """Return the code object of a tree; raises SyntaxError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: CodeType = compile(tree, file, "exec", dont_inherit=True)
    return code


def is_package(file: str) -> bool:
    """Tell whether a file is a package's `__init__.py`."""
    return PurePosixPath(file).name == "__init__.py"


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    given = node.args
    named = [(argument, argument.arg) for argument in (*given.posonlyargs, *given.args)]
    named += [(given.vararg, f"*{given.vararg.arg}")] if given.vararg else []
    named += [(argument, f"*, {argument.arg}") for argument in given.kwonlyargs]
    named += [(given.kwarg, f"**{given.kwarg.arg}")] if given.kwarg else []
    place = named[0][0] if named else node
    return Function(tuple(name for _, name in named), place.lineno, place.col_offset + 1)
