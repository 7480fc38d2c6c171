"""The documents that records quote, as inputs: an edit to one is seen, and its quotes are looked at again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.digest import canonical
from prodabuild.engine.facts import Fact
from prodabuild.engine.files import Wanted
from prodabuild.knowledge.records import DOCUMENT, FOLDERS
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.paths import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from prodabuild.engine.state import State
    from prodabuild.manifest.model import Manifest


def known_documents(state: State, root: Path) -> dict[str, Wanted]:
    """Return the documents that recorded facts name, as files to look at."""
    return _wanted(root, state.posting_names(DOCUMENT))


def new_documents(parsed: Mapping[str, Sequence[Fact]], known: Iterable[str], root: Path) -> dict[str, Wanted]:
    """Return the documents that facts name which were just parsed, but for those that are known."""
    last = (
        fact.postings[-1] for facts in parsed.values() for fact in facts if fact.postings
    )  # where `to_fact` puts it
    return _wanted(root, {name for name in last if name.startswith(DOCUMENT)}.difference(known))


def document_fact(name: str, digest: bytes) -> Fact:
    """Return the fact about a document's content."""
    return Fact(name, canonical({"content": digest.hex()}), name)


def folders_fact(manifest: Manifest) -> Fact:
    """Return the fact about the folders that documents lie in."""
    folders = sorted({path for discipline in manifest.disciplines.values() for path in discipline.sources})
    return Fact(FOLDERS, canonical({"folders": folders}), MANIFEST)


def _wanted(root: Path, names: Iterable[str]) -> dict[str, Wanted]:
    paths = ((name, name.removeprefix(DOCUMENT)) for name in names)
    here = ((name, root / path) for name, path in paths if refuse(root, path) is None)
    return {name: Wanted(path, "document", opaque=True) for name, path in here if path.is_file()}
