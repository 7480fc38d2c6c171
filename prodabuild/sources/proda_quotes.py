"""The documents that ProDa read, where they still lie beside its state, and whether quotes stand in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.paths import is_regular, read_regular
from prodabuild.sources.quoting import find_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prodabuild.sources.vocabulary import Document

TEXTS = (".txt", ".md")


def read_uploads(root: Path, document: Document) -> dict[str, str]:
    """Return the text of each upload by its path in the repo, or by its name when it lies elsewhere."""
    found = {}
    for path in sorted((document.path.absolute().parent / "uploads").glob("*")):
        if path.suffix.lower() in TEXTS and is_regular(path):
            inside = path.resolve().is_relative_to(root)
            name = path.resolve().relative_to(root).as_posix() if inside else path.name.rpartition("__")[2]
            found[name] = read_regular(path).decode("utf-8", errors="ignore")
    return found


def find_quote(texts: Mapping[str, str], quote: str) -> dict[str, str] | None:
    """Return the one document that a quote stands in and the words as they stand there; spaces may differ."""
    places = {name: place for name, text in texts.items() if (place := find_words(text, quote))}
    found = {name: texts[name][start:end] for name, (start, end) in places.items()}
    if len(found) != 1:
        return None
    ((name, quoted),) = found.items()
    return {"document": name, "quote": quoted}
