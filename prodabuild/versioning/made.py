"""What was made of two versions: samples and items, as far as the objects that their locks name are at hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import change_digest
from prodabuild.engine.lockfile import changed, stored_of
from prodabuild.knowledge.splits import SPLITS
from prodabuild.project.comparison import Counted, Pair
from prodabuild.project.previewing import HOW, Difference, differing, texts
from prodabuild.shards.prompt import prompt_and_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prodabuild.engine.lockfile import Entries
    from prodabuild.engine.store import Store, Stored
    from prodabuild.versioning.snapshot import Snapshot

SHOWN = 3
WAYS = ("changed", "added", "removed")


class Tally(NamedTuple):
    """What a shard holds: samples, words, tokens (with a tokenizer), and the records that its samples name."""

    samples: int
    words: int
    tokens: int | None
    nodes: frozenset[str]


@dataclass
class Objects:
    """The objects of a store by entries of locks; `lost` are files of versions that are not at hand, by version."""

    store: Store
    lost: dict[str, list[Stored]] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)

    def data(self, version: Snapshot, stored: Stored) -> bytes | None:
        """Return the bytes of a file, None where they are not at hand: it is then among what is lost."""
        found = self.store.peek(stored)
        if found is None:
            self._lose(version, stored)
        return found

    def rows(self, version: Snapshot, names: Iterable[str]) -> dict[str, dict[str, Any]] | None:
        """Return the rows of some units by id; None where not all of them are at hand."""
        files = [stored for name in names for stored in stored_of(version.entries[name])]
        found = [self.listed(version, stored) for stored in files]
        return None if None in found else {row["id"]: row for rows in found for row in rows or ()}

    def listed(self, version: Snapshot, stored: Stored) -> list[dict[str, Any]] | None:
        """Return the rows of a file of samples or test items; None where it is not at hand, or none of these."""
        data = self.data(version, stored)
        try:
            rows = [orjson.loads(line) for line in data.split(b"\n") if line] if data is not None else None
        except orjson.JSONDecodeError:
            rows = None
        if data is not None and (rows is None or not all(map(_is_row, rows))):
            self._lose(version, stored)
            return None
        return rows

    def _lose(self, version: Snapshot, stored: Stored) -> None:
        if stored not in self.lost.setdefault(version.name, []):
            self.lost[version.name].append(stored)

    def tally(self, version: Snapshot, tokens: Callable[[list[str]], int] | None) -> Tally | None:
        """Return what all shards of a version hold together; None where not all of them are at hand."""
        found = [
            self._tally(version, stored, tokens)
            for entry in version.of("shard").values()
            for stored in stored_of(entry)
        ]
        whole = [tally for tally in found if tally is not None]
        if len(whole) < len(found) or not whole:
            return None
        counted = [tally.tokens for tally in whole if tally.tokens is not None]
        return Tally(
            sum(tally.samples for tally in whole),
            sum(tally.words for tally in whole),
            sum(counted) if len(counted) == len(whole) else None,
            frozenset().union(*(tally.nodes for tally in whole)),
        )

    def _tally(self, version: Snapshot, stored: Stored, tokens: Callable[[list[str]], int] | None) -> Tally | None:
        if stored.md5 not in self.tallies:
            rows = self.listed(version, stored)
            if rows is None:
                return None
            spoken = ["".join(prompt_and_answer(row["messages"])) for row in rows]
            words = sum(len(text.split()) for text in spoken)
            nodes = frozenset(node for row in rows for node in row["nodes"])
            self.tallies[stored.md5] = Tally(len(rows), words, tokens(spoken) if tokens else None, nodes)
        return self.tallies[stored.md5]


def _is_row(row: Any) -> bool:
    """Tell whether a value is a sample (a question and its answer) or a test item, as a build writes them."""
    if type(row) is not dict or not isinstance(row.get("id"), str):
        return False
    nodes, messages = row.get("nodes"), row.get("messages")
    if type(nodes) is not list or not all(isinstance(node, str) for node in nodes):
        return False
    if messages is None:
        return isinstance(row.get("split"), str)
    spoken = (
        [each.get("content") if type(each) is dict else None for each in messages] if type(messages) is list else []
    )
    return isinstance(row.get("recipe"), str) and len(spoken) == 2 and all(isinstance(text, str) for text in spoken)


def unit_changes(before: Entries, after: Entries) -> Counted:
    """Return how many units of a kind differ."""
    moved = changed(before, after)
    gone, new = (sum(name not in side for name in moved) for side in (after, before))
    return Counted(len(before), len(after), new, gone, len(moved) - gone - new)


def sample_changes(objects: Objects, before: Snapshot, after: Snapshot) -> list[Difference] | None:
    """Return the samples that differ; None where not all shards that differ are at hand."""
    old, new = before.of("shard"), after.of("shard")
    moved = changed(old, new)
    were = objects.rows(before, [name for name in moved if name in old])
    are = objects.rows(after, [name for name in moved if name in new])
    if were is None or are is None:
        return None
    return [
        Difference(HOW[key in were, key in are], (are.get(key) or were[key])["recipe"], key, "", *differing(*fields))
        for key in sorted(were.keys() | are.keys())
        if were.get(key) != are.get(key)
        for fields in [(texts(were.get(key)), texts(are.get(key)))]
    ]


def sample_counts(found: list[Difference] | None, before: int | None, after: int | None) -> Counted:
    """Return how many samples differ."""
    if found is None:
        return Counted(before, after, None, None, None)
    how = Counter(difference.how for difference in found)
    return Counted(before, after, how["added"], how["removed"], how["changed"])


def some(samples: list[Difference]) -> tuple[Difference, ...]:
    """Return a few samples to show: each way to differ first, then each recipe."""
    ranked = sorted(samples, key=lambda each: WAYS.index(each.how))
    picked: dict[str, Difference] = {}
    for trait in (lambda each: each.how, lambda each: (each.how, each.what), lambda each: each.id):
        seen = {trait(each) for each in picked.values()}
        for each in ranked:
            if trait(each) not in seen and len(picked) < SHOWN:
                picked[each.id] = each
                seen.add(trait(each))
    return tuple(picked.values())


def item_counts(objects: Objects, before: Snapshot, after: Snapshot) -> dict[str, Counted]:
    """Return how many items of each split differ. What they ask stays here."""
    old, new = (_items(objects, version) for version in (before, after))
    return {
        split: _counted(_of(old, split), _of(new, split))
        for split in SPLITS
        if any(side is None or side.get(split) for side in (old, new))
    }


def tested(objects: Objects, version: Snapshot) -> frozenset[str] | None:
    """Return the records that the items of a version name; None where not all of them are at hand, or there is none."""
    rows = objects.rows(version, version.of("items"))
    return frozenset(node for row in rows.values() for node in (row["id"], *row["nodes"])) if rows else None


def _items(objects: Objects, version: Snapshot) -> dict[str, dict[str, bytes]] | None:
    rows = objects.rows(version, version.of("items"))
    if rows is None:
        return None
    found: dict[str, dict[str, bytes]] = {}
    for key, row in rows.items():
        found.setdefault(row["split"], {})[key] = change_digest(orjson.dumps(row, option=orjson.OPT_SORT_KEYS))
    return found


def _of(side: dict[str, dict[str, bytes]] | None, split: str) -> dict[str, bytes] | None:
    return None if side is None else side.get(split, {})


def _counted(old: Mapping[str, bytes] | None, new: Mapping[str, bytes] | None) -> Counted:
    before, after = (None if side is None else len(side) for side in (old, new))
    if old is None or new is None:
        return Counted(before, after, None, None, None)
    moved = sum(old[key] != new[key] for key in old.keys() & new.keys())
    return Counted(before, after, len(new.keys() - old.keys()), len(old.keys() - new.keys()), moved)


def pair(old: Tally | None, new: Tally | None, name: str) -> Pair:
    """Return a figure of two tallies."""
    return Pair(*(None if each is None else getattr(each, name) for each in (old, new)))


def cost_of(objects: Objects, version: Snapshot) -> Iterator[tuple[str, float | None]]:
    """Return what the training of a version cost, as its record has it. Locks hold no times."""
    files = {stored.path: stored for stored in stored_of(version.entries.get("model", {}))}
    log = next((stored for path, stored in files.items() if path.endswith("loss.csv")), None)
    data = objects.data(version, log) if log else None
    step, tokens = _last(data) if data else (None, None)
    yield "training_steps", step
    yield "training_tokens", tokens
    weights = [stored.size for path, stored in files.items() if path.endswith(".safetensors")]
    yield "adapter_bytes", sum(weights) if weights else None
    shards = [stored.size for entry in version.of("shard").values() for stored in stored_of(entry)]
    yield "data_bytes", sum(shards) if shards else None


def _last(data: bytes) -> tuple[int | None, int | None]:
    """Return the last step of a log of training, and the tokens seen by then."""
    cells = data.decode(errors="replace").strip().rpartition("\n")[2].split(",")
    return (
        (int(cells[0]), int(cells[3]))
        if len(cells) == 4 and cells[0].isdecimal() and cells[3].isdecimal()
        else (None, None)
    )
