"""What an arm of an experiment trains on: as many tokens as every other arm, made of the same records."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical, seeded
from prodabuild.engine.code import read_code
from prodabuild.errors import ProjectError
from prodabuild.insight.catalogue import parse_source
from prodabuild.insight.context import alphabet_in
from prodabuild.insight.experiments import ASK, parse_unit
from prodabuild.knowledge.reading import Knowledge
from prodabuild.shards.compile import level_of
from prodabuild.shards.making import Recipe, make
from prodabuild.shards.recipes import RECIPES
from prodabuild.shards.sample import Sample, to_row
from prodabuild.suites.chain import ask
from prodabuild.suites.leaks import read_index, search
from prodabuild.training.base import load_tokenizer, open_base
from prodabuild.training.encode import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prodabuild.engine.units import Output
    from prodabuild.engine.view import View
    from prodabuild.knowledge.reading import Relation

Row = dict[str, Any]  # of a shard

CHUNK = 512  # samples that are tokenised together
DOSED = 64  # symbols of a sample of a dose


def ask_link(relation: Relation) -> Iterator[Sample]:
    """A relation in the words that tests ask for chains in."""
    asked = ask([relation.predicate.path], relation.subject.name, [])
    yield Sample("link", asked, f"{relation.object.name.text}.", (relation.id, *relation.triple[::2]))


ARM_RECIPES = {**RECIPES, ASK: ask_link}


class Filled(NamedTuple):
    """Samples, and how many tokens they have."""

    rows: list[Row]
    tokens: int


def build_arm(unit: str, view: View) -> Output:
    """Return the one file of an arm: samples as JSONL, drawn by the seed, those that are repeated again and again."""
    read_code(view, __name__)
    named = parse_unit(unit)
    declared = view.read("manifest", named.setting(f"arms.{named.arm}.data"))
    budget = view.read("manifest", named.setting("tokens"))
    tokenizer = load_tokenizer(open_base(view, view.scratch() / "base"))
    dosed = _dosed(declared["dose"], budget, tokenizer, named.seed)
    drawn = _drawn(_rows(view, declared["recipes"]), named.seed)
    filled = _fill(drawn, (budget - dosed.tokens) // declared["repeat"], tokenizer)
    if len(filled.rows) == len(drawn):
        most = filled.tokens * declared["repeat"] + dosed.tokens
        raise ProjectError(
            f"the arm {named.arm} has samples of {most} tokens, and its experiment asks for {budget}",
            f"set insight.experiments.{named.experiment}.tokens to less, or give the arm more recipes",
        )
    rows = [*filled.rows * declared["repeat"], *dosed.rows]
    view.summary = {
        "samples": len(rows),
        "distinct": len(filled.rows) + len(dosed.rows),
        "tokens": filled.tokens * declared["repeat"] + dosed.tokens,
        "records": len({node for row in filled.rows for node in row["nodes"]}),
    }
    return {f"{named.folder}.jsonl": b"".join(canonical(row) + b"\n" for row in rows)}


def _drawn(rows: Iterable[Row], seed: int) -> list[Row]:
    """Return samples in an order that the seed and their ids alone determine."""
    return sorted(rows, key=lambda row: (seeded(seed, "arm", row["id"]), row["id"]))


def _fill(rows: Iterable[Row], tokens: int, tokenizer: Any) -> Filled:
    """Return the first samples that have so many tokens together, or all where they have fewer."""
    waiting, taken, total = iter(rows), list[Row](), 0
    while tokens and (chunk := list(islice(waiting, CHUNK))):
        for row, example in zip(chunk, encode(chunk, tokenizer), strict=True):
            if total + len(example.ids) > tokens:
                return Filled(taken, total)
            taken.append(row)
            total += len(example.ids)
    return Filled(taken, total)


def _rows(view: View, recipes: Sequence[str] | None) -> Iterator[Row]:
    """Return the samples of the dataset, or what recipes make of the same records: none that gives an item away."""
    rows = (
        orjson.loads(line)
        for shard in view.units("shards")
        for line in view.path(view.output(shard)[0]).read_bytes().splitlines()
    )
    if recipes is None:
        yield from rows
        return
    records = {row["id"].rpartition("#")[0]: row["discipline"] for row in rows}
    with closing(Knowledge(view, view.read("manifest", "compile.seed"))) as knowledge:
        used = [Recipe(name, level_of(ARM_RECIPES[name]), ARM_RECIPES[name]) for name in recipes]
        made = [
            to_row(each.sample, record, each.recipe, discipline)
            for record, discipline in records.items()
            if knowledge.level(record) in ("concept", "relation")
            for each in make(knowledge, record, used)
        ]
    leaking = _leaking(view, made)
    yield from (row for row in made if row["id"] not in leaking)


def _leaking(view: View, rows: Iterable[Row]) -> set[str]:
    if not view.units("suites"):
        return set()
    (index,) = view.output("index")
    lines = b"".join(canonical(row) + b"\n" for row in rows)
    return {leak.sample for leak in search(view.load(index, read_index), lines)}


def _dosed(dose: dict[str, Any] | None, budget: int, tokenizer: Any, seed: int) -> Filled:
    if dose is None:
        return Filled([], 0)
    return _fill(_dose(dose["source"], tokenizer, seed), round(budget * dose["share"]), tokenizer)


def _dose(text: str, tokenizer: Any, seed: int) -> Iterator[Row]:
    """Return samples of a source without an end, its symbols written as words that are one token each."""
    source = parse_source(text)
    words = [tokenizer.decode([token]) for token in alphabet_in(tokenizer, source.symbols).tokens]
    number = 0
    while True:
        for symbols in source.sample(CHUNK, DOSED, "dose", text, seed, number).tolist():
            number += 1
            said = "".join(words[symbol] for symbol in symbols).strip()
            yield to_row(Sample(str(number), "Go on.", said, ()), text, "dose", "")
