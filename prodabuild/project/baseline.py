"""What the last import of a source wrote, as digests by id: `sources/NAME.import.jsonl`, one record a line, in git."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical, kept, value_digest
from prodabuild.errors import ProjectError
from prodabuild.paths import read_source
from prodabuild.problems import Problem, ProblemsError
from prodabuild.yamlio import TextError, load_jsonl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prodabuild.knowledge.records import Level

DIGITS = 16  # of a digest: two contents of one record are told apart, never all contents of all records


class Entry(NamedTuple):
    """What was written of one record: the digest of its content; for a concept, its key in the source."""

    digest: str
    key: str = ""


@dataclass(frozen=True)
class Baseline:
    """One import: its kind, the folder it writes to, the documents it read, its records."""

    kind: str
    into: str
    documents: Mapping[str, str] = field(default_factory=dict)
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
    if not (root / file).exists():
        return Baseline(kind, into)
    try:
        (_, head), *rows = load_jsonl(read_source(root, file))
        found = Baseline(
            head["import"]["kind"],
            head["import"]["into"],
            head["documents"],
            {row["id"]: Entry(row["digest"], row.get("key", "")) for _, row in rows},
        )
    except TextError as error:
        raise ProblemsError([Problem(error.code, error.message, file, error.line, error.column, error.hint)]) from None
    except (ValueError, KeyError, TypeError):
        raise ProblemsError([Problem("I006", "not what an import wrote", file, hint="restore it from git")]) from None
    if (found.kind, found.into) != (kind, into):
        message = f"{file} belongs to an import of {found.kind} into {found.into!r}"
        raise ProjectError(message, "give this import a name of its own with --name")
    return found


def encode_baseline(baseline: Baseline) -> bytes:
    """Return a baseline's bytes: a head, then the records by id."""
    head = {"import": {"kind": baseline.kind, "into": baseline.into}, "documents": dict(baseline.documents)}
    lines = [canonical(head)]
    for identity, entry in sorted(baseline.entries.items()):
        key = {"key": entry.key} if entry.key else {}
        lines.append(kept({"digest": entry.digest, "id": identity, **key}))
    return b"\n".join(lines) + b"\n"
