"""What every importer is asked for, and what it returns: records as mappings of fields, by discipline and file."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.digest import sha256
from prodabuild.errors import ProjectError, UsageError
from prodabuild.paths import named, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from prodabuild.problems import Problem


@dataclass(frozen=True)
class Request:
    """What an importer is asked for. `known` are the ids that the last import gave, by each concept's key."""

    root: Path
    paths: tuple[Path, ...]
    name: str
    discipline: str
    select: str | None = None
    mapping: str | None = None
    language: str = "en"
    broader: str = "is_a"
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Extract:
    """The records taken for one discipline: file stem -> concepts, every relation between them, chains.

    A chain's steps are (subject, predicate, object); `None` for the chains means that they are to be derived.
    """

    concepts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    relations: list[dict[str, Any]] = field(default_factory=list)
    chains: list[dict[str, Any]] | None = None


@dataclass
class Extracts:
    """What an import takes from its source.

    `keys`: concept id -> what identifies it in its source, whatever its label becomes. `predicates`: the fields of
    those that are not built in. `remarks`: what was left out or put right. `documents`: name -> sha256.
    """

    disciplines: dict[str, Extract]
    keys: dict[str, str] = field(default_factory=dict)
    predicates: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: list[Problem] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)


if TYPE_CHECKING:
    Importer = Callable[[Request], Extracts]


DISCIPLINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")  # a path, and how ids begin
NEEDED = "pip install 'prodabuild[import]'"


@dataclass(frozen=True)
class Document:
    """A source file: the path it was given as, the name that sources of records call it by, its bytes."""

    path: Path
    name: str
    data: bytes


def read_documents(request: Request) -> list[Document]:
    """Read the files of a request; raises `ProjectError` or `UsageError`."""
    counts = Counter(path.name for path in request.paths)
    found = []
    for path in request.paths:
        name = path.name if counts[path.name] == 1 else f"{path.absolute().parent.name}/{path.name}"
        try:
            found.append(Document(path, name, read_regular(named(request.root, path))))
        except (OSError, ValueError) as error:
            raise ProjectError(f"{path}: {getattr(error, 'strerror', error)}", "name the files to import") from None
    if len({document.name for document in found}) < len(found):
        raise UsageError("two of the files have the same name and folder", "import them one by one, each with a --name")
    return found


def digests(documents: list[Document]) -> dict[str, str]:
    """Return the identity of each document, by name."""
    return {document.name: sha256(document.data) for document in documents}


def reference(document: str, identifier: str) -> str:
    """Return the source of a record: the document and what names the record in it (digits alone mean a span)."""
    return f"{document}#{'id:' if identifier[:1].isdigit() else ''}{' '.join(identifier.split())}"
