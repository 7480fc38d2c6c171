"""Three sides of a lock made one, entry by entry.

What only one side changed is taken. What both changed is known by neither, so it is left out, and the next build
writes it. The version that was accepted is nothing that a build knows: there ours stays, and people decide.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

from prodabuild.engine import lockfile
from prodabuild.engine.buckets import prefix_of
from prodabuild.engine.dvcfile import LOCK as DVC_LOCK
from prodabuild.engine.dvcfile import Lock, parse_lock, render_lock
from prodabuild.errors import ProjectError
from prodabuild.insight.experiments import ARM, MEASURED, RUN
from prodabuild.project.locking import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prodabuild.engine.lockfile import Entries

Value = TypeVar("Value")
_BUCKETS = ("shard", "items", "leaks")
# What an entry of a kind is made of, earlier kinds first: it holds where all of that is as on the side it comes from.
_MADE_OF = {
    "index": ("items",),
    "suite": ("items",),
    "dataset": ("manifest", "shard", "leaks"),
    "base": ("manifest",),
    "model": ("manifest", "dataset", "base"),
    "probe@base": ("manifest", "base"),
    "probe": ("manifest", "base", "model"),
    "footprint": ("manifest", "base", "model"),
    "results": ("manifest", "suite", "base", "model"),
    "score": ("manifest", "suite", "base", "model", "results"),
    ARM: ("manifest", "shard", "index", "base"),
    RUN: ("manifest", "base", ARM),
    MEASURED: ("manifest", "suite", "base", ARM, RUN),
}


class Merged(NamedTuple):
    """A lock made of two. `stale` entries were left out; `conflicts` are kept as on our side, for people to decide."""

    data: bytes
    stale: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def merge(name: str, base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """Merge the file of this name: `proda.lock`, `dvc.lock`, or one of metrics. Raises `ProjectError`."""
    file = posixpath.basename(name)
    try:
        if file == DVC_LOCK:
            return _merge_dvc(*(_stages(data, side) for data, side in _sides(name, base, ours, theirs)))
        if file.endswith(".lock"):
            return merge_entries(*(_entries(data, side) for data, side in _sides(name, base, ours, theirs)))
        return _merge_metrics(*(_scores(data, side) for data, side in _sides(name, base, ours, theirs)))
    except ProjectError as error:
        hint = f"take one side whole (`git checkout --ours {name}`, or --theirs) and run `prodabuild compile`"
        raise ProjectError(error.message, hint) from None


def merge_entries(base: Entries, ours: Entries, theirs: Entries) -> Merged:
    """Merge the entries of `proda.lock`."""
    merged, both = _three_way(base, ours, theirs)
    conflicts = [name for name in both if name.startswith(ACCEPTED)]
    stale = {name for name in both if not name.startswith(ACCEPTED)}
    merged |= {name: ours[name] for name in conflicts if name in ours}
    stale |= set(_split_beside(merged, stale))
    merged = {name: entry for name, entry in merged.items() if name not in stale}
    for kind, parts in _MADE_OF.items():
        sides = [side for side in (ours, theirs) if all(_same(side, merged, part) for part in parts)]
        for name, entry in _of_kind(merged, kind).items():
            if not any(side.get(name) == entry for side in sides):
                del merged[name]
                stale.add(name)
    return Merged(lockfile.render(merged), tuple(sorted(stale)), tuple(conflicts))


def _three_way(
    base: Mapping[str, Value], ours: Mapping[str, Value], theirs: Mapping[str, Value]
) -> tuple[dict[str, Value], list[str]]:
    """Return what one side or none has changed, and the names of what both changed, each otherwise."""
    merged: dict[str, Value] = {}
    both = []
    for name in {**ours, **theirs, **base}:
        old, mine, other = base.get(name), ours.get(name), theirs.get(name)
        if mine not in (old, other) and other != old:
            both.append(name)
        elif (taken := other if mine == old else mine) is not None:
            merged[name] = taken
    return merged, sorted(both)


def _split_beside(merged: Entries, stale: set[str]) -> Iterator[str]:
    """Return the buckets that one side has split, or joined, where the other side changed what was in them."""
    lost = [prefix_of(name) for name in stale if _kind(name) in _BUCKETS]
    for name in merged if lost else ():
        if _kind(name) in _BUCKETS:
            group, prefix = prefix_of(name)
            if any(group == of and (prefix.startswith(other) or other.startswith(prefix)) for of, other in lost):
                yield name


def _same(one: Entries, other: Entries, kind: str) -> bool:
    return _of_kind(one, kind) == _of_kind(other, kind)


def _of_kind(entries: Entries, kind: str) -> Entries:
    return {name: entry for name, entry in entries.items() if _kind(name) == kind}


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _merge_dvc(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """Merge the stages of `dvc.lock`; one goes, too, where a dependency of it is what another stage made elsewhere."""
    stages, both = _three_way(base.stages, ours.stages, theirs.stages)
    order = [name for name in {**ours.stages, **theirs.stages} if name in stages]
    merged = ours._replace(stages={name: stages[name] for name in order})
    made_by = dict(_made(ours)) | dict(_made(theirs))
    stale = set(both)
    while gone := [name for name in merged.stages if not _holds(merged, name, made_by)]:
        stale.update(gone)
        merged = merged._replace(stages={name: text for name, text in merged.stages.items() if name not in gone})
    return Merged(render_lock(merged), tuple(sorted(stale)))


def _made(lock: Lock) -> Iterator[tuple[str, str]]:
    """Return every output that a lock records, and the stage that makes it."""
    for name in lock.stages:
        for out in (lock.entry(name) or {}).get("outs", ()):
            yield posixpath.normpath(out["path"]), name


def _holds(lock: Lock, name: str, made_by: Mapping[str, str]) -> bool:
    for dependency in (lock.entry(name) or {}).get("deps", ()):
        maker = made_by.get(posixpath.normpath(dependency["path"]))
        if maker is not None and dependency["md5"] not in _digests(lock, maker, dependency["path"]):
            return False
    return True


def _digests(lock: Lock, stage: str, path: str) -> list[str]:
    outs = (lock.entry(stage) or {}).get("outs", ())
    return [out["md5"] for out in outs if posixpath.normpath(out["path"]) == posixpath.normpath(path)]


def _merge_metrics(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> Merged:
    """Merge a file of scores, suite by suite."""
    merged, both = _three_way(base, ours, theirs)
    option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return Merged(orjson.dumps(merged, option=option), tuple(both))


def _entries(data: bytes, name: str) -> Entries:
    return lockfile.parse(data, name) if data.strip() else {}


def _stages(data: bytes, name: str) -> Lock:
    return parse_lock(data, name) if data.strip() else Lock()


def _scores(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(data) if data.strip() else {}
    except orjson.JSONDecodeError as error:
        raise ProjectError(f"{name}:{error.lineno}:{error.colno}: not JSON") from None
    if not isinstance(found, dict):
        raise ProjectError(f"{name} is no mapping of suites")
    return found


def _sides(name: str, *sides: bytes) -> Iterable[tuple[bytes, str]]:
    """Return each side with what messages call it."""
    words = ("the common ancestor", "our side", "their side")
    return zip(sides, (f"{name} ({word})" for word in words), strict=True)
