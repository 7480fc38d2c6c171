"""Code as an input: each module's normalised syntax tree, and the modules it imports.

Comments, layout, docstrings and type-checking imports do not count. A build function's code is the closure of
its module's imports inside the known modules, plus the versions of the libraries that closure imports.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from prodabuild.digest import canonical, change_digest
from prodabuild.engine.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.engine.view import View

MODULE, LIBRARY = "module:", "library:"


def modules_below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Return (dotted name, file) of a package's modules."""
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        yield ".".join((name, *(parts[:-1] if parts[-1] == "__init__" else parts))), file


def module_fact(name: str, data: bytes, source: str, package: bool) -> Fact:
    """Return the fact about one module's source; raises SyntaxError."""
    tree = ast.parse(data)
    _Normalise().visit(tree)
    value = {"code": change_digest(ast.dump(tree).encode()).hex(), "imports": sorted(_imports(tree, name, package))}
    return Fact(MODULE + name, canonical(value), source)


def library_fact(name: str, version: str | None) -> Fact:
    """Return the fact about the installed version of a library."""
    return Fact(LIBRARY + name, canonical({"version": version}), "environment")


def read_code(view: View, module: str) -> None:
    """Record, as inputs of the view's unit, the code closure of a module."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        imports = view.read(MODULE + name, "imports")
        if imports is None:  # not one of our modules: a name inside one, the standard library, or a library
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and view.read(MODULE + top, "imports") is None:
                view.read(LIBRARY + top, "version")
            continue
        view.read(MODULE + name, "code")
        todo += imports


class _Normalise(ast.NodeTransformer):
    """Removes what does not shape behaviour: docstrings and imports for type checkers."""

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
