"""What the last import of a source wrote, as digests by id: `sources/NAME.import.jsonl`, one record a line, in git."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical, kept, value_digest
from prodabuild.errors import ProjectError
from prodabuild.knowledge.records import ID
from prodabuild.paths import inside, read_regular, refusal
from prodabuild.problems import Problem, ProblemsError
from prodabuild.sources.kinds import KINDS
from prodabuild.yamlio import TextError, load_jsonl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prodabuild.knowledge.records import Level

_DIGEST = re.compile("[0-9a-f]{16}")
DIGITS = 16  # of a digest: two contents of one record are told apart, never all contents of all records


class Entry(NamedTuple):
    """What was written of one record: the digest of its content; for a concept, its key in the source."""

    digest: str
    key: str = ""


@dataclass(frozen=True)
class Baseline:
    """One import: its kind, the folder it writes to, its records.

    The documents that it read are not recorded: two branches that import two editions would conflict at that line.
    """

    kind: str
    into: str
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def known(self) -> dict[str, str]:
        """Return the ids of concepts by their keys."""
        return {entry.key: identity for identity, entry in self.entries.items() if entry.key}


def baseline_file(name: str) -> str:
    """Return where the baseline of an import lies in the repo."""
    return f"sources/{name}.import.jsonl"


def content_digest(level: Level, data: Mapping[str, Any]) -> str:
    """Return the digest of what a record says: layout and order of fields do not show in it."""
    return value_digest({**data, "level": level}).hex()[:DIGITS]


def read_baseline(root: Path, name: str, kind: str, into: str) -> Baseline:
    """Read what the last import of this name wrote; raises `ProjectError` when that was another import."""
    file = baseline_file(name)
    path = inside(root, file)
    if not path.exists():
        return Baseline(kind, into)
    try:
        rows = load_jsonl(read_regular(path))
    except TextError as error:
        raise ProblemsError([Problem(error.code, error.message, file, error.line, error.column, error.hint)]) from None
    wrong = next((line for number, (line, row) in enumerate(rows) if not (_is_entry if number else _is_head)(row)), 0)
    if wrong or not rows:
        raise ProblemsError([Problem("I006", "not what an import wrote", file, wrong, hint="restore it from git")])
    head = rows[0][1]["import"]
    entries = {row["id"]: Entry(row["digest"], row.get("key", "")) for _, row in rows[1:]}
    found = Baseline(head["kind"], head["into"], entries)
    if (found.kind, found.into) != (kind, into):
        message = f"{file} belongs to an import of {found.kind} into {found.into!r}"
        raise ProjectError(message, "give this import a name of its own with --name")
    return found


def _is_head(row: Any) -> bool:
    found = row.get("import") if isinstance(row, dict) else None
    return isinstance(found, dict) and found.get("kind") in [*KINDS] and refusal(found.get("into")) is None


def _is_entry(row: Any) -> bool:
    texts = isinstance(row, dict) and all(isinstance(text, str) for text in row.values())
    return texts and bool(ID.fullmatch(row.get("id", "")) and _DIGEST.fullmatch(row.get("digest", "")))


def encode_baseline(baseline: Baseline) -> bytes:
    """Return a baseline's bytes: a head, then the records by id."""
    head = {"import": {"kind": baseline.kind, "into": baseline.into}}
    lines = [canonical(head)]
    for identity, entry in sorted(baseline.entries.items()):
        key = {"key": entry.key} if entry.key else {}
        lines.append(kept({"digest": entry.digest, "id": identity, **key}))
    return b"\n".join(lines) + b"\n"
