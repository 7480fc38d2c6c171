"""The records of knowledge: which fields each level of them has, and the facts that they become.

Emphasis and samples are no knowledge of their own: they say what more is to be practised of concepts and relations.

A fact's facets group the fields that are read together: a concept's name with its grammar, a relation's triple.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from prodabuild.digest import kept
from prodabuild.engine.facts import Fact
from prodabuild.knowledge.wording import meaning
from prodabuild.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[Any], str | None]

Level = Literal["concept", "relation", "chain", "emphasis", "sample"]
WAYS = ("recall", "contrast", "steps")  # in which more samples are made of what is emphasised
Noun = Literal["count", "mass", "proper", "plural"]
NOUNS = ("count", "mass", "proper", "plural")
DOCUMENT = "document:"  # and a path: the posting of what is taken from a document, the key of the fact about it
_PRACTICE = {"emphasis": ("node", "ways"), "sample": ("nodes", "question", "answer")}
FOLDERS = "sources"  # key of the fact about the folders that documents lie in
# control, zero-width and bidirectional characters, and soft hyphens: two texts that differ in them look the same
UNSEEN = r"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
ID = re.compile(rf"[A-Za-z0-9][^\s#{UNSEEN}]*")
LINES = frozenset((  # fields that are one tidy line, or a list of such
    "name", "definition", "aliases", "kind", "title", "statement", "conclusion", "preconditions",
    "negative_constraints", "question",
))  # fmt: skip
NAMED = frozenset(("id", "subject", "object", "steps", "node", "nodes", "against", "disjoint"))  # fields of ids
_BREAKS = re.compile(r"[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")  # spaces that do not break a line mean something


class Raw(NamedTuple):
    """A record as it stands in a file: its level, fields, and path in the document (YAML) or line (JSONL)."""

    level: Level
    data: dict[str, Any]
    path: tuple[str | int, ...] = ()
    line: int = 0


class Flaw(NamedTuple):
    """What is wrong with a record, or with what stands at a path inside it."""

    code: str
    path: tuple[str, ...]
    message: str
    hint: str | None = None


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return "is not a text"
    return None if value.strip() else "is empty"


def _texts(value: Any) -> str | None:
    fine = isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)
    return None if fine else "is not a list of texts"


def _steps(value: Any) -> str | None:
    if (wrong := _texts(value)) is not None:
        return wrong
    return None if len(value) >= 2 else "has fewer than two relations"


def _nodes(value: Any) -> str | None:
    wrong = _texts(value)
    return wrong if wrong is not None or value else "is empty"


def _ways(value: Any) -> str | None:
    fine = isinstance(value, list) and value and all(way in WAYS for way in value) and len(set(value)) == len(value)
    return None if fine else f"is not a list of {', '.join(WAYS)}, each at most once"


def _line(value: str) -> str | None:
    return "is not one line" if "\n" in value else _text(value)


def _source(value: Any) -> str | None:
    if isinstance(value, str):
        return _line(value)
    if not isinstance(value, dict) or not isinstance(value.get("document"), str):
        return "is not a source: write `document`, and `span` and `quote` where there are any"
    if (wrong := _line(value["document"])) is not None:
        return f"has a document that {wrong}"
    if extra := sorted(value.keys() - {"document", "span", "quote"}):
        return f"has the unknown key {extra[0]!r}"
    if "span" in value and not _is_span(value["span"]):
        return "has a span that is not [start, end]"
    return None if "quote" not in value or _text(value["quote"]) is None else "has a quote that is not a text, or empty"


def _is_span(value: Any) -> bool:
    whole = isinstance(value, list) and len(value) == 2 and all(type(number) is int for number in value)
    return whole and 0 <= value[0] <= value[1] < 2**53


def _noun(value: Any) -> str | None:
    return None if value in NOUNS else f"is not one of {', '.join(NOUNS)}"


class Field(NamedTuple):
    """A field of a record: must it be there, what tells whether a value will do, what it is for."""

    required: bool
    check: Check
    meaning: str


_SOURCE = Field(False, _source, "where it was taken from: `document#start-end`, or `document`, `span`, `quote`")
FIELDS: dict[Level, dict[str, Field]] = {
    "concept": {
        "id": Field(True, _text, "stable and readable; never a position"),
        "name": Field(True, _text, "what it is called in a sentence"),
        "definition": Field(True, _text, "what it is: a phrase that could follow `means`, without a full stop"),
        "aliases": Field(False, _texts, "other names"),
        "kind": Field(False, _text, "a label of your own"),
        "disjoint": Field(False, _texts, "ids of concepts: nothing is of this kind and of one of those"),
        "noun": Field(False, _noun, f"how the name behaves: {', '.join(NOUNS)} (default: {NOUNS[0]})"),
        "source": _SOURCE,
    },
    "relation": {
        "id": Field(False, _text, "default: `SUBJECT.PREDICATE.OBJECT`, the object without its folder"),
        "subject": Field(True, _text, "id of a concept; left out where the relation stands under that concept"),
        "predicate": Field(True, _text, "name of a predicate"),
        "object": Field(True, _text, "id of a concept"),
        "statement": Field(False, _text, "the relation in a sentence of its own; not read by the recipes that ship"),
        "source": _SOURCE,
    },
    "chain": {
        "id": Field(True, _text, "stable and readable; decides whether its item is sealed"),
        "title": Field(True, _text, "what it leads from and to"),
        "steps": Field(True, _steps, "ids of 2 or more relations, each beginning where the one before it ends"),
        "conclusion": Field(False, _text, "what follows, in a sentence"),
        "preconditions": Field(False, _texts, "when it holds"),
        "negative_constraints": Field(False, _texts, "what does not follow"),
        "source": _SOURCE,
    },
    "emphasis": {
        "id": Field(False, _text, "default: `NODE!emphasis`"),
        "node": Field(True, _text, "id of the concept, relation or chain of which more samples are made"),
        "ways": Field(
            True,
            _ways,
            "`recall`: in other words; `contrast`: beside near misses; `steps`: link by link, a chain to its end",
        ),
        "against": Field(False, _texts, "ids of concepts that it is taken for: `contrast` shows these first"),
    },
    "sample": {
        "id": Field(True, _text, "stable and readable; of no other record"),
        "nodes": Field(True, _nodes, "ids of the concepts and relations that it teaches"),
        "question": Field(True, _text, "what is asked"),
        "answer": Field(True, _text, "what is answered"),
        "source": _SOURCE,
    },
}

REQUIRED = {level: [name for name, field in fields.items() if field.required] for level, fields in FIELDS.items()}


def tidied(data: dict[str, Any]) -> dict[str, Any]:
    """Return a record's fields as they are compared and taught: texts on one line without idle spaces, ids in NFC.

    Layout of a file (`definition: >`) is no part of what it states. A record that is tidy is returned as it is.
    """
    changed = {name: tidy for name, value in data.items() if (tidy := _tidied(name, value)) != value}
    return {**data, **changed} if changed else data


def is_tidy(data: dict[str, Any]) -> bool:
    """Tell whether a record is sure to be tidy: most are, and every line of a first load is asked for."""
    for name, value in data.items():
        if name in NAMED:
            if type(value) is not str or not value.isascii():
                return False
        elif name in LINES:
            for text in (value,) if type(value) is str else value if type(value) is list else ():
                if type(text) is not str or not _is_line(text):
                    return False
        elif name == "answer":
            return False
    return True


def _is_line(text: str) -> bool:
    return text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " "


def _tidied(name: str, value: Any) -> Any:
    if name in LINES:
        return _each(one_line, value)
    if name in NAMED:
        return _each(composed, value)
    return value.strip() if name == "answer" and isinstance(value, str) else value


def _each(made: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, list):
        return [made(text) if isinstance(text, str) else text for text in value]
    return made(value) if isinstance(value, str) else value


def one_line(text: str) -> str:
    """Return a text on one line, each run of spaces as one, none at its ends."""
    return text if _is_line(text) else _BREAKS.sub(" ", text).strip()


def composed(identity: str) -> str:
    """Return an id in Unicode's normal form C: keyboards and file systems write one letter in two ways."""
    return identity if identity.isascii() else unicodedata.normalize("NFC", identity)


def flaws(level: Level, data: dict[str, Any]) -> list[Flaw]:
    """Return what is wrong with a record by itself: unknown, missing or mistyped fields, an unusable id."""
    known = FIELDS[level]
    found = []
    for name, value in data.items():
        if name not in known:
            found.append(Flaw("K001", (name,), f"a {level} has no field {name!r}", suggest(name, known)))
        elif (wrong := known[name].check(value)) is not None:
            found.append(
                Flaw(
                    "K003",
                    (name,),
                    f"{name} {wrong}",
                    "quote it, if it is meant as text" if wrong == "is not a text" else None,
                )
            )
    missing = [name for name in REQUIRED[level] if name not in data]
    found += [Flaw("K002", (), f"{name} is missing", f"every {level} has one") for name in missing]
    identity = data.get("id")
    if isinstance(identity, str) and not ID.fullmatch(identity):
        hidden = re.search(f"[{UNSEEN}]", identity)
        hint = "write it without what nobody can see" if hidden else "begin with a letter or digit; no spaces, no `#`"
        found.append(Flaw("K010", ("id",), f"{identity!r} cannot be an id", hint))
    return found


def relation_id(subject: str, predicate: str, target: str) -> str:
    """Return the id of a relation that is not given one: `chemistry/oxygen.is_a.chemical_element`."""
    discipline = subject.rpartition("/")[0]
    return f"{subject}.{predicate}.{target.removeprefix(discipline + '/') if discipline else target}"


def identity_of(level: Level, data: dict[str, Any]) -> str:
    """Return a sound record's id."""
    if level == "relation" and "id" not in data:
        return relation_id(data["subject"], data["predicate"], data["object"])
    if level == "emphasis" and "id" not in data:
        return f"{data['node']}!emphasis"
    identity: str = data["id"]
    return identity


def to_fact(level: Level, data: dict[str, Any], source: str, discipline: str) -> Fact:
    """Return the fact that a sound record states. Field order, comments and position do not show in it."""
    identity = identity_of(level, data)
    postings: tuple[str, ...]
    if level == "concept":
        value: dict[str, Any] = {
            "level": level,
            "name": [data["name"], data.get("noun", "count")],
            "definition": data["definition"],
        }
        meant = meaning(data["definition"])
        group, postings = f"shard:{discipline}", () if meant is None else (f"means:{meant}",)
        if "disjoint" in data:
            postings = (*postings, *sorted({f"disjoint:{other}" for other in data["disjoint"]}))
    elif level == "relation":
        value = {"level": level, "triple": [data["subject"], data["predicate"], data["object"]]}
        group, postings = f"shard:{discipline}", (f"from:{data['subject']}", f"to:{data['object']}")
    elif level != "chain":
        value = {"level": level} | {name: data[name] for name in _PRACTICE[level]}
        value |= {"against": data["against"]} if "against" in data else {}
        named = nodes_of(value)
        group, postings = f"shard:{discipline}", tuple(sorted({f"about:{node}" for node in named}))
    else:
        value = {"level": level, "steps": data["steps"], "title": data["title"]}
        group, postings = f"items:{discipline}", tuple(sorted({f"step:{step}" for step in data["steps"]}))
    for name in ("aliases", "kind", "disjoint", "statement", "conclusion", "preconditions", "negative_constraints"):
        if name in data:
            value[name] = data[name]
    if "source" in data:
        origin = value["source"] = source_of(data["source"])
        if (document := document_of(origin)) is not None:
            postings = (*postings, DOCUMENT + document)
    return Fact(identity, kept(value), source, group, postings)


def nodes_of(practice: Mapping[str, Any]) -> list[str]:
    """Return the records that an emphasis or a sample names."""
    named: list[str] = practice.get("nodes") or [practice["node"], *practice.get("against", ())]
    return named


def to_data(fact: Fact) -> tuple[Level, dict[str, Any]]:
    """Return the level and the fields of the record that a fact was made of: `to_fact` makes the same fact of them."""
    value = orjson.loads(fact.value)
    level: Level = value.pop("level")
    data = {"id": fact.key}
    if level == "concept":
        name, noun = value.pop("name")
        data |= {"name": name} | ({"noun": noun} if noun != NOUNS[0] else {})
    elif level == "relation":
        data |= zip(("subject", "predicate", "object"), value.pop("triple"), strict=True)
    data |= value
    return level, {name: data[name] for name in FIELDS[level] if name in data}


def source_of(value: str | dict[str, Any]) -> dict[str, Any]:
    """Return a source in full; `document#start-end` is its short form."""
    if not isinstance(value, str):
        return value
    document, _, span = value.partition("#")
    start, _, end = span.partition("-")
    if start.isdigit():
        return {"document": document, "span": [int(start), int(end) if end.isdigit() else int(start)]}
    return {"document": value}


def document_of(source: Mapping[str, Any]) -> str | None:
    """Return the path of the document that a source names; None when a scheme says that it is somewhere else."""
    document: str = source["document"]
    return None if ":" in document else document.partition("#")[0]
