"""`knowledge/predicates.yaml`: a data repo's own predicates, and other wordings or rules for the built-in ones.

A built-in predicate that stands there keeps what is not said anew, and all of its rules of composition. Everything in
the file is checked, alone and against the other predicates.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.knowledge.predicates import BUILTIN, Predicate, opposite
from prodabuild.problems import Problem, suggest
from prodabuild.yamlio import TextError, decode, load, locate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prodabuild.yamlio import Path

    Check = Callable[[Any], str | None]

NAME = re.compile(r"[A-Za-z0-9_][^\s#{}]*")
ANSWERS = {"question": "object", "inverse_question": "subject"}  # what each question asks for
MARKS = ("subject", "object", "a subject", "a object", "is", "has", "does")


class Flaw(NamedTuple):
    """What is wrong with a predicate, at a path below its name; `key`: the key itself is meant, not its value."""

    code: str
    path: Path
    message: str
    hint: str | None = None
    key: bool = False


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "is not a text"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "is not true or false"


def _names(value: Any) -> str | None:
    fine = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return None if fine else "is not a list of predicates"


def _rules(value: Any) -> str | None:
    fine = isinstance(value, dict) and all(isinstance(name, str) for name in value.values())
    return None if fine else "does not map the predicate of a second relation to what follows"


class Field(NamedTuple):
    """A field of a predicate: must a new one have it, what tells whether a value will do, what it is for."""

    required: bool
    check: Check
    meaning: str


FIELDS: dict[str, Field] = {
    "forward": Field(True, _text, "the relation as a sentence, no full stop: `{a subject} {is} part of {a object}`"),
    "question": Field(True, _text, "asks for the object: `What {is} {a subject} part of?`"),
    "inverse_question": Field(True, _text, "asks for the subject: `What is one part of {a object}?`"),
    "path": Field(True, _text, "stands between two names in a row, without marks: `part of`"),
    "inverse": Field(False, _text, "the predicate that states the same from object to subject, and names this one"),
    "symmetric": Field(False, _flag, "it holds in both directions or in none"),
    "transitive": Field(False, _flag, "two in a row conclude a third; the same as `compose` with itself"),
    "acyclic": Field(False, _flag, "no concept leads back to itself; checked together with the inverse"),
    "compose": Field(False, _rules, "a predicate that follows this one -> what holds between the two ends"),
    "disjoint": Field(False, _names, "predicates that cannot hold between two concepts that this one holds between"),
}  # fmt: skip


def parse_predicates(data: bytes, file: str) -> tuple[list[Predicate], list[Problem]]:
    """Return the predicates that `knowledge/predicates.yaml` declares, and what is wrong with it."""
    try:
        text = decode(data)
        tree = load(text)
    except TextError as error:
        return [], [Problem(error.code, error.message, file, error.line, error.column, error.hint)]
    if not isinstance(tree, dict) or set(tree) != {"predicates"} or not isinstance(tree["predicates"], dict):
        return [], [Problem("K020", "the file has one key, `predicates`, with a mapping of names", file, 1, 1)]
    found: dict[str, Predicate] = {}
    problems: list[Problem] = []

    def tell(name: str, flaw: Flaw) -> None:
        place = locate(text, ("predicates", name, *flaw.path), flaw.key)
        problems.append(Problem(flaw.code, f"{name}: {flaw.message}", file, *place, flaw.hint))

    for name, values in tree["predicates"].items():
        flaws = list(_flaws(name, values))
        for flaw in flaws:
            tell(name, flaw)
        if not flaws:
            found[name] = _predicate(name, values)
    every = {**BUILTIN, **found}
    known = [*{**every, **tree["predicates"]}]  # one that is wrong by itself is there all the same
    for name, predicate in found.items():
        for flaw in (*_sentences(predicate), *_references(predicate, known), *_contradictions(predicate, every)):
            tell(name, flaw)
    return list(found.values()), problems


def _predicate(name: str, values: Mapping[str, Any]) -> Predicate:
    known = BUILTIN.get(name)
    made = replace(known, **values) if known else Predicate(name=name, **values)
    itself = {name: name} if made.transitive else {}
    return replace(made, compose=itself | (known.compose if known else {}) | values.get("compose", {}))


def _flaws(name: str, values: Any) -> Iterator[Flaw]:
    """Tell what is wrong with a predicate by itself, beside the words of its sentences."""
    if not NAME.fullmatch(name):
        yield Flaw("K020", (), "cannot be the name of a predicate", "no spaces, no `#`, no braces", key=True)
    if not isinstance(values, dict):
        yield Flaw("K020", (), "a predicate is a mapping of fields", key=True)
        return
    misspelt = {suggest(field, FIELDS) for field in values if field not in FIELDS}
    for field, value in values.items():
        if field not in FIELDS:
            yield Flaw("K020", (field,), f"unknown field {field!r}", suggest(field, FIELDS, "fields"), key=True)
        elif (wrong := FIELDS[field].check(value)) is not None:
            yield Flaw("K020", (field,), f"{field} {wrong}")
    if name not in BUILTIN:
        for field, rule in FIELDS.items():
            if rule.required and field not in values and f"did you mean {field!r}?" not in misspelt:
                yield Flaw("K020", (), f"{field} is missing", "every predicate has one", key=True)


def _sentences(predicate: Predicate) -> Iterator[Flaw]:
    """Tell what is wrong with the marks and the ends of a predicate's sentences."""
    for field in ("forward", *ANSWERS, "path"):
        for message, hint in _wording(field, getattr(predicate, field)):
            yield Flaw("K023", (field,), f"{field} {message}", hint)


def _wording(field: str, template: str) -> Iterator[tuple[str, str | None]]:
    marks = re.findall(r"\{([^{}]*)\}", template)
    for mark in marks:
        if mark not in MARKS:
            yield f"has the unknown mark {{{mark}}}", suggest(mark, MARKS, "marks")
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", template)):
        yield "has a brace that stands alone", "a mark is written {subject}"
    if field == "path":
        if marks:
            yield "has a mark", "it stands between two names as it is: `part of`"
        return
    for role in ("subject", "object"):
        named = role in marks or f"a {role}" in marks
        if named and ANSWERS.get(field) == role:
            yield f"names the {role}", "that would be the answer"
        elif not named and ANSWERS.get(field) != role:
            yield f"does not name the {role}", f"write {{{role}}} or {{a {role}}}"
    last = template.rstrip()[-1]
    if field in ANSWERS and (last.isalnum() or last == "}"):
        yield "does not end with a mark", "end it with `?`"
    if field == "forward" and last in ".?!;:,":
        yield "ends with a mark", "the full stop is added where the sentence is used"


def _references(predicate: Predicate, known: list[str]) -> Iterator[Flaw]:
    """Tell which predicates it names that are not declared."""
    named: list[tuple[Path, str, bool]] = [(("inverse",), predicate.inverse, False)] if predicate.inverse else []
    for second, result in predicate.compose.items():
        named += [(("compose", second), second, True), (("compose", second), result, False)]
    named += [(("disjoint", number), other, False) for number, other in enumerate(predicate.disjoint)]
    for path, other, key in named:
        if other not in known:
            message = f"{path[0]} names the predicate {other!r}, which is not declared"
            yield Flaw("K021", path, message, suggest(other, known), key)


def _contradictions(predicate: Predicate, every: Mapping[str, Predicate]) -> Iterator[Flaw]:
    """Tell what a predicate says that cannot be true together."""
    name, inverse = predicate.name, predicate.inverse
    if predicate.symmetric and inverse not in (None, name):
        yield Flaw("K022", ("inverse",), f"a symmetric predicate is its own inverse, not that of {inverse!r}")
    elif not predicate.symmetric and inverse == name:
        yield Flaw("K022", ("inverse",), "it is its own inverse and not symmetric", "write `symmetric: true`")
    elif inverse not in (None, name):
        yield from _disagreements(predicate, every)
    if predicate.symmetric and predicate.acyclic:
        yield Flaw("K022", ("acyclic",), "a symmetric predicate leads back at once: it cannot be acyclic")
    if predicate.transitive and predicate.compose[name] != name:
        hint = f"write `{name}: {name}`, or leave it out"
        yield Flaw("K022", ("compose", name), "it is transitive, so two in a row conclude a third", hint)
    if name in predicate.disjoint:
        yield Flaw("K022", ("disjoint", predicate.disjoint.index(name)), "it cannot be disjoint with itself")


def _disagreements(predicate: Predicate, every: Mapping[str, Predicate]) -> Iterator[Flaw]:
    """Tell where a predicate and its inverse, or another one of the same inverse, do not agree."""
    name, inverse = predicate.name, predicate.inverse
    for rival in every.values():
        if rival.inverse == name and rival.name not in (name, inverse):
            yield Flaw("K022", ("inverse",), f"{rival.name!r} names it as its inverse, too")
    other = every.get(inverse) if inverse else None
    if other is not None and opposite(every, other.name) != name:
        theirs = f"is {other.inverse!r}" if other.inverse else "is not declared"
        yield Flaw("K022", ("inverse",), f"the inverse of {other.name!r} {theirs}, not this one")
    elif other is not None:
        for flag in ("transitive", "acyclic"):
            if getattr(predicate, flag) != getattr(other, flag):
                at = flag if getattr(predicate, flag) else "inverse"
                yield Flaw("K022", (at,), f"only one of it and its inverse {other.name!r} is {flag}")
