"""All attacks, made by class, place and command."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from confinement import Scene
from places import PLACES, Place, Words

from tests.hostile import contents, escapes, repositories
from tests.hostile.damages import DAMAGES, Damage

SLOW = ("flood", "hostile remote", "template", "linked folder")
SHARE = 30  # one of so many attacks is met in the quick tests, and one of each class


class Attack(NamedTuple):
    """What a stranger plants, and the commands that meet it."""

    kind: str
    place: str
    plant: Callable[[Scene], None]
    commands: tuple[Words, ...]

    @property
    def name(self) -> str:
        """Return a name that says what it is."""
        return f"{self.kind}, {self.place}"

    @property
    def drawn(self) -> bool:
        """Tell whether it is one of those that the quick tests draw."""
        return zlib.crc32(self.name.encode()) % SHARE == 0


def damaged(damage: Damage, place: Place) -> Callable[[Scene], None]:
    """Return what damages the file at a place."""

    def plant(scene: Scene) -> None:
        place.before(scene)
        damage(scene, place.find(scene))

    return plant


def escaping(carry: escapes.Carry, text: object) -> Callable[[Scene], None]:
    """Return what puts a string into what carries it."""

    def plant(scene: Scene) -> None:
        escapes.prepare(scene)
        carry(scene, escapes.fill(text, scene))

    return plant


def arguments() -> Iterator[Attack]:
    """Return command lines that name odd paths."""
    for place, command in escapes.ARGUMENTS.items():
        for kind, text in escapes.ESCAPES.items():
            if "\0" not in text and "\udcff" not in text and "{" not in text:
                yield Attack(f"path {kind}", place, escapes.prepare, (command(text),))


def every() -> Iterator[Attack]:
    """Return all attacks."""
    for kind, damage in DAMAGES.items():
        for name, place in PLACES.items():
            yield Attack(kind, name, damaged(damage, place), place.commands)
    for kind, name, carry, text, commands in escapes.escapes():
        yield Attack(kind, name, escaping(carry, text), commands)
    yield from arguments()
    for case in (*repositories.every(), *contents.every()):
        yield Attack(case.kind, case.place, case.spoil, case.commands)


ATTACKS = tuple(every())
QUICK = frozenset(
    attack.name
    for number, attack in enumerate(ATTACKS)
    if attack.kind not in SLOW and (attack.drawn or attack.kind not in {earlier.kind for earlier in ATTACKS[:number]})
)
