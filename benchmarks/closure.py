"""Which test items have a wrong option that is right as well, or a right one that is wrong: proved from the records.

Written apart from what makes the items. It reads the files of knowledge, closes their relations under what their
predicates declare (inverse, symmetric, transitive, compose) and looks at the text of each question and option. Patches
are not read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.predicates import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from prodabuild.knowledge.predicates import Predicate

HIDDEN = " something that is "  # stands in a question that does not name the concepts in the middle
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Knowledge(NamedTuple):
    """The records as they are written: names by concept, (subject, predicate, object) by relation, predicates."""

    names: dict[str, str]
    relations: dict[str, tuple[str, str, str]]
    predicates: Mapping[str, Predicate]


class Wrong(NamedTuple):
    """An item that is not sound: its id, the option's text, and why."""

    item: str
    option: str
    why: str


def read_knowledge(folder: Path) -> Knowledge:
    """Read every record below a folder."""
    known = Knowledge({}, {}, _predicates(folder / "predicates.yaml"))
    for file in sorted(folder.rglob("*")):
        for record in _records(file):
            if "predicate" in record:
                _relation(known, record, record["subject"])
            elif "definition" in record:
                known.names[record["id"]] = record["name"]
                for under in record.get("relations", ()):
                    _relation(known, under, record["id"])
    return known


def _predicates(file: Path) -> Mapping[str, Predicate]:
    if not file.exists():
        return BUILTIN
    return {**BUILTIN, **{one.name: one for one in parse_predicates(file.read_bytes(), file.name)[0]}}


def _records(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix == ".jsonl":
        yield from map(json.loads, file.read_text("utf-8").splitlines())
    elif file.suffix == ".yaml":
        document = yaml.load(file.read_bytes(), _YAML) or {}
        yield from (record for level in ("concepts", "relations") for record in document.get(level) or ())


def _relation(known: Knowledge, record: Mapping[str, Any], subject: str) -> None:
    target, predicate = record["object"], record["predicate"]
    own = target.rpartition("/")
    local = own[2] if own[0] == subject.rpartition("/")[0] else target
    known.relations[record.get("id") or f"{subject}.{predicate}.{local}"] = (subject, predicate, target)


class Closure:
    """What holds of a concept, found when asked for. `composed`: also by the rules that join different predicates."""

    def __init__(self, known: Knowledge, composed: bool = True) -> None:
        self._predicates = known.predicates
        self._rules = {name: _rules(one, composed) for name, one in known.predicates.items()}
        self._stated = defaultdict(set)
        for subject, predicate, target in known.relations.values():
            self._stated[subject].add((predicate, target))
            back = self._backwards(predicate)
            if back:
                self._stated[target].add((back, subject))
        self._facts: dict[str, set[tuple[str, str]]] = {}
        self._users: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._todo: list[tuple[str, str, str]] = []

    def _backwards(self, predicate: str) -> str | None:
        one = self._predicates[predicate]
        return predicate if one.symmetric else one.inverse

    def objects(self, subject: str, predicate: str) -> set[str]:
        """Return everything that a predicate holds between a concept and."""
        self._ask(subject)
        while self._todo:
            self._add(*self._todo.pop())
        return {target for name, target in self._facts[subject] if name == predicate}

    def _ask(self, subject: str) -> None:
        if subject not in self._facts:
            self._facts[subject] = set()
            self._todo += ((subject, predicate, target) for predicate, target in self._stated[subject])

    def _add(self, subject: str, predicate: str, target: str) -> None:
        """Add what holds, and what follows from it: with all that leads here, and with all that leads on."""
        if (predicate, target) in self._facts[subject]:
            return
        self._facts[subject].add((predicate, target))
        for user, before in self._users[subject]:
            if result := self._rules[before].get(predicate):
                self._todo.append((user, result, target))
        if rules := self._rules[predicate]:
            self._ask(target)
            self._users[target].append((subject, predicate))
            onwards = [(rules[name], end) for name, end in self._facts[target] if name in rules]
            self._todo += ((subject, result, end) for result, end in onwards)


def _rules(predicate: Predicate, composed: bool) -> dict[str, str]:
    """Return what follows when another predicate comes after one; an example of a kind is one of what is above it."""
    name = predicate.name
    kinds = {"is_a": name} if name == "instance_of" else {}
    return {**({name: name} if predicate.transitive else {}), **(predicate.compose if composed else kinds)}


def unsound(known: Knowledge, items: Iterable[Mapping[str, Any]], composed: bool = True) -> list[Wrong]:
    """Return the items that a wrong option answers truly, or the right one does not."""
    closure = Closure(known, composed)
    return [wrong for item in items for wrong in _look(known, closure, item)]


def _look(known: Knowledge, closure: Closure, item: Mapping[str, Any]) -> Iterator[Wrong]:
    true = _answers(known, closure, item)
    said = {f"{known.names[concept]}.".lower(): concept for concept in true}
    for at, (text, option) in enumerate(zip(item["choices"], item["options"], strict=True)):
        right, named = option["concept"] in true, text.lower() in said
        if text != f"{known.names[option['concept']]}.":
            yield Wrong(item["id"], text, f"it is not the name of {option['concept']}")
        elif at == item["gold"] and not right:
            yield Wrong(item["id"], text, "the right option is not concluded")
        elif at != item["gold"] and right:
            yield Wrong(item["id"], text, "it is true as well")
        elif at != item["gold"] and named:
            yield Wrong(item["id"], text, f"it reads like {said[text.lower()]}, which is true")


def _answers(known: Knowledge, closure: Closure, item: Mapping[str, Any]) -> set[str]:
    """Return all concepts that answer a question, as it is worded."""
    steps = [known.relations[node] for node in item["nodes"][1::2]]
    asked = steps if HIDDEN in item["question"] else steps[-1:]
    reached = {asked[0][0]}
    for _, predicate, _ in asked:
        reached = {target for concept in reached for target in closure.objects(concept, predicate)}
    return reached
