"""The entries of `proda.lock`: everything that a version is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from prodabuild.digest import canonical, file_sha256, sha256
from prodabuild.engine import lockfile
from prodabuild.engine.code import LIBRARY
from prodabuild.errors import StaleError
from prodabuild.insight.experiments import MEASURED, RUN
from prodabuild.knowledge.patches import name_of
from prodabuild.knowledge.predicates import PREDICATE
from prodabuild.project.inputs import settings_of
from prodabuild.project.stages import up_to
from prodabuild.training.base import start_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prodabuild.engine.lockfile import Entries
    from prodabuild.engine.state import State
    from prodabuild.engine.units import Stage
    from prodabuild.project.session import Session
    from prodabuild.project.stages import Target


LOCK = "proda.lock"
ACCEPTED = "accepted:"
FILE_KEYS = ("path", "md5", "sha256", "size")


def update_lock(session: Session, target: Target, results: Mapping[str, dict[str, Any]] | None = None) -> bool:
    """Write the lock of what was built up to a target; with `--locked` raise `StaleError` where it would change.

    Entries beyond the target are kept while nothing before them changed. `results` are entries of a test.
    """
    path = session.root / LOCK
    old = lockfile.read(path)
    new = (
        source_entries(session)
        | unit_entries(session, up_to(session.stages, target))
        | {name: entry for name, entry in old.items() if name.startswith(ACCEPTED)}
    )
    covered = {name for name in old if not beyond(session, target, name)}
    if new == {name: old[name] for name in covered}:
        new |= {name: old[name] for name in old.keys() - covered}
    else:
        new |= unit_entries(session, session.stages)
    new |= {name: dict(entry) for name, entry in (results or {}).items()}
    if session.options.locked:
        refuse_change(old, new)
        return False
    return lockfile.write(path, new, session.space.scratch)


def acceptance_of(session: Session, scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Entries:
    """Return the entries that record the version that was just tested as the accepted one."""
    entries = unit_entries(session, up_to(session.stages, "results"))
    rows = [row for row in session.state.file_rows().values() if row.context.startswith("patch:")]
    patches = {name: row.content for row in rows if (name := name_of(row.name))}
    return {
        ACCEPTED + suite: {
            "results": {key: entries[f"results:{suite}"][key] for key in FILE_KEYS},
            "acc": {split: figures["acc"] for split, figures in splits.items()},
            "patches": patches,
        }
        for suite, splits in scores.items()
    }


def disagreements(session: Session, entries: Entries) -> list[str]:
    """Return the clean units that stand in a lock with other contents than were built."""
    return [
        unit
        for unit, files in session.state.outputs()
        if unit in entries and any(entries[unit].get(key) != value for key, value in lockfile.unit_entry(files).items())
    ]


def refuse_stale_sources(session: Session) -> None:
    """With `--locked`, raise `StaleError` before anything is built when the sources are not those of the lock."""
    old = lockfile.read(session.root / LOCK)
    sources = source_entries(session)
    refuse_change({name: entry for name, entry in old.items() if name.partition(":")[0] in _SOURCES}, sources)


def refuse_change(old: Entries, new: Entries) -> None:
    """Raise `StaleError` when two sets of entries differ; it names the first few."""
    names = lockfile.changed(old, new)
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise StaleError(
            f"{LOCK} would change: {', '.join(names[:3])}{more}", "run the command without --locked and commit the lock"
        )


_SOURCES = ("knowledge", "patch", "predicates", "manifest")
_TORCH = ("torch", "transformers", "tokenizers", "safetensors")
MADE_WITH = {
    "base": _TORCH,
    "model": (*_TORCH, "peft"),
    "probe": (*_TORCH, "peft", "numpy"),
    "footprint": ("numpy", "safetensors"),
    "tasks": (*_TORCH, "peft", "lm_eval", "datasets"),
    "results": (*_TORCH, "peft"),
    RUN: (*_TORCH, "peft"),
    MEASURED: (*_TORCH, "peft", "numpy"),
}


def is_trained(name: str) -> bool:
    """Tell whether the unit, or the lock entry, of this name is a model or was computed by one."""
    kind = name.partition(":")[0].partition("@")[0]
    return kind in MADE_WITH or kind == "score"


def source_entries(session: Session) -> Entries:
    """Return the entries of what people write."""
    state = session.state
    entries: Entries = {"manifest": {"sha256": sha256(canonical(settings_of(session.root, session.manifest)))}}
    for row in state.file_rows().values():
        if row.context.startswith("knowledge:"):
            entries[f"knowledge:{row.name}"] = {"sha256": row.content}
        elif row.context.startswith("patch:"):
            entries[f"patch:{row.name}"] = {"sha256": row.content}
    predicates = [fact for key in state.keys(PREDICATE) if (fact := state.fact(key))]
    entries["predicates"] = {"sha256": sha256(canonical({fact.key: fact.value.decode() for fact in predicates}))}
    return entries


def unit_entries(session: Session, stages: Iterable[Stage]) -> Entries:
    """Return the entries of the clean units of stages, and of models what libraries and device made them."""
    state = session.state
    entries = {}
    for stage in stages:
        libraries = MADE_WITH.get(stage.name.partition(" ")[0])  # stages of experiments end in the name of theirs
        made = {"made_with": _environment(state, libraries)} if libraries else {}
        if stage.name == "model" and (start := session.manifest.model.train.start):
            found = {name: file_sha256(session.root / name) for name in start_files(session.root, start)}
            made["start"] = {"sha256": sha256(canonical(found))}
        for unit, files in state.outputs(stage.name):
            entries[unit] = lockfile.unit_entry(files) | made
    return entries


def _environment(state: State, libraries: tuple[str, ...]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in libraries:
        fact = state.fact(LIBRARY + name)
        found[name] = orjson.loads(fact.value)["version"] if fact else None
    device = state.fact("device")
    stated = orjson.loads(device.value) if device else {}
    return found | {"device": stated.get("class"), "kernels": stated.get("kernels")}


def beyond(session: Session, target: Target, name: str) -> bool:
    """Tell whether a lock entry belongs to a stage after the target."""
    later = session.stages[len(up_to(session.stages, target)) :]
    kinds = {name.partition(":")[0] for stage in later for name in (stage.kind, *(stage.fixed or ()))}
    return name.partition(":")[0] in kinds | {"score"}
