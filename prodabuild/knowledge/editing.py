"""Changes to a file of records that leave every other line as it stands: comments, order and layout survive."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.digest import canonical
from prodabuild.knowledge.files import SECTIONS, item, parse, render
from prodabuild.knowledge.layout import layout_of
from prodabuild.knowledge.records import Raw, identity_of
from prodabuild.knowledge.rewriting import rewritten
from prodabuild.yamlio import decode, lines, load, locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.knowledge.records import Level

START = ""  # in the place of an id: before all others
BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")  # what ends a line for YAML, and not for anybody else


@dataclass
class Edit:
    """What is to become of a file. An added record follows the one with an id, or stands at the start or (None) end."""

    replaced: dict[str, Raw] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    added: list[tuple[str | None, Raw]] = field(default_factory=list)

    def adding(self) -> dict[str | None, list[Raw]]:
        """Return the added records by what they follow."""
        found: dict[str | None, list[Raw]] = {}
        for after, raw in self.added:
            found.setdefault(after, []).append(raw)
        return found


def encode(raws: Sequence[Raw], file: str) -> bytes:
    """Return the bytes of a new file of records."""
    return b"".join(map(_line, raws)) if file.endswith(".jsonl") else render(list(raws)).encode()


def apply(data: bytes, file: str, edit: Edit) -> bytes:
    """Return a sound file's bytes after an edit; empty when no record is left.

    A YAML file whose lines cannot be kept (its lists are written in brackets, a concept goes and its relations stay)
    is written anew. Byte order mark, line ends and the end of the last line stay as they are.
    """
    layout = layout_of(data)
    made = _applied(layout.plain(data), file, edit)
    return layout.laid(made) if made else b""


def _applied(data: bytes, file: str, edit: Edit) -> bytes:
    raws = parse(data, file)[0]
    known = {START, *(identity_of(raw.level, raw.data) for raw in raws)}
    edit = Edit(edit.replaced, edit.removed, [(after if after in known else None, raw) for after, raw in edit.added])
    wanted = _revise(raws, edit)
    if not wanted:
        return b""
    if file.endswith(".jsonl"):
        return _apply_lines(data, raws, edit)
    sections = _sections(decode(data), raws)
    if sections is not None:
        sections.change(edit)
        kept = sections.text().encode()
        if _content(parse(kept, file)[0]) == _content(wanted):
            return kept
    return render(wanted).encode()


def _line(raw: Raw) -> bytes:
    return canonical({"level": raw.level, **raw.data}) + b"\n"


def _content(raws: list[Raw]) -> dict[str, tuple[Level, dict[str, Any]]]:
    return {identity_of(raw.level, raw.data): (raw.level, raw.data) for raw in raws}


def _revise(raws: Sequence[Raw], edit: Edit) -> list[Raw]:
    adding = edit.adding()
    wanted = adding.get(START, [])[:]
    for raw in raws:
        identity = identity_of(raw.level, raw.data)
        if identity not in edit.removed:
            wanted.append(edit.replaced.get(identity, raw))
        wanted += adding.get(identity, [])
    return wanted + adding.get(None, [])


def _apply_lines(data: bytes, raws: Sequence[Raw], edit: Edit) -> bytes:
    adding = edit.adding()
    by_line = {raw.line: identity_of(raw.level, raw.data) for raw in raws}
    out = [_line(raw) for raw in adding.get(START, [])]
    for number, text in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        identity = by_line.get(number)
        if identity in edit.replaced:
            out.append(_line(edit.replaced[identity]))
        elif identity not in edit.removed:
            out.append(text + b"\n")
        out += [_line(raw) for raw in adding.get(identity, [])] if identity else []
    return b"".join([*out, *(_line(raw) for raw in adding.get(None, []))])


@dataclass
class _Block:
    """One item of a section: comments above it, its record and those under it, its lines (None: to be rendered)."""

    above: list[str]
    head: Raw
    nested: list[Raw]
    lines: list[str] | None
    was: list[str] | None = None  # its lines before it changed

    def change(self, head: Raw, nested: list[Raw]) -> None:
        """Let it say something else."""
        self.was = self.was or self.lines
        self.head, self.nested, self.lines = head, nested, None

    def written(self, indent: str) -> list[str]:
        """Return its lines; of those that it had, all that can stay."""
        if self.lines is not None:
            return self.lines
        nested = [{name: value for name, value in raw.data.items() if name != "subject"} for raw in self.nested]
        kept = rewritten(self.was, self.head.data | ({"relations": nested} if nested else {})) if self.was else None
        return kept or [indent + line for line in item(self.head, self.nested)]

    @property
    def id(self) -> str:
        return identity_of(self.head.level, self.head.data)


@dataclass
class _Section:
    """A section: the line that opens it, its items, what stands below them."""

    name: str
    opening: list[str]
    blocks: list[_Block]
    below: list[str]


@dataclass
class _Sections:
    """A YAML file taken apart; put together again unchanged, it is the same text."""

    above: list[str]
    sections: list[_Section]

    def text(self) -> str:
        return "\n".join([*self.above, *self._lines()]) + "\n"

    def _lines(self) -> Iterator[str]:
        for section in self.sections:
            if not section.blocks:
                yield from section.below
                continue
            yield from section.opening
            indent = next((_indent(lines[0]) for block in section.blocks if (lines := block.lines or block.was)), "")
            for block in section.blocks:
                yield from block.above
                yield from block.written(indent)
            yield from section.below

    def change(self, edit: Edit) -> None:
        """Carry out an edit. A relation that stays while its concept goes is lost: whoever asks compares."""
        for section in self.sections:
            for block in section.blocks:
                _change_block(block, edit)
            section.blocks = [block for block in section.blocks if block.id not in edit.removed]
        for after, raw in _latest_first(edit):
            self._add(after, raw)

    def _add(self, after: str | None, raw: Raw) -> None:
        if raw.level == "relation":
            for block in self._section("concept").blocks:
                if block.id == raw.data["subject"]:
                    _insert(block.nested, after, raw, [identity_of(each.level, each.data) for each in block.nested])
                    block.change(block.head, block.nested)
                    return
        blocks = self._section(raw.level).blocks
        _insert(blocks, after, _Block([], raw, [], None), [block.id for block in blocks])

    def _section(self, level: Level) -> _Section:
        name = next(name for name, known in SECTIONS.items() if known == level)
        for section in self.sections:
            if section.name == name:
                return section
        self.sections.append(_Section(name, [f"{name}:"], [], []))
        return self.sections[-1]


def _latest_first(edit: Edit) -> Iterator[tuple[str | None, Raw]]:
    """Return what is added in the order that lets each follow its anchor directly: concepts before their relations."""
    concepts = [(after, raw) for after, raw in edit.added if raw.level == "concept"]
    others = [(after, raw) for after, raw in edit.added if raw.level != "concept"]
    for added in (concepts, others):
        yield from (pair for pair in added if pair[0] is None)
        yield from reversed([pair for pair in added if pair[0] is not None])


def _insert(rows: list[Any], after: str | None, row: Any, ids: list[str]) -> None:
    if after == START:
        rows.insert(0, row)
    else:
        rows.insert(ids.index(after) + 1 if after in ids else len(rows), row)


def _change_block(block: _Block, edit: Edit) -> None:
    """Replace and remove what stands in a block, and forget its lines if anything did."""
    nested = [edit.replaced.get(identity_of(raw.level, raw.data), raw) for raw in block.nested]
    nested = [raw for raw in nested if identity_of(raw.level, raw.data) not in edit.removed]
    head = edit.replaced.get(block.id, block.head)
    if head is not block.head or nested != block.nested:
        block.change(head, nested)


def _sections(text: str, raws: Sequence[Raw]) -> _Sections | None:
    """Take a file apart; None when an item does not begin with a dash on a line of its own, or lines are odd."""
    if BREAKS.search(text):
        return None
    rows = text.removesuffix("\n").split("\n")
    starts = lines(text)
    names = list(load(text) or ())
    openings = [locate(text, (name,), key=True)[0] for name in names]
    sections = []
    for number, (name, opening) in enumerate(zip(names, openings, strict=True)):
        heads = [raw for raw in raws if raw.path[0] == name and len(raw.path) == 2]
        at = [starts[raw.path] for raw in heads]
        end = openings[number + 1] - 1 if number + 1 < len(openings) else len(rows)
        apart = len(set(at)) == len(at) and (not at or at[0] > opening)
        if not apart or not all(rows[line - 1].lstrip().startswith("-") for line in at):
            return None
        sections.append(_cut(name, rows, opening, [*at, end + 1], heads, raws))
    return _Sections(rows[: openings[0] - 1] if openings else rows, sections)


def _cut(
    name: str, rows: list[str], opening: int, at: list[int], heads: Sequence[Raw], raws: Sequence[Raw]
) -> _Section:
    """Cut a section at the lines where its items begin; comments above an item belong to it."""
    nested: dict[Any, list[Raw]] = {}
    for raw in raws:
        if raw.path[0] == name and len(raw.path) > 2:
            nested.setdefault(raw.path[:2], []).append(raw)
    above = rows[opening : at[0] - 1] if heads else []
    blocks = []
    for number, head in enumerate(heads):
        body = rows[at[number] - 1 : at[number + 1] - 1]
        kept = len(body)
        while kept > 1 and (not body[kept - 1].strip() or body[kept - 1].lstrip().startswith("#")):
            kept -= 1
        blocks.append(_Block(above, head, nested.get(head.path, []), body[:kept]))
        above = body[kept:]
    return _Section(name, [rows[opening - 1]], blocks, above if heads else rows[opening : at[0] - 1])


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
