"""A patch folded into the files of knowledge: their lines stay where the patch says nothing about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.knowledge.editing import Edit, apply, encode
from prodabuild.knowledge.files import parse
from prodabuild.knowledge.records import Raw, identity_of
from prodabuild.paths import read_source
from prodabuild.problems import raise_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from prodabuild.knowledge.patches import Patch

Raws = dict[str, Raw]


def folded(root: Path, patch: Patch, file_of: Callable[[str], str | None]) -> dict[str, bytes]:
    """Return the new bytes of each file that a patch changes; empty bytes mean that no record is left in it.

    `file_of` tells which file a record stands in, or goes to. Raises `ProblemsError` where a file is not sound.
    """
    edits: dict[str, Edit] = {}
    standing: dict[str, Raws] = {}
    for op in patch.ops:
        file = file_of(op.id)
        assert file is not None, f"{op.id} has a file, since its patch fits"
        if file not in standing:
            standing[file] = _raws(root, file)
        edit = edits.setdefault(file, Edit())
        if op.level is not None:
            edit.added.append((None, Raw(op.level, op.data)))
        elif op.kind == "remove":
            edit.removed.add(op.id)
        else:
            edit.replaced[op.id] = _replaced(standing[file][op.id], op.data)
    return {file: _bytes(root, file, edit) for file, edit in edits.items()}


def records_in(data: bytes, file: str) -> Raws:
    """Return the records of a file, by id; raises `ProblemsError`."""
    raws, problems = parse(data, file)
    raise_errors(problems)
    return {identity_of(raw.level, raw.data): raw for raw in raws}


def _raws(root: Path, file: str) -> Raws:
    return records_in(read_source(root, file), file) if (root / file).exists() else {}


def _replaced(raw: Raw, fields: Mapping[str, Any]) -> Raw:
    data = {name: value for name, value in {**raw.data, **fields}.items() if value is not None}
    return raw._replace(data=data)


def _bytes(root: Path, file: str, edit: Edit) -> bytes:
    data = read_source(root, file) if (root / file).exists() else b""
    return apply(data, file, edit) if data.strip() else encode([raw for _, raw in edit.added], file)
