"""YAML files that people write, read into strict models: every mistake with its line, column and a hint."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from prodabuild.problems import Problem, ProblemsError, suggest
from prodabuild.yamlio import TextError, decode, load, locate

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from prodabuild.yamlio import Path


class Part(BaseModel):
    """What all models of such files share: strict, frozen, every key known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_PLAIN = {"string_pattern_mismatch": "not written as it must be", "too_short": "must not be empty"}
Model = TypeVar("Model", bound=BaseModel)


def read_strict(model: type[Model], data: bytes, file: str) -> tuple[Model, str]:
    """Return the model that a file's bytes state, and their text; raises `ProblemsError` with every mistake."""
    try:
        text = decode(data)
        tree = load(text)
    except TextError as error:
        raise ProblemsError([Problem(error.code, error.message, file, error.line, error.column, error.hint)]) from None
    if not isinstance(tree, dict):
        keys = ", ".join(_keys([model]))
        raise ProblemsError([Problem("M002", "the file is not a mapping of keys", file, 1, 1, f"keys: {keys}")])
    try:
        return model.model_validate(tree), text
    except ValidationError as error:
        found = [_problem(model, text, tree, file, detail) for detail in error.errors()]
        raise ProblemsError(_distinct(found)) from None


def _problem(model: type[BaseModel], text: str, tree: Any, file: str, detail: ErrorDetails) -> Problem:
    path = _path(tree, detail["loc"])
    kind, dotted = detail["type"], ".".join(map(str, path))
    if kind == "extra_forbidden":
        hint = suggest(str(path[-1]), keys_at(model, path[:-1]), "known keys here")
        return Problem("M012", f"unknown key {str(path[-1])!r}", file, *locate(text, path, key=True), hint)
    place = locate(text, path)
    if kind == "missing":
        return Problem("M011", f"{dotted} is missing", file, *place, f"add `{path[-1]}:` here")
    if kind == "value_error":
        return Problem("M014", detail["msg"].removeprefix("Value error, "), file, *place)
    message = detail["msg"][0].lower() + detail["msg"][1:]
    hint = _hint(detail) or _description(model, path)
    message = _PLAIN.get(kind, message)
    return Problem("M013", f"{dotted}: {message}, got {_show(detail['input'])}", file, *place, hint)


def _distinct(problems: list[Problem]) -> list[Problem]:
    """Drop a missing key that stands there misspelt, and all but the first problem of one place."""
    misspelt = {problem.hint for problem in problems if problem.code == "M012"}
    kept: dict[tuple[int, int, str], Problem] = {}
    for problem in problems:
        missing = problem.message if problem.code == "M011" else ""
        key = missing.removesuffix(" is missing").rpartition(".")[2]
        if not missing or f"did you mean {key!r}?" not in misspelt:
            kept.setdefault((problem.line, problem.column, missing), problem)
    return list(kept.values())


def _path(tree: Any, loc: tuple[str | int, ...]) -> Path:
    """Return pydantic's location as a path of the document: without the names of union members and key marks."""
    path: list[str | int] = []
    here = tree
    for number, step in enumerate(loc):
        inside = isinstance(here, list) and isinstance(step, int) and step < len(here)
        if inside or (isinstance(here, dict) and step in here):
            here = here[step]
            path.append(step)
        elif number == len(loc) - 1 and isinstance(here, dict) and step != "[key]":
            path.append(step)  # a key that is missing
    return tuple(path)


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else repr(value)


def _hint(detail: ErrorDetails) -> str | None:
    if detail["type"] == "string_type":
        return "quote it, if it is meant as text"
    if detail["type"] == "literal_error":
        words = str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")
        return suggest(str(detail["input"]), [word.strip("'") for word in words], "known values")
    return None


def _description(model: type[BaseModel], path: Path) -> str | None:
    """Return what the field at a path is for."""
    parents = [part for annotation in _at(model, path[:-1]) for part in _members(annotation) if _is_model(part)]
    fields = [(field.alias or name, field) for parent in parents for name, field in parent.model_fields.items()]
    return next((field.description for name, field in fields if path and name == path[-1]), None)


def keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that a model knows at a path, sorted."""
    return _keys(_at(model, path))


def _at(model: type[BaseModel], path: Path) -> list[Any]:
    """Return the annotations of what stands at a path of the document."""
    here: list[Any] = [model]
    for step in path:
        here = [inner for annotation in here for inner in _inside(annotation, step)]
    return here


def _keys(annotations: list[Any]) -> list[str]:
    models = [part for annotation in annotations for part in _members(annotation) if _is_model(part)]
    return sorted({field.alias or name for found in models for name, field in found.model_fields.items()})


def _inside(annotation: Any, step: str | int) -> list[Any]:
    """Return the annotations of what stands under a key or index of an annotated value."""
    found = []
    for part in _members(annotation):
        origin = get_origin(part)
        if _is_model(part):
            found += [field.annotation for name, field in part.model_fields.items() if (field.alias or name) == step]
        elif origin in (dict, list, tuple):
            found.append(get_args(part)[1 if origin is dict else 0])
    return found


def _members(annotation: Any) -> list[Any]:
    """Return the members of a union, `Annotated` unwrapped."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
