"""Recipes that a data repo declares as its own, `recipes/cases.py:brief`: checked, without being run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.engine.local import closure_of, module_file
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.paths import refuse
from prodabuild.paths import Refusal
from prodabuild.problems import Problem, suggest
from prodabuild.shards.own import SIGNATURES, Declared, declared, recipe_name
from prodabuild.shards.recipes import RECIPES
from prodabuild.yamlio import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.engine.local import Closure, Function
    from prodabuild.manifest.model import Manifest


class OwnRecipes(NamedTuple):
    """The code behind a manifest's own recipes, and everything wrong with it and with the entries."""

    code: Closure
    problems: list[Problem]


def own_recipes(root: Path, manifest: Manifest, text: str) -> OwnRecipes:
    """Return the code that `compile.recipes` brings in. `text` is the manifest's: entries have their place in it."""
    entries = manifest.compile.recipes
    usable = {found for entry in entries if (found := declared(entry)) and not _unusable(root, found)}
    code = closure_of(root, sorted(module for found in usable if (module := found.module)))
    problems = [
        *(broken(file, error) for file, error in code.broken),
        *_outside(root, code),
        *_signatures(sorted(usable), code),
    ]
    for number in range(len(entries)):
        if wrong := _wrong(root, entries, number, code):
            place = locate(text, ("compile", "recipes", number))
            problems.append(Problem(wrong.code, wrong.message, MANIFEST, *place, wrong.hint))
    problems += _ratios([*manifest.compile.ratios], [*map(recipe_name, entries)], text)
    return OwnRecipes(code, problems)


def own_function(root: Path, entry: Declared) -> Function | None:
    """Return where the function of an entry stands in its file, None where it is not there."""
    module = closure_of(root, [entry.module] if entry.module else []).modules.get(entry.module or "")
    return module.parsed.functions.get(entry.function) if module else None


def broken(file: str, error: SyntaxError) -> Problem:
    """Return the problem of a file of the data repo that is not Python."""
    return Problem("R001", f"not Python: {error.msg}", file, max(error.lineno or 0, 1), max(error.offset or 0, 1))


def _wrong(root: Path, entries: Sequence[str], number: int, code: Closure) -> Refusal | None:
    entry = entries[number]
    found = declared(entry)
    if found is None:
        unknown = Refusal("M015", f"there is no recipe {entry!r}", suggest(entry, RECIPES, "recipes") or "")
        return _twice(entries, number) if entry in RECIPES else unknown
    return _unusable(root, found) or _absent(found, code) or _twice(entries, number)


def _unusable(root: Path, entry: Declared) -> Refusal | None:
    """Return why an entry's file cannot hold recipes."""
    by_path = "name a file and its function, as in recipes/cases.py:brief"
    if not entry.file.endswith(".py"):
        return Refusal("M015", f"there is no recipe '{entry.file}:{entry.function}'", by_path)
    if not (root / entry.file).is_file():
        return Refusal("M023", f"{entry.file!r} is no file", by_path)
    if entry.module is None:
        hint = "name folders and file as Python names, the first of them not after a module of Python or prodabuild"
        return Refusal("M018", f"{entry.file!r} cannot be imported", hint)
    if module_file(root, entry.module) != entry.file:
        return Refusal("M018", f"{entry.file!r} is hidden by the package of the same name", "rename one of the two")
    return None


def _absent(entry: Declared, code: Closure) -> Refusal | None:
    module = code.modules.get(entry.module or "")
    if module is None or entry.function in module.parsed.functions:
        return None
    shown = [name for name in module.parsed.functions if not name.startswith("_")]
    hint = suggest(entry.function, shown, f"functions of {entry.file}") or "write it there with `def`, at the top level"
    if not entry.function:
        return Refusal("M015", f"{entry.file!r} names no function", hint)
    return Refusal("M015", f"there is no function {entry.function!r} in {entry.file}", hint)


def _twice(entries: Sequence[str], number: int) -> Refusal | None:
    name = recipe_name(entries[number])
    hint = "a recipe's name stands in the ids of its samples: rename the function, or name the recipe once"
    if name in RECIPES and entries[number] not in RECIPES:
        return Refusal("M017", f"{name!r} is the name of a recipe that ships", hint)
    if name in map(recipe_name, entries[:number]):
        return Refusal("M017", f"two recipes have the name {name!r}", hint)
    return None


def _ratios(named: Sequence[str], recipes: Sequence[str], text: str) -> Iterator[Problem]:
    if not named:
        return
    for name in named:
        if name not in recipes:
            place = locate(text, ("compile", "ratios", name), key=True)
            hint = suggest(name, recipes, "compile.recipes")
            message = f"compile.ratios names {name!r}, which is none of compile.recipes"
            yield Problem("M019", message, MANIFEST, *place, hint)
    for name in recipes:
        if name not in named:
            place = locate(text, ("compile", "ratios"), key=True)
            hint = "give every recipe its share, a whole number from 1 on"
            yield Problem("M019", f"compile.ratios has no share for the recipe {name!r}", MANIFEST, *place, hint)


def _signatures(entries: Sequence[Declared], code: Closure) -> Iterator[Problem]:
    for entry in entries:
        module = code.modules.get(entry.module or "")
        function = module.parsed.functions.get(entry.function) if module else None
        if function and function.parameters not in SIGNATURES:
            given = f"({', '.join(function.parameters)})"
            message = f"the recipe {entry.function!r} takes {given}, not one parameter `concept` or `relation`"
            hint = "the name of its one parameter says which records it takes"
            yield Problem("R002", message, entry.file, function.line, function.column, hint)


def _outside(root: Path, code: Closure) -> Iterator[Problem]:
    for module in code.modules.values():
        if refused := refuse(root, module.file):
            yield Problem(refused.code, refused.message, module.file, hint=refused.hint)
