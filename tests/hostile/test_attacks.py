"""No attack makes a command write, delete, run, print or wait where it may not; each ends in an exit code."""

from __future__ import annotations

import os
from collections import Counter

import confinement
import pytest
from confinement import Ended, Scene
from places import PLACES

from tests.hostile import escapes
from tests.hostile.attacks import ATTACKS, QUICK, Attack
from tests.hostile.conftest import survive
from tests.hostile.damages import DAMAGES

COMMANDS = (
    "check",
    "plan",
    "compile",
    "diff",
    "patch",
    "why",
    "verify",
    "pull",
    "gc",
    "rebuild",
    "lock",
    "export",
    "doctor",
)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.name in QUICK], ids=lambda attack: attack.name)
def test_an_attack_fails(scene: Scene, attack: Attack) -> None:
    attack.plant(scene)
    survive(scene, attack.commands[:1])


@pytest.mark.attack
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_fails_on_every_command(scene: Scene, attack: Attack) -> None:
    attack.plant(scene)
    survive(scene, attack.commands)


def test_every_class_meets_every_place() -> None:
    counted = Counter((attack.kind, attack.place) for attack in ATTACKS)
    assert max(counted.values()) == 1
    wanted = {(kind, place) for kind in DAMAGES for place in PLACES}
    wanted |= {(f"path {kind}", place) for kind in escapes.ESCAPES for place in escapes.CARRIERS}
    wanted |= {(f"digest {kind}", place) for kind in escapes.MD5S for place in escapes.DIGESTS}
    assert wanted <= counted.keys()
    assert len(ATTACKS) >= 2_000
    assert len(QUICK) >= 120
    assert {attack.kind for attack in ATTACKS if attack.name in QUICK} >= {kind for kind, _ in wanted}


def test_every_command_meets_an_attack() -> None:
    met = {words[0] for attack in ATTACKS for words in attack.commands}
    assert met >= set(COMMANDS)


def test_what_an_attack_may_do_is_seen(scene: Scene) -> None:
    before = confinement.snapshot(scene)
    (scene.around / "victim/keep.txt").write_text("changed")
    (scene.around / "others/a/keep.txt").unlink()
    (scene.around / "home/.profile").touch()
    (scene.repo / ".git/hooks").mkdir(exist_ok=True)
    (scene.repo / ".git/hooks/post-checkout").touch()
    (scene.repo / "build/copied.txt").write_text("~Qx1")
    changes = confinement.differences(before, confinement.snapshot(scene))
    assert {"changed: victim/keep.txt", "deleted: others/a/keep.txt", "written: home/.profile",
            "written: repo/.git/hooks/post-checkout"} <= set(changes)  # fmt: skip
    assert confinement.secrets_in(scene) == ["holds a secret: build/copied.txt"]


def test_what_a_run_may_end_in_is_seen(scene: Scene) -> None:
    os.mkfifo(scene.repo / "pipe")
    assert confinement.breaches(confinement.command(scene, ("check",))) == []
    ended = Ended(70, "~Qx1 \x1b[2J", "a bug in prodabuild: X: y\nTraceback (most recent call last):", 1.0, 2 << 30)
    assert confinement.breaches(ended) == [
        "exit code 70", "traceback", "a bug in prodabuild: X: y", "a secret was printed", "memory: 2048 MiB",
        "control character '\\x1b' was printed",
    ]  # fmt: skip
    assert confinement.breaches(ended._replace(code=None, out="", err="", peak=0)) == ["hang: not done after 20 s"]
