"""What a patch would change, found without touching the disk: records, the samples of the shards that they touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.engine.run import RunResult
from prodabuild.engine.view import View
from prodabuild.knowledge.records import to_data
from prodabuild.project.failures import raise_failures
from prodabuild.project.reasons import Locator
from prodabuild.project.session import trying
from prodabuild.shards.compile import build_shard
from prodabuild.shards.own import RecipeError, declared, recipe_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from prodabuild.engine.facts import Delta
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.outcome import Options
    from prodabuild.project.session import Session

HOW = {(False, True): "added", (True, False): "removed", (True, True): "changed"}


class Difference(NamedTuple):
    """A record or a sample that is added, removed or changed: the fields that differ. `what` is a level or a recipe."""

    how: str
    what: str
    id: str
    where: str
    old: dict[str, Any]
    new: dict[str, Any]


@dataclass(frozen=True)
class Effect:
    """What a patch changes. Test items are not built for it, and never shown: `items` are the units that hold them.

    `unseen` are the recipes whose samples are left out, since code of the repository would have to run for them.
    """

    records: tuple[Difference, ...]
    samples: tuple[Difference, ...]
    shards: tuple[str, ...]
    total: int
    items: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass
class _Shards:
    """The rows of shards in one session: as they were built last, or else made in memory."""

    session: Session
    unseen: Collection[str]
    made: dict[str, bytes] = field(default_factory=dict)

    def make(self, record: bool) -> list[str]:
        """Make the shards that are not clean; with `record` they are clean then, and known by what they read."""
        state, reader = self.session.state, self.session.reader()
        names = [row.name for row in state.dirty("shards")]
        for unit in names:
            view = View(unit, reader, self.session.space.scratch)
            try:
                (self.made[unit],) = self._build(unit, view)
            except RecipeError as error:
                raise_failures(RunResult(failures=[(unit, error)]), self.session.root, state, keep_going=False)
            if record:
                with state.transaction():
                    state.record(view.trace(()))
        return names

    def rows(self, units: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the rows of some shards by id."""
        lines = (line for unit in units for line in self._data(unit).splitlines())
        unseen = {recipe_name(entry) for entry in self.unseen}
        return {row["id"]: row for row in map(orjson.loads, lines) if row["recipe"] not in unseen}

    def _data(self, unit: str) -> bytes:
        if unit not in self.made:
            row = self.session.state.unit(unit)
            trace = self.session.state.trace(unit, row.inputs) if row and row.inputs else None
            stored = [self.session.space.store.peek(each) for each in trace.files] if trace else []
            if not stored or stored[0] is None:  # lost: what is left of it is of no use here
                view = View(unit, self.session.reader(), self.session.space.scratch)
                stored = [*self._build(unit, view)]
            self.made[unit] = stored[0] or b""
        return self.made[unit]

    def _build(self, unit: str, view: View) -> list[bytes]:
        made = build_shard(unit, view, own_code=not self.unseen)
        return [data for data in made.values() if isinstance(data, bytes)]


def preview(root: Path, manifest: Manifest, options: Options, file: str, run_own_code: bool = False) -> Effect:
    """Return what the patch in a file changes, laid over the patches before it; raises `ProblemsError`.

    Code of the repository runs only if asked: else its samples are left out, and all that ratios draw beside them.
    """
    own = () if run_own_code else tuple(entry for entry in manifest.compile.recipes if declared(entry))
    unseen = tuple(manifest.compile.recipes) if own and manifest.compile.ratios else own
    with trying(root, manifest, options, file) as trial:
        before = _Shards(trial.before, unseen)
        before.make(record=True)
        session, delta = trial.lay()
        after = _Shards(session, unseen)
        touched = after.make(record=False)
        was = set(trial.before.state.unit_names("shards"))
        now = session.state.unit_names("shards")
        old = before.rows(sorted(was.intersection(touched) | was.difference(now)))
        samples = _samples(old, after.rows(touched))
        waiting = {row.name: row.dirty for row in trial.before.state.dirty("items")}
        items = tuple(row.name for row in session.state.dirty("items") if row.dirty != waiting.get(row.name))
    return Effect(tuple(_records(root, delta)), tuple(samples), tuple(touched), len(now), items, unseen)


def _records(root: Path, delta: Delta) -> Iterator[Difference]:
    locator = Locator(root)
    for old, new in sorted(delta.pairs(), key=lambda pair: (pair[0] or pair[1] or ("",))[0]):
        some = new or old
        if some is None or not some.group or (old and new and old.value == new.value):
            continue
        level = to_data(some)[0]
        fields = differing(to_data(old)[1] if old else {}, to_data(new)[1] if new else {})
        yield Difference(
            HOW[old is not None, new is not None], level, some.key, locator.place(some.source, some.key), *fields
        )


def _samples(old: Mapping[str, dict[str, Any]], new: Mapping[str, dict[str, Any]]) -> Iterator[Difference]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            row = new.get(key) or old[key]
            fields = differing(texts(old.get(key)), texts(new.get(key)))
            yield Difference(HOW[key in old, key in new], row["recipe"], key, "", *fields)


def texts(row: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a row of the dataset says, by field; nothing of no row."""
    if row is None:
        return {}
    question, answer = (message["content"] for message in row["messages"])
    return {"question": question, "answer": answer, "nodes": row["nodes"]}


def differing(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of two mappings that differ."""
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    return {name: old[name] for name in names if name in old}, {name: new[name] for name in names if name in new}
