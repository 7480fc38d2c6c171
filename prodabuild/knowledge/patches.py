"""Patches: reviewed changes to what the model is taught, one file each; a patch is data, and this is its grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import orjson

from prodabuild.digest import canonical
from prodabuild.knowledge.records import WAYS, composed, flaws, identity_of, tidied
from prodabuild.problems import Problem, suggest
from prodabuild.yamlio import TextError, decode, load, nearest, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prodabuild.knowledge.records import Level
    from prodabuild.yamlio import Path

FOLDER = "patches"
PATCH = "patch:"  # and the name of a patch: the key of the fact about it
NAME = re.compile(r"([0-9]{4})-[a-z0-9][a-z0-9-]*")
CAUSES = ("concept_gap", "reasoning_gap", "correction")
Kind = Literal["add", "replace", "remove", "emphasise", "sample"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LEVELS: tuple[Level, ...] = ("concept", "relation", "chain")  # of what `add` adds
PATCHES = "patches"  # the posting of all facts about patches
KEYS = ("title", "reason", "cause", "evidence", "after", "ops")
_BESIDE: dict[str, tuple[str, ...]] = {
    "add": ("file",),
    "replace": ("with", "expect"),
    "remove": ("expect",),
    "emphasise": ("ways", "against", "file"),
    "sample": ("file",),
}


class Op(NamedTuple):
    """One operation: what it does to which record, and where in the patch it stands.

    `data` are the fields of a new record, or those that a record gets (None: it loses them).
    """

    kind: Kind
    id: str
    level: Level | None
    data: dict[str, Any]
    path: Path
    file: str | None = None
    expect: dict[str, Any] = {}  # noqa: RUF012 - never changed


@dataclass(frozen=True)
class Patch:
    """A sound patch. `after` are the numbers of patches that it may overrule."""

    name: str
    title: str
    reason: str
    cause: str
    evidence: dict[str, Any]
    after: tuple[int, ...]
    ops: tuple[Op, ...]

    @property
    def number(self) -> int:
        """Return its number."""
        return int(self.name[:4])

    @property
    def file(self) -> str:
        """Return its file, relative to the repository's root."""
        return f"{FOLDER}/{self.name}.yaml"


class Wrong(NamedTuple):
    """What is wrong at a path in a patch."""

    path: Path
    message: str
    hint: str | None = None
    code: str = "P003"
    key: bool = False


def is_patch(file: str) -> bool:
    """Tell whether a file of the repository is a patch by its place."""
    return file.startswith(f"{FOLDER}/")


def name_of(file: str) -> str | None:
    """Return the name of the patch in a file, None where it cannot be one."""
    stem = file.removeprefix(f"{FOLDER}/").removesuffix(".yaml")
    return stem if file.endswith(".yaml") and NAME.fullmatch(stem) else None


def read_patch(data: bytes, file: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return a patch as plain data, and what is wrong with it by itself."""
    name = name_of(file)
    if name is None:
        hint = "four digits, a dash, lower-case words: `0007-iguanas-swim.yaml`"
        return None, [Problem("P001", "the file of a patch is named `NNNN-slug.yaml`", file, hint=hint)]
    try:
        text = decode(data)
        document = load(text)
    except TextError as error:
        return None, [Problem(error.code, error.message, file, error.line, error.column, error.hint)]
    found = list(_wrong(document))
    if not found:
        return document, []
    known = places(text)
    return None, [
        Problem(wrong.code, wrong.message, file, *nearest(known, wrong.path, wrong.key), wrong.hint) for wrong in found
    ]


def make_patch(name: str, document: dict[str, Any]) -> Patch:
    """Return the patch that sound data state."""
    ops = tuple(op for number, row in enumerate(document["ops"]) for op in _ops(row, ("ops", number)))
    after = tuple(sorted({number_of(other) for other in document.get("after", ())}))
    title, reason, cause = (document[key] for key in ("title", "reason", "cause"))
    return Patch(name, title, reason, cause, document.get("evidence", {}), after, ops)


def records_of(op: Op) -> tuple[str, ...]:
    """Return the records that an operation is about."""
    if op.level == "emphasis":
        return (op.data["node"],)
    return tuple(op.data["nodes"]) if op.level == "sample" else (op.id,)


def records_named(ops: Sequence[dict[str, Any]]) -> set[str]:
    """Return the records that the operations of a sound patch are about, as its data state them."""
    return {record for row in ops for op in _ops(row, ()) for record in records_of(op)}


def number_of(other: int | str) -> int:
    """Return the number in `7`, `0007` or `0007-iguanas-swim`."""
    return other if isinstance(other, int) else int(other[:4])


def paths_in(data: bytes, file: str) -> dict[str, Path]:
    """Return where in a patch the last word on each record is, by id: the fields it gets, else its id."""
    document = read_patch(data, file)[0]
    if document is None:
        return {}
    return {op.id: op.path for op in make_patch(file, document).ops}


def lines_in(data: bytes, file: str) -> dict[tuple[str, str], int]:
    """Return the line of every record that a patch changes, by (id, ""), and of each field that it gets."""
    paths = paths_in(data, file)
    found: dict[tuple[str, str], int] = {}
    if paths:
        known = places(decode(data))
        for key, path in paths.items():
            found[key, ""] = nearest(known, path)[0]
            fields = (at for at, is_key in known if not is_key and at[:-1] == path)
            found |= {(key, str(at[-1])): known[at, False][0] for at in fields}
    return found


def _ops(row: dict[str, Any], path: Path) -> Iterator[Op]:
    kind = next(kind for kind in KINDS if kind in row)
    what, file, expect = row[kind], row.get("file"), tidied(row.get("expect", {}))
    if kind == "add":
        (level,) = what
        data = tidied(what[level])
        yield Op(kind, identity_of(level, data), level, data, (*path, kind, level), file)
    elif kind == "sample":
        data = tidied(what)
        yield Op(kind, data["id"], "sample", data, (*path, kind), file)
    elif kind == "emphasise":
        for number, node in enumerate(what):
            data = {"node": node, "ways": row.get("ways", list(WAYS))}
            data |= {"against": row["against"]} if "against" in row else {}
            data = tidied(data)
            yield Op(kind, identity_of("emphasis", data), "emphasis", data, (*path, kind, number), file)
    else:
        fields, at = tidied(row.get("with", {})), (*path, "with" if kind == "replace" else kind)
        yield Op(kind, composed(what), None, fields, at, None, expect)


def _wrong(document: Any) -> Iterator[Wrong]:
    if not isinstance(document, dict):
        yield Wrong((), f"a patch has the keys {', '.join(KEYS)}")
        return
    checks: dict[str, Callable[[Any], Iterator[Wrong]]] = {
        "title": lambda value: _text(value, ("title",)),
        "reason": lambda value: _text(value, ("reason",)),
        "cause": _cause,
        "evidence": _evidence,
        "after": _after,
        "ops": _list_of_ops,
    }
    for key in document:
        if key not in checks:
            yield Wrong((key,), f"unknown key {key!r}", suggest(key, KEYS, "keys"), key=True)
    for key, check in checks.items():
        if key in document:
            yield from check(document[key])
        elif key not in ("evidence", "after"):
            yield Wrong((), f"{key} is missing", "every patch has one")
    try:
        canonical(document)
    except orjson.JSONEncodeError as error:
        yield Wrong((), f"holds what JSON cannot: {error}")


def _text(value: Any, path: Path, what: str = "") -> Iterator[Wrong]:
    name = what or str(path[-1])
    if value is None:
        yield Wrong(path, f"{name} is empty")
    elif not isinstance(value, str):
        yield Wrong(path, f"{name} is not a text", "quote it, if it is meant as text")
    elif not value.strip():
        yield Wrong(path, f"{name} is empty")


def _cause(value: Any) -> Iterator[Wrong]:
    if value not in CAUSES:
        yield Wrong(("cause",), f"cause is not one of {', '.join(CAUSES)}")


def _evidence(value: Any) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield Wrong(("evidence",), "evidence has the keys items, diagnosis")
        return
    for key in value.keys() - {"items", "diagnosis"}:
        yield Wrong(("evidence", key), f"unknown key {key!r}", suggest(key, ("items", "diagnosis")), key=True)
    items = value.get("items", [])
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        yield Wrong(("evidence", "items"), "items is not a list of ids of test items")
    if "diagnosis" in value:
        yield from _text(value["diagnosis"], ("evidence", "diagnosis"))


def _after(value: Any) -> Iterator[Wrong]:
    if not isinstance(value, list):
        yield Wrong(("after",), "after is not a list of patches", "`after: [7]` or `after: [0007-iguanas-swim]`")
        return
    for number, other in enumerate(value):
        named = isinstance(other, str) and (NAME.fullmatch(other) or re.fullmatch("[0-9]{4}", other))
        if not named and not (type(other) is int and 0 <= other <= 9999):
            yield Wrong(("after", number), f"{other!r} is no patch", "`after: [7]` or `after: [0007-iguanas-swim]`")


def _list_of_ops(value: Any) -> Iterator[Wrong]:
    if not isinstance(value, list) or not value:
        yield Wrong(("ops",), "ops is not a list of operations", f"operations: {', '.join(KINDS)}")
        return
    for number, row in enumerate(value):
        yield from _op(row, ("ops", number))


def _op(row: Any, path: Path) -> Iterator[Wrong]:
    kinds = [kind for kind in KINDS if kind in row] if isinstance(row, dict) else []
    if len(kinds) != 1:
        known = [*KINDS, "with", "expect", "file", "ways", "against"]
        odd = [key for key in row if key not in known] if isinstance(row, dict) else []
        hint = suggest(odd[0], KINDS, "operations") if odd else f"operations: {', '.join(KINDS)}"
        yield Wrong(path, "an operation has one of the keys " + ", ".join(KINDS), hint)
        return
    (kind,) = kinds
    allowed = (kind, *_BESIDE[kind])
    for key in row:
        if key not in allowed:
            yield Wrong((*path, key), f"{kind} has no key {key!r}", suggest(key, allowed, "keys"), key=True)
    yield from {"add": _add, "sample": _sample, "emphasise": _emphasise}.get(kind, _change)(row, path, kind)
    if "file" in row:
        yield from _text(row["file"], (*path, "file"))


def _add(row: dict[str, Any], path: Path, kind: str) -> Iterator[Wrong]:
    what = row[kind]
    level = next(iter(what)) if isinstance(what, dict) and len(what) == 1 else None
    if level not in LEVELS or not isinstance(what[level], dict):
        yield Wrong((*path, kind), f"add is a mapping of one of {', '.join(LEVELS)} to its fields")
    else:
        yield from _record(level, what[level], (*path, kind, level))


def _sample(row: dict[str, Any], path: Path, kind: str) -> Iterator[Wrong]:
    if isinstance(row[kind], dict):
        yield from _record("sample", row[kind], (*path, kind))
    else:
        yield Wrong((*path, kind), "sample is a mapping of id, nodes, question and answer")


def _record(level: Level, data: dict[str, Any], path: Path) -> Iterator[Wrong]:
    for flaw in flaws(level, tidied(data)):
        yield Wrong((*path, *flaw.path), flaw.message, flaw.hint, flaw.code, flaw.code == "K001")


def _emphasise(row: dict[str, Any], path: Path, kind: str) -> Iterator[Wrong]:
    nodes = row[kind]
    if not isinstance(nodes, list) or not nodes or not all(isinstance(node, str) and node.strip() for node in nodes):
        yield Wrong((*path, kind), "emphasise is not a list of ids")
    else:
        beside: dict[str, Any] = {key: row[key] for key in ("ways", "against") if key in row}
        yield from _record("emphasis", {"node": nodes[0], "ways": list(WAYS), **beside}, path)


def _change(row: dict[str, Any], path: Path, kind: str) -> Iterator[Wrong]:
    yield from _text(row[kind], (*path, kind), f"the id after {kind}")
    if kind == "replace" and "with" not in row:
        yield Wrong(path, "replace needs `with`: the fields and their new values")
    for key in ("with", "expect"):
        if key in row and not (isinstance(row[key], dict) and row[key]):
            yield Wrong((*path, key), f"{key} is not a mapping of fields to values")
    if isinstance(row.get("with"), dict) and "id" in row["with"]:
        hint = "remove the record, and add another"
        yield Wrong((*path, "with", "id"), "a record keeps its id", hint, "P008", key=True)
