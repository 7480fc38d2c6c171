"""Files of records: YAML for people (relations may stand under their subject), JSONL for bulk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from prodabuild.knowledge.records import Level, Raw, flaws, identity_of, is_tidy, tidied
from prodabuild.problems import Problem, suggest
from prodabuild.yamlio import TextError, decode, lines, load, load_jsonl, locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.yamlio import Path

_ALONE = ("chain", "emphasis", "sample")  # levels whose records stand under no other
SUFFIXES = (".yaml", ".yml", ".jsonl")
LEVELS: tuple[Level, ...] = get_args(Level)
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")  # YAML breaks lines at these, or refuses them
SECTIONS: dict[str, Level] = {
    "concepts": "concept",
    "relations": "relation",
    "chains": "chain",
    "emphasis": "emphasis",
    "samples": "sample",
}


def parse(data: bytes, file: str) -> tuple[list[Raw], list[Problem]]:
    """Return a file's sound records, and the problems of the others."""
    try:
        found = list(_jsonl(data, file) if file.endswith(".jsonl") else _yaml(data, file))
    except TextError as error:
        return [], [Problem(error.code, error.message, file, error.line, error.column, error.hint)]
    sound: list[Raw] = []
    problems: list[Problem] = []
    for item in found:
        if isinstance(item, Problem):
            problems.append(item)
            continue
        if not is_tidy(item.data):
            item = item._replace(data=tidied(item.data))
        if wrong := flaws(item.level, item.data):
            problems += [
                Problem(
                    flaw.code, flaw.message, file, *place(data, item, *flaw.path, key=flaw.code == "K001"), flaw.hint
                )
                for flaw in wrong
            ]
        else:
            sound.append(item)
    return sound, problems


def place(data: bytes, raw: Raw, *inside: str | int, key: bool = False) -> tuple[int, int]:
    """Return line and column of a record, or of what stands at a path inside it."""
    if raw.line:
        return raw.line, 1
    return locate(decode(data), (*raw.path, *inside), key)


def place_all(data: bytes, file: str) -> dict[tuple[str, str], int]:
    """Return the line of every record, by (id, ""), and of each of its fields in a YAML file, by (id, field)."""
    if file.endswith(".jsonl"):
        return {(identity_of(raw.level, raw.data), ""): raw.line for raw in parse(data, file)[0]}
    raws = {raw.path: identity_of(raw.level, raw.data) for raw in parse(data, file)[0]}
    found: dict[tuple[str, str], int] = {}
    for path, line in lines(decode(data)).items():
        if path in raws:
            found[raws[path], ""] = line
        elif path[:-1] in raws:
            found[raws[path[:-1]], str(path[-1])] = line
    return found


def _jsonl(data: bytes, file: str) -> Iterator[Raw | Problem]:
    for line, row in load_jsonl(data):
        if not isinstance(row, dict):
            yield Problem("K011", "a line is one record: a JSON object", file, line, 1)
            continue
        level = row.pop("level", None)
        if isinstance(level, str) and level in LEVELS:
            yield Raw(level, row, line=line)
            continue
        message, hint = "a record has a `level`, a text", f"levels: {', '.join(LEVELS)}"
        if isinstance(level, str):
            message, hint = f"level {level!r} is not one of {', '.join(LEVELS)}", suggest(level, LEVELS, "levels") or ""
        yield Problem("K011", message, file, line, 1, hint or None)


def _yaml(data: bytes, file: str) -> Iterator[Raw | Problem]:
    text = decode(data)
    tree = load(text)
    if tree is None:
        return
    if not isinstance(tree, dict):
        yield Problem("K011", f"a file of records has the sections {', '.join(SECTIONS)}", file, 1, 1)
        return
    for section, items in tree.items():
        level = SECTIONS.get(section)
        if level is None:
            yield Problem(
                "K011",
                f"unknown section {section!r}",
                file,
                *locate(text, (section,), key=True),
                suggest(section, SECTIONS, "sections"),
            )
        elif not isinstance(items, list):
            yield Problem("K003", f"{section} is not a list of records", file, *locate(text, (section,)))
        else:
            for number, item in enumerate(items):
                yield from _record(text, file, level, item, (section, number))


def _record(text: str, file: str, level: Level, item: Any, path: Path) -> Iterator[Raw | Problem]:
    if not isinstance(item, dict):
        yield Problem("K003", f"a {level} is a mapping of fields", file, *locate(text, path))
        return
    nested = item.pop("relations", None) if level == "concept" else None
    yield Raw(level, item, path)
    if nested is None:
        return
    if not isinstance(nested, list):
        yield Problem("K003", "relations is not a list of relations", file, *locate(text, (*path, "relations")))
        return
    for number, relation in enumerate(nested):
        inner = (*path, "relations", number)
        if isinstance(relation, dict) and "subject" in relation:
            yield Problem(
                "K001",
                "a relation under a concept has that concept as its subject",
                file,
                *locate(text, (*inner, "subject"), key=True),
                "remove `subject`",
            )
        elif isinstance(relation, dict):
            yield from _record(text, file, "relation", {"subject": item.get("id"), **relation}, inner)
        else:
            yield from _record(text, file, "relation", relation, inner)


def render(records: list[Raw]) -> str:
    """Return records as the YAML that people read: each concept with the relations it is the subject of."""
    concepts = [raw for raw in records if raw.level == "concept"]
    known = {raw.data["id"] for raw in concepts}
    relations: dict[str, list[Raw]] = {}
    for raw in records:
        if raw.level == "relation":
            relations.setdefault(raw.data["subject"] if raw.data["subject"] in known else "", []).append(raw)
    lines = ["concepts:"] if concepts else []
    for concept in concepts:
        lines += item(concept, relations.get(concept.data["id"], []))
    alone = {section: level for section, level in SECTIONS.items() if level in _ALONE}
    others = {section: [raw for raw in records if raw.level == level] for section, level in alone.items()}
    for section, rest in {"relations": relations.get("", []), **others}.items():
        lines += [f"{section}:"] if rest else []
        for record in rest:
            lines += item(record)
    return "\n".join(lines) + "\n"


def item(record: Raw, nested: Sequence[Raw] = ()) -> list[str]:
    """Return the lines of one record in a list, a concept with the relations that stand under it."""
    lines = fields(record.data, "- ", "  ")
    lines += ["  relations:"] if nested else []
    for relation in nested:
        own = {name: value for name, value in relation.data.items() if name != "subject"}
        lines += fields(own, "  - ", "    ")
    return lines


def fields(record: dict[str, Any], first: str, others: str) -> list[str]:
    """Return the lines of a mapping: `first` stands before its first line, `others` before the others."""
    lines: list[str] = []
    for name, value in record.items():
        lead = others if lines else first
        if isinstance(value, list) and name == "steps":
            lines += [f"{lead}{name}:", *(f"{others}- {scalar(step)}" for step in value)]
        else:
            lines.append(f"{lead}{name}: {flow(value) if isinstance(value, list | dict) else scalar(value)}")
    return lines


def flow(value: Any) -> str:
    """Return a value on one line: a list in brackets, a mapping in braces, scalars that are safe inside them."""
    if isinstance(value, list):
        return f"[{', '.join(flow(part) for part in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {flow(part)}' for name, part in value.items())}}}"
    return scalar(value, flow=True)


def scalar(value: str | int | bool, flow: bool = False) -> str:
    """Return a text as a plain scalar where that reads back as the same text, else double-quoted."""
    import json

    if not isinstance(value, str):
        return json.dumps(value)
    text = value
    plain = (
        text != ""
        and text == text.strip()
        and text.isprintable()
        and ": " not in text
        and " #" not in text
        and not text.endswith(":")
    )
    if plain and text[0] not in "-?:,[]{}#&*!|>'\"%@`~" and not (flow and any(mark in text for mark in ",[]{}")):
        try:
            if load(text) == text:
                return text
        except TextError:
            pass
    quoted = json.dumps(text, ensure_ascii=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
