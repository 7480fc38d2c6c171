"""What trained models of a lock were made with, and what is here: whether they can still be built bit by bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.engine import lockfile
from prodabuild.errors import StaleError, listed
from prodabuild.events import Note
from prodabuild.project.inputs import installed_versions
from prodabuild.project.locking import LOCK, MADE_WITH, is_trained
from prodabuild.project.session import device_of, reading
from prodabuild.project.stages import stages_of, up_to
from prodabuild.training.kernels import kernels_of

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.engine.lockfile import Entries
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.outcome import Options

SURROUNDINGS = ("device", "kernels")  # what models are made with that is no library


class Difference(NamedTuple):
    """A library, the device or the class of kernels that is not here what it was when a version was made."""

    what: str
    then: str | None
    now: str | None

    def __str__(self) -> str:
        """Return it as a clause."""
        return f"{self.what} was {self.then}, here it is {self.now}"


def differences(entries: Entries, device: str) -> tuple[Difference, ...]:
    """Return what a lock says that its artifacts were made with, and is not so here."""
    then: dict[str, str | None] = {}
    for entry in entries.values():
        then |= entry.get("made_with", {})
    now = installed_versions(frozenset(then.keys() - set(SURROUNDINGS))) if then else {}
    now |= {"device": device, "kernels": kernels_of(device)}
    return tuple(Difference(name, then[name], now[name]) for name in sorted(then) if then[name] != now[name])


def settle(root: Path, manifest: Manifest, options: Options) -> Options:
    """Return options that restore what a lock of another environment has trained, where cache and traces have it all.

    Where it would be trained again, that is said before it is, or with `--locked` raised as `StaleError`.
    """
    entries = _trained_entries(lockfile.read(root / LOCK), manifest, options)
    found = differences(entries, device_of(options))
    if not found:
        return options
    said = "; ".join(map(str, found))
    then: dict[str, Any] = {difference.what: difference.then for difference in found}
    if not _to_train(root, manifest, locked := replace(options, made_with=then)):
        options.emit(Note(f"{said}: what {LOCK} has is restored, and nothing is trained"))
        return locked
    units = _to_train(root, manifest, options)
    if not units:
        return options
    names = ", ".join(listed(units))
    if options.locked:
        raise StaleError(
            f"{LOCK} cannot be met here: {said}; {names} would be built again and come out otherwise",
            "`prodabuild pull` brings what was built; or run the command without --locked and commit the lock",
        )
    options.emit(Note(f"{said}: {names} will be built again, not bit by bit what {LOCK} has", warning=True))
    return options


def _trained_entries(entries: Entries, manifest: Manifest, options: Options) -> Entries:
    """Return the entries of a lock that stages up to the target train or score."""
    stages = up_to(stages_of(manifest), options.to)
    units = {unit for stage in stages if stage.name in MADE_WITH for unit in stage.fixed or ()}
    return {unit: entry for unit, entry in entries.items() if unit in units}


def _to_train(root: Path, manifest: Manifest, options: Options) -> list[str]:
    """Return the units that a build would train or score."""
    with reading(root, manifest, options) as session:
        steps = session.plan(options.to).steps
    return [step.unit for step in steps if step.action in ("build", "maybe") and is_trained(step.unit)]
