"""No attack makes a command write, delete, run, print or wait where it may not; each ends in an exit code."""

from __future__ import annotations

from collections import Counter

import pytest
from confinement import Scene

from tests.hostile import escapes
from tests.hostile.attacks import ATTACKS, QUICK, Attack
from tests.hostile.conftest import survive
from tests.hostile.damages import DAMAGES
from places import PLACES

COMMANDS = ("check", "plan", "compile", "diff", "patch", "why", "verify", "pull", "gc", "rebuild", "lock", "export", "doctor")


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.name in QUICK], ids=lambda attack: attack.name)
def test_an_attack_fails(scene: Scene, attack: Attack) -> None:
    attack.plant(scene)
    survive(scene, attack.commands[:1])


@pytest.mark.engine
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


def test_an_attack_that_succeeds_is_seen(scene: Scene) -> None:
    (scene.around / "victim/keep.txt").write_text("changed")
    (scene.repo / "knowledge/zoo/notes.txt").write_text("~Qx1")
    with pytest.raises(AssertionError, match="changed: victim/keep.txt"):
        survive_after_a_change(scene)


def survive_after_a_change(scene: Scene) -> None:
    """Let the victim be changed between the two snapshots, as a command would."""
    import confinement

    before = confinement.snapshot(scene)
    (scene.around / "victim/keep.txt").write_text("changed again")
    assert not confinement.differences(before, confinement.snapshot(scene)), "changed: victim/keep.txt"
