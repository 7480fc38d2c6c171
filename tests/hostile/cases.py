"""What an attack is, and the small changes that attacks are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import stage
from confinement import Scene
from places import (
    Words,
)

from tests.hostile.damages import clear

Spoil = Callable[[Scene], None]


class Case(NamedTuple):
    """An attack: its class, where it is planted, what plants it, the commands that meet it."""

    kind: str
    place: str
    spoil: Spoil
    commands: tuple[Words, ...]


def write(name: str, text: str | bytes) -> Spoil:
    """Return what writes a file of the repo."""

    def work(scene: Scene) -> None:
        path = scene.repo / name
        clear(path)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    return work


def append(name: str, text: str) -> Spoil:
    """Return what adds to a file of the repo."""

    def work(scene: Scene) -> None:
        with (scene.repo / name).open("a") as file:
            file.write(text)

    return work


def both(*works: Spoil) -> Spoil:
    """Return what does one after the other."""

    def work(scene: Scene) -> None:
        for each in works:
            each(scene)

    return work


def committed(*works: Spoil) -> Spoil:
    """Return what does that, and commits it."""
    return both(*works, lambda scene: stage.commit(scene, "a stranger's version"))


def link(name: str, target: str = "victim") -> Spoil:
    """Return what replaces a folder or a file by a link that leads outside."""

    def work(scene: Scene) -> None:
        clear(scene.repo / name)
        (scene.repo / name).symlink_to(scene.around / target)

    return work
