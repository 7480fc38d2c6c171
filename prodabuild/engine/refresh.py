"""Bring the state up to the sources: record facts, lay out buckets, add and drop units, mark what must be looked at."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import orjson

from prodabuild.digest import canonical, key_hash
from prodabuild.engine.buckets import bucket_of, layout, unit_name
from prodabuild.engine.facts import BUCKET, LISTING, Change, Reason
from prodabuild.engine.state import KEEP_REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prodabuild.engine.facts import Delta, Describe, Fact
    from prodabuild.engine.files import FileRow
    from prodabuild.engine.state import State
    from prodabuild.engine.units import Stage

Marks = dict[str, list[Reason]]
_LAYOUT = "layout"  # the note that holds the bucket sizes by which units were laid out


def refresh(
    state: State,
    delta: Delta,
    rows: Iterable[FileRow],
    gone: Iterable[str],
    stages: Sequence[Stage],
    describe: Describe,
) -> None:
    """Record a delta. The caller holds a transaction; afterwards the dirty marks say all that changed."""
    first = not state.count_units()
    marks: Marks = {}
    state.apply(delta, rows, gone)
    if not first:
        _mark_holders(state, marks, delta, describe)
    _drop_unknown(state, stages, marks)
    _relayout(state, delta, stages, describe, marks)
    _named_units(state, stages, marks)
    state.mark_dirty(marks)


def laid_out(state: State, stages: Sequence[Stage]) -> bool:
    """Tell whether the recorded units are those of these stages: names and bucket sizes can change without a fact."""
    return (
        state.note(_LAYOUT) == _layout(stages)
        and state.count_units().keys() <= {stage.name for stage in stages}
        and all(set(state.unit_names(stage.name)) == _names(state, stage) for stage in stages if not stage.bucketed)
    )


def _layout(stages: Sequence[Stage]) -> str:
    return canonical({stage.name: stage.bucket_size for stage in stages if stage.bucketed}).decode()


def _relayout(state: State, delta: Delta, stages: Sequence[Stage], describe: Describe, marks: Marks) -> None:
    moved = _moved(delta)
    sizes = orjson.loads(state.note(_LAYOUT) or "{}")
    state.set_note(_LAYOUT, _layout(stages))
    for stage in stages:
        if not stage.bucketed:
            continue
        resized = sizes.get(stage.name) != stage.bucket_size
        groups = [group for group in {*moved, *(state.groups() if resized else ())} if stage.owns_group(group)]
        changed = [
            _layout_group(state, stage, group, moved.get(group, []), describe, marks) for group in sorted(groups)
        ]
        if any(changed):
            _mark_followers(state, marks, LISTING + stage.name, Reason(f"the set of {stage.name} changed"))


def _moved(delta: Delta) -> dict[str, list[tuple[Fact, bool]]]:
    """Return, by bucket group, the facts that left (False) or entered (True) it."""
    groups: dict[str, list[tuple[Fact, bool]]] = {}
    for old, new in delta.pairs():
        if (old.group if old else "") != (new.group if new else ""):
            for fact, entered in ((old, False), (new, True)):
                if fact and fact.group:
                    groups.setdefault(fact.group, []).append((fact, entered))
    return groups


def _layout_group(
    state: State, stage: Stage, group: str, moved: list[tuple[Fact, bool]], describe: Describe, marks: Marks
) -> bool:
    """Lay out one group anew; mark the units that gained or lost a fact. Returns whether its set of units changed."""
    was = set(state.unit_names_below(group + "/"))
    prefixes = layout(state.hashes(group), stage.bucket_size)
    now = {unit_name(group, prefix) for prefix in prefixes}
    state.remove_units(sorted(was - now))
    state.add_units(sorted(now - was), stage.name, Reason("not built yet"))
    if was:
        for fact, entered in moved:
            prefix = bucket_of(fact.hash, prefixes)
            unit = unit_name(group, prefix) if prefix is not None else ""
            if unit in was:
                old, new = (None, fact.key) if entered else (fact.key, None)
                change = Change(BUCKET + unit, fact.key, BUCKET, old, new, fact.source)
                marks.setdefault(unit, []).append(describe(change))
    return was != now


def _drop_unknown(state: State, stages: Sequence[Stage], marks: Marks) -> None:
    for name in sorted(state.count_units().keys() - {stage.name for stage in stages}):
        state.remove_units(state.unit_names(name))
        _mark_followers(state, marks, LISTING + name, Reason(f"the set of {name} changed"))


def _named_units(state: State, stages: Sequence[Stage], marks: Marks) -> None:
    for stage in stages:
        if stage.bucketed:
            continue
        was, now = set(state.unit_names(stage.name)), _names(state, stage)
        state.remove_units(sorted(was - now))
        state.add_units(sorted(now - was), stage.name, Reason("not built yet"))
        if was != now:
            _mark_followers(state, marks, LISTING + stage.name, Reason(f"the set of {stage.name} changed"))


def _names(state: State, stage: Stage) -> set[str]:
    """Return the units that a stage has by name: its fixed ones, or one beside each unit of another stage."""
    if stage.fixed is not None:
        return set(stage.fixed)
    return {f"{stage.kind}:{name.partition(':')[2]}" for name in state.unit_names(stage.beside)}


def _mark_holders(state: State, marks: Marks, delta: Delta, describe: Describe) -> None:
    """Mark the units that read an input which moved."""
    changes: dict[int, list[Change]] = {}
    for change in delta.changes():
        changes.setdefault(key_hash(change.input), []).append(change)
    if not changes:
        return
    for unit, held in state.holders(changes.keys()).items():
        reasons = (describe(change) for hashed in held for change in changes[hashed])
        marks.setdefault(unit, []).extend(islice(reasons, KEEP_REASONS))


def _mark_followers(state: State, marks: Marks, name: str, reason: Reason) -> None:
    for unit in state.followers(name):
        marks.setdefault(unit, []).append(reason)
