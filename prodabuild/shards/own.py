"""Recipes of the data repo at work: loaded when first run, their samples looked at, their failures given a place."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from traceback import TracebackException
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.engine.code import LOCAL, read_code
from prodabuild.engine.local import module_name, signature_facet
from prodabuild.errors import ProdaError, ProjectError
from prodabuild.shards.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from traceback import StackSummary
    from types import TracebackType

    from prodabuild.engine.loading import LocalModules
    from prodabuild.engine.view import View
    from prodabuild.knowledge.reading import Concept, Relation

SIGNATURES = (("concept",), ("relation",))
LONGEST = 300  # characters of an exception's text


class Declared(NamedTuple):
    """A function of the data repo, as an entry of `compile.recipes` names it; `function` may be empty."""

    file: str
    function: str

    @property
    def module(self) -> str | None:
        """Return the name of the file's module, None where it cannot have one."""
        return module_name(self.file)


def declared(entry: str) -> Declared | None:
    """Return what an entry names of the data repo, None where it can only be a recipe that ships."""
    file, colon, function = entry.rpartition(":")
    if colon:
        return Declared(file, function)
    return Declared(entry, "") if entry.endswith(".py") else None


def recipe_name(entry: str) -> str:
    """Return the name of a recipe: it stands in the ids of its samples."""
    return entry.rpartition(":")[2]


class RecipeError(ProjectError):
    """A recipe of the data repo failed, or yielded what is no sample: on a record, or while it was loaded."""

    def __init__(self, code: str, recipe: str, record: str, what: str, place: tuple[str, int, int]) -> None:
        super().__init__(f"the recipe {recipe!r}: {what}")
        self.args = (code, recipe, record, what, place)  # so that it comes whole out of another process
        self.code, self.recipe, self.record, self.what, self.place = self.args


@dataclass(frozen=True)
class OwnRecipe:
    """One recipe of the data repo, for one unit. Its code is an input once it is run on a record."""

    view: View
    modules: LocalModules
    module: str
    file: str
    name: str

    @property
    def level(self) -> str:
        """Return the level of record that it takes; raises `ProjectError` when it takes none any more."""
        parameters = self.view.read(LOCAL + self.module, signature_facet(self.name))
        if tuple(parameters or ()) not in SIGNATURES:
            raise ProjectError(f"{self.file} changed while {self.view.unit} was built", "run the command again")
        level: str = parameters[0]
        return level

    def __call__(self, record: Concept | Relation) -> Iterator[Sample]:
        """Yield the samples of a record; raises `RecipeError`. The modules are mounted."""
        function = self._function
        with _Blame(self, record.id) as blame:
            samples = function(record)
            if isinstance(samples, Sample) or not hasattr(samples, "__iter__"):
                raise blame.refusal(f"returns {_kind(samples)}, not samples: it is to `yield` each", None)
            variants: set[str] = set()
            for sample in samples:
                wrong = _fault(sample) or _stray(self.view, sample)
                if not wrong and sample.variant in variants:
                    wrong = f"yields the variant {sample.variant!r} twice"
                if wrong:
                    raise blame.refusal(wrong, samples)
                variants.add(sample.variant)
                yield sample

    @cached_property
    def _function(self) -> Callable[[Any], Any]:
        read_code(self.view, self.module, local=True)
        with _Blame(self, ""):
            function: Callable[[Any], Any] = getattr(import_module(self.module), self.name)
        return function


def _fault(sample: Any) -> str | None:
    """Return what is wrong with what a recipe yielded, as the end of a sentence."""
    if not isinstance(sample, Sample):
        return f"yields {_kind(sample)}, not a Sample"
    for part in ("variant", "question", "answer"):
        text = getattr(sample, part)
        if not isinstance(text, str):
            return f"yields a Sample whose {part} is {_kind(text)}, not text"
        if not text.strip():
            return f"yields a Sample whose {part} is empty"
        if not _encodable(text):
            return f"yields a Sample whose {part} holds half a character (a lone surrogate)"
    if not isinstance(sample.nodes, (tuple, list)) or not all(isinstance(node, str) for node in sample.nodes):
        return "yields a Sample whose nodes are no tuple of ids"
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stray(view: View, sample: Sample) -> str | None:
    stray = next((node for node in sample.nodes if view.read(node, "level") is None), None)
    return f"yields a Sample whose node {stray!r} is no record" if stray is not None else None


def _kind(value: Any) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


class _Blame:
    """Gives what is raised inside, by code of the data repo or on its behalf, a place in that code."""

    def __init__(self, recipe: OwnRecipe, record: str) -> None:
        self._recipe = recipe
        self._record = record

    def __enter__(self) -> _Blame:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (Exception, SystemExit)) and not isinstance(error, ProdaError):
            told = TracebackException.from_exception(error, lookup_lines=False)
            text = " ".join("".join(told.format_exception_only()).split())
            raise self._error("R003", text[:LONGEST], self._raised(told.stack)) from error

    def refusal(self, what: str, samples: Any) -> RecipeError:
        """Return the error about what a recipe yielded, at the line of its last `yield`."""
        while inspect.isgenerator(samples) and inspect.isgenerator(samples.gi_yieldfrom):
            samples = samples.gi_yieldfrom
        frame = samples.gi_frame if inspect.isgenerator(samples) else None
        if frame is not None and frame.f_code.co_filename in self._recipe.modules.files:
            return self._error("R004", what, (frame.f_code.co_filename, frame.f_lineno, 0))
        return self._error("R004", what, self._definition())

    def _error(self, code: str, what: str, place: tuple[str, int, int]) -> RecipeError:
        return RecipeError(code, self._recipe.name, self._record, what, place)

    def _raised(self, stack: StackSummary) -> tuple[str, int, int]:
        """Return the innermost place of a traceback that lies in code of the data repo."""
        inside = [frame for frame in stack if frame.filename in self._recipe.modules.files]
        if not inside:
            return self._definition()
        return inside[-1].filename, inside[-1].lineno or 0, (inside[-1].colno or 0) + 1

    def _definition(self) -> tuple[str, int, int]:
        function = inspect.unwrap(vars(self._recipe).get("_function", _fault))
        code = function.__code__ if inspect.isfunction(function) else None
        here = code is not None and code.co_filename == self._recipe.file
        return self._recipe.file, code.co_firstlineno if code and here else 0, 0
