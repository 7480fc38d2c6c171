"""The three-way merge of a re-import: what the last import wrote, what is here now, what the source says now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Accept = Literal["ours", "theirs"]
Why = Literal["both changed", "both added", "deleted here", "gone there"]


@dataclass
class Merge:
    """What is to be done, by id, and what is left alone.

    `edited` and `deleted` were changed here and stay so; `gone` are not in the source any more and still here;
    `conflicts` were changed on both sides and stay as they are here. `baseline`: what to compare with next time.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    conflicts: dict[str, Why] = field(default_factory=dict)
    baseline: dict[str, str] = field(default_factory=dict)


def merge(
    base: Mapping[str, str],
    here: Mapping[str, str],
    there: Mapping[str, str],
    needs: Callable[[str], Sequence[str]],
    accept: Accept | None = None,
    prune: bool = False,
    holding: Mapping[str, Sequence[str]] | None = None,
) -> Merge:
    """Compare digests by id and decide. In `there`, what a record `needs` comes before it.

    What needs a record that was deleted here is left out with it. Pruning spares what others need: `holding` are the
    needs of every record here.
    """
    if base.keys().isdisjoint(here):
        base = {}  # nothing of the last import is left: this one begins anew
    result = Merge()
    fresh: set[str] = set()
    for identity, now in there.items():
        before = base.get(identity)
        if identity not in here:
            wanted = needs(identity)
            if not all(need in here or need in fresh for need in wanted):
                continue
            before = before if fresh.isdisjoint(wanted) else None  # it comes back with its concept
        _with_source(result, identity, before, here.get(identity), now, accept)
        if result.added[-1:] == [identity]:
            fresh.add(identity)
    for identity, before in base.items():
        if identity not in there and identity in here:
            _without_source(result, identity, before, here[identity], accept, prune)
    _spare(result, base, holding or {})
    return result


def _spare(result: Merge, base: Mapping[str, str], holding: Mapping[str, Sequence[str]]) -> None:
    """Take back removals that would leave another record without what it needs."""
    while result.removed:
        going = set(result.removed)
        needed = {need for identity, needs in holding.items() if identity not in going for need in needs}
        if needed.isdisjoint(going):
            return
        result.removed = [identity for identity in result.removed if identity not in needed]
        for identity in going & needed:
            result.gone.append(identity)
            result.baseline[identity] = base[identity]


def _with_source(
    result: Merge, identity: str, before: str | None, ours: str | None, theirs: str, accept: Accept | None
) -> None:
    """Decide about a record that the source has."""
    result.baseline[identity] = theirs
    if ours == theirs:
        return
    if before == theirs:
        (result.deleted if ours is None else result.edited).append(identity)
    elif ours == before or accept == "theirs":
        (result.added if ours is None else result.changed).append(identity)
    elif accept == "ours":
        (result.deleted if ours is None else result.edited).append(identity)
    else:
        result.conflicts[identity] = _why(before, ours)
        del result.baseline[identity]
        if before is not None:
            result.baseline[identity] = before


def _why(before: str | None, ours: str | None) -> Why:
    if ours is None:
        return "deleted here"
    return "both added" if before is None else "both changed"


def _without_source(result: Merge, identity: str, before: str, ours: str, accept: Accept | None, prune: bool) -> None:
    """Decide about a record that the last import wrote, that is here and not in the source any more."""
    if ours != before and accept == "ours":
        result.edited.append(identity)
    elif (ours == before and prune) or (ours != before and accept == "theirs"):
        result.removed.append(identity)
    else:
        result.baseline[identity] = before
        if ours == before:
            result.gone.append(identity)
        else:
            result.conflicts[identity] = "gone there"
