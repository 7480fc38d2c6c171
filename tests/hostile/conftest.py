"""A scene for every attack: a copy of one that is built once, an attacker's changes in it, a command, and a look around."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import confinement
import pytest
import stage
from confinement import Ended, Scene
from places import READERS, Words

OURS = (".prodabuild", "build", ".dvc", ".git", "proda.lock", "dvc.lock")  # what a reader may write


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The scene that all others are copies of."""
    confinement.preload()
    return stage.build(tmp_path_factory.mktemp("origin") / "scene")


@pytest.fixture(scope="session")
def _used(origin: Scene, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return stage.copy(origin, tmp_path_factory.mktemp("used") / "scene")


@pytest.fixture
def scene(origin: Scene, _used: Scene) -> Iterator[Scene]:
    yield _used
    stage.renew(_used, origin)


def survive(scene: Scene, commands: Iterable[Words], seconds: float = confinement.SECONDS) -> list[Ended]:
    """Run commands on what an attacker left, and hold each of them to what no input may make it do."""
    found, wrong = [], []
    around = confinement.snapshot(scene)
    for words in commands:
        written = confinement.tree(scene, OURS) if words in READERS else {}
        ended = confinement.command(scene, words, seconds)
        found.append(ended)
        after = confinement.snapshot(scene)
        breaches = confinement.breaches(ended, seconds) + confinement.differences(around, after)
        breaches += confinement.secrets_in(scene)
        if words in READERS:
            breaches += confinement.differences(written, confinement.tree(scene, OURS))
        around = after
        wrong += [f"`prodabuild {' '.join(words)}`: {breach}" for breach in breaches]
    report = "\n".join(f"{ended.code}\n{ended.out[-1500:]}\n{ended.err[-1500:]}" for ended in found)
    assert not wrong, "\n".join(wrong) + "\n" + report.encode("ascii", "backslashreplace").decode()
    return found
