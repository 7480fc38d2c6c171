"""Tokens of the dataset: each shard's, kept by what they were made of; a run's, in one flat file that it reads from.

Nothing here depends on the size of the data but three numbers a sample.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical, change_digest, sha256
from prodabuild.engine.store import place
from prodabuild.errors import ProjectError
from prodabuild.paths import read_regular, read_source, read_whole
from prodabuild.training.encode import Example, encode, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ITEM = 4  # bytes of a token id
IDS, SAMPLES = "ids.bin", "samples.bin"
ORIGINS, SHARDS = "origins.bin", "shards.json"  # the shard of each sample, and its row there


class ShardTokens(NamedTuple):
    """The tokens of one shard: where each sample ends in `ids`, and how many of its tokens are not trained on."""

    ends: array[int]
    starts: array[int]
    ids: array[int]


def tokenise(shard: Path, cached: Path, tokenizer: Any) -> ShardTokens:
    """Return the tokens of a shard, from the file that holds them, or else made and written there."""
    known = read_tokens(cached)
    if known is not None:
        return known
    made = flatten(encode((orjson.loads(line) for line in read_whole(shard).splitlines()), tokenizer))
    body = b"".join(numbers.tobytes() for numbers in made)
    head = {"check": change_digest(body).hex(), "lengths": [len(numbers) for numbers in made]}
    place(cached.parent.parent, f"{cached.parent.name}/{cached.name}", canonical(head) + b"\n" + body, cached.parent)
    return made


def flatten(examples: Sequence[Example]) -> ShardTokens:
    """Return examples as three arrays."""
    ends, ids = array("i"), array("i")
    for example in examples:
        ids.extend(example.ids)
        ends.append(len(ids))
    return ShardTokens(ends, array("i", [example.start for example in examples]), ids)


def read_tokens(file: Path) -> ShardTokens | None:
    """Return what a file of tokens holds; None when there is none, or not all of it is as it was written."""
    try:
        head, _, body = read_regular(file).partition(b"\n")
        known = orjson.loads(head)
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    if known["check"] != change_digest(body).hex():
        return None
    numbers = array("i", body)
    first, second, _ = known["lengths"]
    return ShardTokens(numbers[:first], numbers[first : first + second], numbers[first + second :])


def tokens_name(shard: str, tokenizer: str) -> str:
    """Return the name of a shard's file of tokens, from the digests of the shard and of all that tokenises it."""
    return sha256(canonical([shard, tokenizer]))[:32] + ".tokens"


def keep_recent(folder: Path, used: Sequence[Path]) -> None:
    """Remove files of tokens that this run did not use, but for the latest: as many as it used."""
    others = sorted(set(folder.glob("*.tokens")).difference(used), key=lambda file: -file.stat().st_mtime)
    for file in others[len(used) :]:
        file.unlink(missing_ok=True)


@dataclass
class Writing:
    """A corpus that is being written: one shard after the other, over-long samples by the policy."""

    folder: Path
    max_length: int
    overlong: str
    samples: int = 0
    tokens: int = 0
    supervised: int = 0
    long: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # cut so short that nothing of the answer is left
    longest: int = 0
    longest_kept: int = 0
    _longest_at: tuple[Path, int] | None = None
    _shards: list[str] = field(default_factory=list)

    def __enter__(self) -> Writing:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ids = (self.folder / IDS).open("wb")
        self._samples = (self.folder / SAMPLES).open("wb")
        self._origins = (self.folder / ORIGINS).open("wb")
        return self

    def __exit__(self, *error: object) -> None:
        for file in (self._ids, self._samples, self._origins):
            file.close()
        (self.folder / SHARDS).write_bytes(orjson.dumps(self._shards))

    def add(self, found: ShardTokens, shard: Path) -> None:
        """Add a shard's samples."""
        rows: list[bytes] = []
        self._shards.append(str(shard))
        for number, (begin, end) in enumerate(pairwise([0, *found.ends])):
            start, length = found.starts[number], end - begin
            if length > self.max_length:
                self.longest = max(self.longest, length)
                rows = rows or read_whole(shard).splitlines()
                self.long.append(orjson.loads(rows[number])["id"])
                if self.overlong != "truncate":
                    continue
                if start >= self.max_length:
                    self.lost.append(self.long[-1])
                    continue
                length = self.max_length
            if length > self.longest_kept:
                self.longest_kept, self._longest_at = length, (shard, number)
            self._put(found.ids[begin : begin + length], start)
            self._origins.write(array("q", [len(self._shards) - 1, number]).tobytes())

    def _put(self, ids: array[int], start: int) -> None:
        self._ids.write(ids.tobytes())
        self.tokens += len(ids)
        self.supervised += len(ids) - start
        self.samples += 1
        self._samples.write(array("q", [self.tokens, start]).tobytes())

    def refuse(self, context: int | None = None, base: str = "") -> None:
        """Raise `ProjectError` when the policy refuses what was added, nothing is left, or a base takes less."""
        if self.long and self.overlong == "error":
            hint = f"raise it to {self.longest}, set model.train.overlong to drop or truncate, or shorten the records"
            raise ProjectError(f"{named(self.long)} over model.train.max_length {self.max_length}", hint)
        if self.lost:
            hint = "raise it, or set model.train.overlong to drop"
            raise ProjectError(
                f"{named(self.lost)} with no answer left at model.train.max_length {self.max_length}", hint
            )
        if not self.samples:
            raise ProjectError("no sample is left to train on", "raise model.train.max_length")
        if context is not None and self._longest_at is not None and self.longest_kept > context:
            shard, number = self._longest_at
            sample = orjson.loads(shard.read_bytes().splitlines()[number])["id"]
            raise ProjectError(
                f"the sample {sample} has {self.longest_kept} tokens, the base takes {context} ({base}/config.json)",
                f"set model.train.max_length to {context}, and model.train.overlong to drop or truncate",
            )


class Corpus:
    """The samples of a run, read from its flat file when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        numbers = array("q", read_source(folder, SAMPLES))
        self._ends, self.starts = numbers[::2], numbers[1::2]
        self.lengths = array("i", (end - begin for begin, end in pairwise([0, *self._ends])))
        self._file = os.open(folder / IDS, os.O_RDONLY)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> Example:
        end, length = self._ends[number], self.lengths[number]
        data = os.pread(self._file, length * ITEM, (end - length) * ITEM)
        return Example(tuple(array("i", data)), self.starts[number])

    def names(self, numbers: Sequence[int]) -> list[str]:
        """Return the ids of samples, read from the shards that they are in."""
        shards = [Path(name) for name in orjson.loads((self.folder / SHARDS).read_bytes())]
        origins = array("q", (self.folder / ORIGINS).read_bytes())
        rows: dict[int, list[bytes]] = {}
        found = []
        for number in numbers:
            shard, row = origins[2 * number : 2 * number + 2]
            if shard not in rows:
                rows[shard] = shards[shard].read_bytes().splitlines()
            found.append(orjson.loads(rows[shard][row])["id"])
        return found

    def __iter__(self) -> Iterator[Example]:
        return (self[number] for number in range(len(self)))
