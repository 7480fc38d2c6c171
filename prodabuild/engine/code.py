"""Code as an input: each module's normalised syntax tree, and the modules it imports.

Comments, layout, docstrings and type-checking imports do not count. A build function's code is the closure of
its module's imports inside the known modules, plus the versions of the libraries that closure imports.
"""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prodabuild.digest import canonical, change_digest
from prodabuild.engine.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.engine.view import View

MODULE, LIBRARY = "module:", "library:"  # of this package, and what it imports
LOCAL, LOCAL_LIBRARY = "local:", "local-library:"  # of the data repo: what it imports is no input of our own code


def modules_below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Return (dotted name, file) of a package's modules."""
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        yield ".".join((name, *(parts[:-1] if parts[-1] == "__init__" else parts))), file


def module_fact(name: str, data: bytes, source: str, package: bool) -> Fact:
    """Return the fact about one module's source; raises SyntaxError."""
    return Fact(MODULE + name, _module_value(data, name, package), source)


@lru_cache(maxsize=512)  # a process that builds more than once parses its own code once
def _module_value(data: bytes, name: str, package: bool) -> bytes:
    return canonical(code_facets(normalise(ast.parse(data)), name, package))


def code_facets(tree: ast.Module, name: str, package: bool) -> dict[str, Any]:
    """Return what a module's normalised tree states: the digest of its code, the sorted names that it imports."""
    return {"code": change_digest(ast.dump(tree).encode()).hex(), "imports": sorted(_imports(tree, name, package))}


def normalise(tree: ast.Module) -> ast.Module:
    """Remove from a tree what does not shape behaviour: docstrings and imports for type checkers."""
    _Normalise().visit(tree)
    return tree


def library_fact(name: str, version: str | None, local: bool = False) -> Fact:
    """Return the fact about the installed version of a library that this package, or the data repo, imports."""
    return Fact((LOCAL_LIBRARY if local else LIBRARY) + name, canonical({"version": version}), "environment")


def read_code(view: View, module: str, local: bool = False) -> None:
    """Record, as inputs of the view's unit, the code closure of a module: of this package, or of the data repo."""
    view.walk(("code", LOCAL if local else MODULE, module), lambda one: _read_closure(one, module, local))


def _read_closure(view: View, module: str, local: bool) -> None:
    seen: set[tuple[str, bool]] = set()
    todo = [(module, local)]
    while todo:
        name, local = item = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        if local and view.read(LOCAL + name, "imports") is not None:
            view.read(LOCAL + name, "code")
            todo += [(other, True) for other in (*view.read(LOCAL + name, "imports"), *parents(name))]
        elif view.read(MODULE + name, "imports") is not None:
            view.read(MODULE + name, "code")
            todo += [(other, False) for other in view.read(MODULE + name, "imports")]
        else:  # not one of our modules: a name inside one, the standard library, or a library
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and view.read(MODULE + top, "imports") is None:
                view.read((LOCAL_LIBRARY if local else LIBRARY) + top, "version")


def parents(name: str) -> list[str]:
    """Return the packages that a module stands in: they run before it does."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


class _Normalise(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(child) for child in node.orelse] or ast.Pass()
        return self.generic_visit(node)

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    visit_Module = visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _without_docstring  # noqa: N815


def _imports(tree: ast.AST, module: str, package: bool) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, package)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    found.discard("__future__")
    return {name for name in found if not name.startswith("__future__.")}


def _absolute(node: ast.ImportFrom, module: str, package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + (1 if package else 0)]
    return ".".join([*parts, *([node.module] if node.module else [])])
