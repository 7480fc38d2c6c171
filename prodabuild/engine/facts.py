"""Facts: what source files state, and how two readings of them differ.

A fact is a JSON object under a stable key. Its top-level entries are *facets*; a build function depends on
the facets that it reads, so an edit to one facet leaves readers of the others alone. A fact may stand in a
bucket *group* (its bucket is a unit) and be a member of *postings* (named sorted lists of keys).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import orjson

from prodabuild.digest import bucket_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prodabuild.engine.state import State

# How an input is named: `key#facet`, or one of these marks and the name of a list, bucket, stage or unit.
POSTING, BUCKET, LISTING, OUTPUT = "@", "%", "*", "="
MARKS = frozenset((POSTING, BUCKET, LISTING, OUTPUT))


class Fact(NamedTuple):
    """One statement. `value` is the canonical JSON of a mapping facet -> value."""

    key: str
    value: bytes
    source: str
    group: str = ""
    postings: tuple[str, ...] = ()

    @property
    def hash(self) -> int:
        """Return the 32 bits that choose the fact's bucket."""
        return bucket_hash(self.key)


class Reason(NamedTuple):
    """Why a unit is not clean, for people: what changed, the source it is written in, old and new value.

    `key` and `facet` tell the owner of the source which line of it is meant.
    """

    what: str
    where: str = ""
    old: Any = None
    new: Any = None
    key: str = ""
    facet: str = ""


class Change(NamedTuple):
    """One input that moved: its name, the fact behind it, the facet (or mark), old and new value."""

    input: str
    key: str
    facet: str
    old: Any
    new: Any
    source: str


if TYPE_CHECKING:
    Describe: TypeAlias = Callable[[Change], Reason]


@dataclass(frozen=True)
class Delta:
    """The difference between the recorded facts and a new reading of some sources."""

    upserts: Mapping[str, Fact] = field(default_factory=dict)
    before: Mapping[str, Fact] = field(default_factory=dict)  # what upserted or removed keys stated before
    removed: tuple[str, ...] = ()
    duplicates: tuple[tuple[Fact, str], ...] = ()  # a fact, and the other source that states its key

    def __bool__(self) -> bool:
        return bool(self.upserts or self.removed or self.duplicates)

    def pairs(self) -> Iterator[tuple[Fact | None, Fact | None]]:
        """Return (old, new) of every key that differs."""
        for key, fact in self.upserts.items():
            yield self.before.get(key), fact
        for key in self.removed:
            yield self.before[key], None

    def changes(self) -> Iterator[Change]:
        """Return every input that moved."""
        for old, new in self.pairs():
            yield from _changes(old, new)


def facet_input(key: str, facet: str) -> str:
    """Name the input `facet of fact key`."""
    return f"{key}#{facet}"


def diff(
    state: State,
    parsed: Mapping[str, Sequence[Fact]],
    gone: Iterable[str] = (),
    single: Mapping[str, Fact | None] | None = None,
    removers: Mapping[str, str] | None = None,
) -> Delta:
    """Compare what `parsed` sources state now (and `gone` sources no longer state) with the recorded facts.

    `single` are keys of other sources, and what is stated of each now: None where nothing is.
    `removers` are the sources that say of a key that it is no more.
    """
    single = single or {}
    before = {fact.key: fact for source in (*parsed, *gone) for fact in state.facts_of(source)}
    before |= {key: fact for key in single if (fact := state.fact(key))}
    after: dict[str, Fact] = {}
    duplicates: list[tuple[Fact, str]] = []
    known = state.has_facts()
    for source in sorted(parsed):
        for fact in parsed[source]:
            if fact.key in after:
                duplicates.append((fact, after[fact.key].source))
            elif known and fact.key not in before and (other := state.fact(fact.key)):
                duplicates.append((fact, other.source))
            else:
                after[fact.key] = fact
    for key, fact in single.items():
        if fact is not None and key in after:
            duplicates.append((after[key], fact.source))
        elif fact is not None:
            after[key] = fact
    upserts = {key: fact for key, fact in after.items() if before.get(key) != fact}
    removed = tuple(key for key in before if key not in after)
    kept = {key: before[key] for key in (*upserts, *removed) if key in before}
    kept |= {
        key: kept[key]._replace(source=source)
        for key, source in (removers or {}).items()
        if key in kept and key not in after
    }
    return Delta(upserts, kept, removed, tuple(duplicates))


def _changes(old: Fact | None, new: Fact | None) -> Iterator[Change]:
    some = new or old
    assert some is not None
    key, source = some.key, some.source
    if old is None or new is None or old.value != new.value:
        was = orjson.loads(old.value) if old else {}
        now = orjson.loads(new.value) if new else {}
        for facet in sorted(was.keys() | now.keys()):
            if was.get(facet) != now.get(facet):
                yield Change(facet_input(key, facet), key, facet, was.get(facet), now.get(facet), source)
    left, entered = set(old.postings if old else ()), set(new.postings if new else ())
    for name in sorted(left - entered):
        yield Change(POSTING + name, key, POSTING, key, None, source)
    for name in sorted(entered - left):
        yield Change(POSTING + name, key, POSTING, None, key, source)
