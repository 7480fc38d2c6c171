"""What two versions differ in, told from git, locks and objects alone: nothing is built or checked out."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from prodabuild.engine.lockfile import stored_of
from prodabuild.errors import ProjectError
from prodabuild.knowledge.graph import gather
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.project.comparison import Comparison, Pair, Untold
from prodabuild.project.coverage import WAYS, Reach, cover
from prodabuild.project.locking import LOCK
from prodabuild.project.session import workspace
from prodabuild.training.foreign import reading
from prodabuild.versioning.made import (
    Objects,
    cost_of,
    item_counts,
    pair,
    sample_changes,
    sample_counts,
    some,
    tested,
    unit_changes,
)
from prodabuild.versioning.scored import maker_changes, score_changes
from prodabuild.versioning.snapshot import PRESENT, snapshot_of
from prodabuild.versioning.written import Reader, own_code, patch_changes, record_changes, setting_changes, stale_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from prodabuild.versioning.made import Tally
    from prodabuild.versioning.snapshot import Snapshot

_DATA = ("shard", "items", "suite", "index", "leaks", "dataset")  # kinds of units that are made of sources alone
TOKENIZER = "base/tokenizer.json"


def compare(root: Path, before: str, after: str | None) -> Comparison:
    """Return what differs between the versions at two git refs, or at one and in the work tree; raises `ProdaError`."""
    old, new = snapshot_of(root, before), snapshot_of(root, after)
    objects, reader = Objects(workspace(root).store), Reader()
    records = tuple(record_changes(old, new, reader))
    tokens = _tokenizer(objects, new) or _tokenizer(objects, old)
    tallies = objects.tally(old, tokens), objects.tally(new, tokens)
    samples = sample_changes(objects, old, new)
    items = item_counts(objects, old, new)
    scores = tuple(score_changes(objects, old, new))
    totals = [None if tally is None else tally.samples for tally in tallies]
    costs, costs_now = dict(cost_of(objects, old)), dict(cost_of(objects, new))
    return Comparison(
        name=_name(new) or _name(old),
        before=old.name,
        after=new.name,
        settings=tuple(setting_changes(old, new)),
        records=records,
        patches=tuple(patch_changes(old, new)),
        counts={
            "shards": unit_changes(old.of("shard"), new.of("shard")),
            "samples": sample_counts(samples, *totals),
        },
        samples=some(samples or []),
        items=items,
        coverage=_coverage(objects, reader, (old, new), tallies),
        figures={name: pair(*tallies, name) for name in ("words", "tokens")},
        scores=scores,
        cost={name: Pair(cost, costs_now[name]) for name, cost in costs.items()},
        made_with=tuple(maker_changes(old, new)),
        untold=tuple(_untold(objects, tokens is not None, (old, new))),
        notes=(*dict.fromkeys(reader.notes), *_notes(reader, (old, new))),
        unexplained=() if records else tuple(_unexplained(old, new, reader)),
    )


def _unexplained(old: Snapshot, new: Snapshot, reader: Reader) -> list[str]:
    """Return the data units that differ between versions of the same records, if nothing else is another either."""
    made = {name for version in (old, new) for name in version.entries if name.partition(":")[0] in _DATA}
    moved = sorted(name for name in made if old.entries.get(name) != new.entries.get(name))
    if not moved or None in (old.lock, new.lock):
        return []
    if any((*patch_changes(old, new), *setting_changes(old, new))) or own_code(old) != own_code(new):
        return []
    return [] if any(stale_files(version, reader) for version in (old, new)) else moved


def _name(version: Snapshot) -> str:
    return str(version.document(MANIFEST).get("name", ""))


def _tokenizer(objects: Objects, version: Snapshot) -> Callable[[list[str]], int] | None:
    """Return what counts the tokens of texts as training on a version's base does, each text ended by one more."""
    stored = [each for each in stored_of(version.entries.get("base", {})) if each.path == TOKENIZER]
    data = objects.store.peek(stored[0]) if stored and find_spec("tokenizers") else None
    if data is None:
        return None
    from tokenizers import Tokenizer

    try:
        with reading(TOKENIZER, ""):
            tokenizer = Tokenizer.from_str(data.decode())
    except ProjectError:
        return None
    return lambda texts: sum(
        len(found.ids) + 1 for found in tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    )


def _coverage(
    objects: Objects, reader: Reader, versions: tuple[Snapshot, ...], tallies: tuple[Tally | None, ...]
) -> dict[str, Pair]:
    """Return the shares of the records that samples teach and items test."""
    found = []
    for version, tally in zip(versions, tallies, strict=True):
        facts = [fact for rows in reader.facts(version).values() for fact in rows]
        reach = Reach(None if tally is None else tally.nodes, tested(objects, version))
        found.append(cover(gather(facts.copy, wordings=False), reach, edited=False).total)
    return {way: Pair(*(row.share(way) for row in found)) for way in WAYS}


_PARTS = {
    "dataset/": "samples, words, tokens and what they teach",
    "items/": "test items",
    "results/": "the paired test of scores",
    "model/": "the steps and tokens of training",
}


def _untold(objects: Objects, counting: bool, versions: tuple[Snapshot, ...]) -> Iterator[Untold]:
    for version in versions:
        mend = "prodabuild pull" if version.name == PRESENT else "prodabuild pull --all-versions"
        for start, part in _PARTS.items():
            lost = [stored for stored in objects.lost.get(version.name, ()) if stored.path.startswith(start)]
            if lost:
                number = f"{len(lost)} object{'s' * (len(lost) > 1)} of {version.name}"
                yield Untold(part, f"{number} {'are' if len(lost) > 1 else 'is'} not at hand", mend)
    if not counting and any("base" in version.entries for version in versions):
        if find_spec("tokenizers"):
            yield Untold("tokens", "the tokenizer of the base is not at hand", "prodabuild pull")
        else:
            yield Untold("tokens", "the package tokenizers is not installed", "pip install 'prodabuild[train]'")


def _notes(reader: Reader, versions: tuple[Snapshot, ...]) -> Iterator[str]:
    for version in versions:
        if version.lock is None:
            yield f"{version.name} has no {LOCK}: what was made of it cannot be told"
        elif stale := stale_files(version, reader):
            more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
            what = f"{LOCK} of {version.name} was written before the last edit of {stale[0]}{more}"
            yield f"{what}: samples, items and figures are those of the build before it"
