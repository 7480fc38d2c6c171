"""The leak gate: which training samples share 13 words in a row with a test item, or nearly all of their words.

Texts are compared as words without case: question and answer of a sample, question and right answer of an item.
The search is exact: two sets with a Jaccard index of 0.8 or more share one of their few rarest words, so items
are indexed by those (prefix filtering, Bayardo et al. 2007).
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from itertools import accumulate, chain, groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import orjson

from prodabuild.digest import canonical, key_hash
from prodabuild.engine.code import read_code
from prodabuild.suites.wording import NEAR, RUN, bag, runs, spare, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View


class Leak(NamedTuple):
    """A sample (its line in the shard, its id) and the item that it gives away: by a run of words, or by likeness."""

    line: int
    sample: str
    item: str
    code: str
    shared: str


def build_index(unit: str, view: View) -> Output:
    """Return the items of all suites as the search wants them."""
    read_code(view, __name__)
    rows = [
        orjson.loads(line)
        for suite in view.units("suites")
        for stored in view.output(suite)
        if stored.path.endswith(".jsonl")
        for line in view.path(stored).read_bytes().splitlines()
    ]
    texts = [(row["id"], words(f"{row['question']} {row['choices'][row['gold']]}")) for row in rows]
    return {"leaks/index": index_of(sorted(texts))}


def find_leaks(unit: str, view: View) -> Output:
    """Search one shard; the unit's summary is its leaks, which the dataset refuses. There is no file."""
    read_code(view, __name__)
    (found,) = view.output("index")
    (shard,) = view.output(f"shard:{unit.partition(':')[2]}")
    items = view.load(found, read_index)
    view.summary = [list(leak) for leak in search(items, view.path(shard).read_bytes())]
    return {}


def index_of(items: Sequence[tuple[str, list[str]]]) -> bytes:
    """Return the index of items (id, words): a line of JSON, then arrays. Words stand as ranks, from the rarest on."""
    bags = [bag(text) for _, text in items]
    frequency = Counter(word for found in bags for word in found)
    order = sorted(frequency, key=lambda word: (frequency[word], word))
    rank = {word: number for number, word in enumerate(order)}
    ranks = [sorted(map(rank.__getitem__, found)) for found in bags]
    first: list[list[int]] = [[] for _ in order]
    for number, found in enumerate(ranks):
        for word in found[: spare(len(found)) + 1]:
            first[word].append(number)
    found_in: dict[int, int] = {}
    for number, (_, text) in enumerate(items):
        for run in runs(text):
            found_in.setdefault(key_hash(" ".join(run)), number)
    by_run = sorted(found_in.items())
    columns = (array("q", [run for run, _ in by_run]), array("q", [item for _, item in by_run]))
    lists = [*_flat(ranks), *_flat(first), *columns]
    head = {
        "ids": [identity for identity, _ in items],
        "words": order,
        "lengths": [len(numbers) for numbers in lists],
    }
    return canonical(head) + b"\n" + b"".join(_little(numbers).tobytes() for numbers in lists)


def _flat(lists: Sequence[Sequence[int]]) -> tuple[array[int], array[int]]:
    """Return where each list ends, and all lists in a row."""
    return array("q", accumulate(map(len, lists))), array("q", chain.from_iterable(lists))


def _little(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


class _Lists:
    """Lists of numbers in two arrays; each becomes a list when it is asked for."""

    def __init__(self, ends: array[int], flat: array[int]) -> None:
        self._ends = ends
        self._flat = flat

    def __getitem__(self, number: int) -> array[int]:
        return self._flat[self._ends[number - 1] if number else 0 : self._ends[number]]


class Index:
    """The items, ready to be searched. Words stand as ranks, from the rarest on."""

    def __init__(self, data: bytes) -> None:
        line, _, rest = data.partition(b"\n")
        head = orjson.loads(line)
        numbers = _little(array("q", rest))
        starts = [0, *accumulate(head["lengths"])]
        lists = [numbers[start:end] for start, end in pairwise(starts)]
        self.ids: list[str] = head["ids"]
        self.rank: dict[str, int] = {word: number for number, word in enumerate(head["words"])}
        self.first = _Lists(*lists[2:4])  # by rank: the items that have this word among their rarest
        self._items = _Lists(*lists[0:2])
        self.sizes = [end - start for start, end in pairwise([0, *lists[0]])]  # by item: how many words it has
        self.least = NEAR * min(self.sizes, default=0)
        self._runs = dict(zip(lists[4], lists[5], strict=True))
        self._sets: dict[int, frozenset[int]] = {}
        again = ((word.rpartition(" "), number) for word, number in self.rank.items() if " " in word)
        self._again = {(self.rank[word], int(time)): number for (word, _, time), number in again}

    def as_bag(self, ranks: list[int]) -> list[int]:
        """Return the ranks of words, ascending; one that comes again is another word, left out if no item has it."""
        ranks.sort()
        if len(set(ranks)) == len(ranks):
            return ranks
        found: list[int] = []
        last, times = -1, 0
        for rank in ranks:
            last, times = rank, times + 1 if rank == last else 1
            other = rank if times == 1 else self._again.get((rank, times))
            if other is not None:
                found.append(other)
        return sorted(found)

    def words_of(self, item: int) -> frozenset[int]:
        """Return the ranks of an item's words."""
        found = self._sets.get(item)
        if found is None:
            found = self._sets[item] = frozenset(self._items[item])
        return found

    def with_run(self, run: Sequence[str]) -> str | None:
        """Return the id of an item with these words in a row."""
        item = self._runs.get(key_hash(" ".join(run)))
        return None if item is None else self.ids[item]


def read_index(path: Path) -> Index:
    """Return the index in a file."""
    return Index(path.read_bytes())


def search(index: Index, shard: bytes) -> Iterator[Leak]:
    """Return the leaks of a shard's samples, by line."""
    for line, row in enumerate(shard.splitlines(), 1):
        sample = orjson.loads(row)
        asked = f"{sample['messages'][0]['content']} {sample['messages'][-1]['content']}"
        text = words(asked)
        ranks = [*map(index.rank.get, text)]
        known = len(text) - ranks.count(None)
        if known >= RUN:
            shared: dict[str, str] = {}
            for run in _known_runs(text, ranks, asked.isascii()):
                if item := index.with_run(run):
                    shared.setdefault(item, " ".join(run))
            yield from (Leak(line, sample["id"], item, "L001", run) for item, run in shared.items())
        if len(text) >= index.least and len(text) - known <= spare(len(text)):
            for item, value in _near(index, len(text), ranks):
                yield Leak(line, sample["id"], item, "L002", f"{value:.2f}")


def _near(index: Index, size: int, ranks: list[int | None]) -> Iterator[tuple[str, float]]:
    """Return the items that are nearly the same bag of words as a text of this size, and their Jaccard index."""
    known = index.as_bag([rank for rank in ranks if rank is not None])
    room = spare(size) - (size - len(known))  # words that no item has are the rarest of all
    if room < 0:
        return
    mine = set(known)
    least, most = NEAR * size, size / NEAR
    sizes = index.sizes
    for item in {item for word in known[: room + 1] for item in index.first[word]}:
        if least <= sizes[item] <= most:
            theirs = index.words_of(item)
            common = len(theirs & mine)
            value = common / (size + len(theirs) - common)
            if value >= NEAR:
                yield index.ids[item], value


def _known_runs(text: list[str], ranks: list[int | None], plain: bool) -> Iterator[list[str]]:
    """Return every 13 words in a row that all stand in some item; `plain`: none of them is but a letter."""
    start = 0
    if not plain:
        for known, stretch in groupby(zip(text, ranks, strict=True), key=lambda pair: pair[1] is not None):
            yield from runs([word for word, _ in stretch]) if known else ()
        return
    for end, rank in enumerate(ranks, 1):
        if rank is None:
            start = end
        elif end - start >= RUN:
            yield text[end - RUN : end]
