"""What a manifest names for probes and experiments: sources and recipes, each with its place where there is no such."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.errors import ProdaError, ProjectError
from prodabuild.insight.experiments import ASK
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.paths import read_source
from prodabuild.problems import Problem, suggest
from prodabuild.shards.recipes import RECIPES
from prodabuild.yamlio import decode, locate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.manifest.model import Manifest


class Mistake(NamedTuple):
    """What is wrong with one entry, and the path of keys to it."""

    code: str
    message: str
    hint: str | None
    path: tuple[str | int, ...]


def undeclared(root: Path, manifest: Manifest) -> list[Problem]:
    """Return what is wrong with the sources and recipes that a manifest names beside its suites."""
    found = [*_of_ladder(manifest), *_of_experiments(manifest)]
    text = decode(read_source(root, MANIFEST)) if found else ""
    return [Problem(each.code, each.message, MANIFEST, *locate(text, each.path), hint=each.hint) for each in found]


def _of_ladder(manifest: Manifest) -> Iterator[Mistake]:
    ladder = manifest.insight.probe
    if ladder and ladder.sources:
        yield from _sources(ladder.sources, ("insight", "probe", "sources"))


def _of_experiments(manifest: Manifest) -> Iterator[Mistake]:
    for name, experiment in manifest.insight.experiments.items():
        path = ("insight", "experiments", name)
        yield from _sources(experiment.probe, (*path, "probe"))
        for arm, declared in experiment.arms.items():
            if declared.dose and (why := _why_not(declared.dose.source)):
                yield Mistake("M026", why.message, why.hint, (*path, "arms", arm, "dose", "source"))
            for number, recipe in enumerate(declared.recipes or ()):
                if recipe not in (known := (*RECIPES, ASK)):
                    hint = suggest(recipe, known, "recipes of an arm")
                    where = (*path, "arms", arm, "recipes", number)
                    yield Mistake("M015", f"there is no recipe {recipe!r} for an arm", hint, where)


def _sources(sources: list[str], path: tuple[str, ...]) -> Iterator[Mistake]:
    for number, source in enumerate(sources):
        again = ProjectError(f"the source {source!r} is named twice", "name each source once")
        if why := again if source in sources[:number] else _why_not(source):
            yield Mistake("M026", why.message, why.hint, (*path, number))


def _why_not(source: str) -> ProdaError | None:
    from prodabuild.insight.catalogue import parse_source  # reads numpy

    try:
        parse_source(source).sample(1, 2, "check")  # some that can be read cannot be drawn
    except ProdaError as error:
        return error
    return None
