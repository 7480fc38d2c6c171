"""Reasons in the words of the domain: what changed, and the line it is written on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prodabuild.engine.code import LIBRARY, LOCAL, LOCAL_LIBRARY, MODULE
from prodabuild.engine.facts import BUCKET, POSTING, Change, Reason
from prodabuild.engine.view import FILE
from prodabuild.knowledge.files import SUFFIXES, place_all
from prodabuild.knowledge.patches import is_patch, lines_in
from prodabuild.knowledge.predicates import PREDICATE
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.paths import PREDICATES
from prodabuild.paths import read_source
from prodabuild.yamlio import TextError, decode, locate

if TYPE_CHECKING:
    from pathlib import Path

_FACETS = {"triple": "subject, predicate or object"}
POSTINGS = {
    "from": "relations from",
    "to": "relations to",
    "step": "chains through",
    "disjoint": "kinds disjoint with",
    "about": "samples about",
}


def describe(change: Change) -> Reason:
    """Return what a change of an input means."""
    key, facet = change.key, change.facet
    if facet == POSTING:
        kind, _, about = change.input[1:].partition(":")
        sign = f"+ {change.new}" if change.new else f"- {change.old}"
        return Reason(f"{POSTINGS.get(kind, kind)} {about}: {sign}", change.source, change.old, change.new, key)
    if facet == BUCKET:
        what = f"{key} is new" if change.new else f"{key} is gone"
        return Reason(what, change.source, change.old, change.new, key)
    if key.startswith((MODULE, LOCAL)):  # digests and lists of modules: nothing to show
        what = facet if facet in ("code", "imports") else "parameters"
        name, source = key.partition(":")[2], change.source.removeprefix(LOCAL)
        return Reason(f"the {what} of {name} changed", source, key=key, facet=facet)
    return Reason(_what(key, facet, change), change.source, change.old, change.new, key, facet)


def _what(key: str, facet: str, change: Change) -> str:
    if key == "manifest":
        return f"{facet} changed"
    if key == "device":
        return "the kernels changed" if facet == "kernels" else "the device changed"
    if key.startswith((LIBRARY, LOCAL_LIBRARY)):
        return f"the installed version of {key.partition(':')[2]} changed"
    if key.startswith(FILE):
        return f"{key.removeprefix(FILE)} changed"
    if key.startswith(PREDICATE):
        return f"{facet} of the predicate {key.removeprefix(PREDICATE)} changed"
    verb = (
        "changed"
        if change.old is not None and change.new is not None
        else "is new"
        if change.old is None
        else "is gone"
    )
    return f"{_FACETS.get(facet, facet)} of {key} {verb}"


class Locator:
    """Finds the line behind a reason; each file is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lines: dict[str, dict[tuple[str, str], int]] = {}

    def where(self, reason: Reason) -> str:
        """Return `file:line`, or the file alone when the line is not to be told (any more)."""
        return self.place(reason.where, reason.key, reason.facet)

    def place(self, source: str, key: str, facet: str = "") -> str:
        """Return where a fact, or a facet of it, is written: `file:line`, or the file alone."""
        source = source.removeprefix(LOCAL)
        line = self._line(source, key, facet)
        return f"{source}:{line}" if line else source

    def setting(self, *path: str | int) -> str:
        """Return where a key of the manifest, or the nearest one above it, is written."""
        return f"{MANIFEST}:{locate(decode(read_source(self._root, MANIFEST)), path)[0]}"

    def to_json(self, reason: Reason) -> dict[str, Any]:
        """Return a reason as it stands in `--json` documents."""
        return {"what": reason.what, "where": self.where(reason), "old": reason.old, "new": reason.new}

    def _line(self, source: str, key: str, facet: str) -> int:
        if not source.endswith(SUFFIXES):
            return 0
        try:
            if source == MANIFEST:
                return self._manifest_line(facet)
            if source == PREDICATES:
                text = decode(read_source(self._root, source))
                return locate(text, ("predicates", key.removeprefix(PREDICATE), *filter(None, [facet])))[0]
            if source not in self._lines:
                find = lines_in if is_patch(source) else place_all
                self._lines[source] = find(read_source(self._root, source), source)
        except (FileNotFoundError, TextError):  # gone, or edited since it was read
            return 0
        lines = self._lines[source]
        return lines.get((key, facet)) or lines.get((key, ""), 0)

    def _manifest_line(self, facet: str) -> int:
        path: tuple[str, ...] = ("tests",) if facet.startswith("chains.") else tuple(facet.split("."))
        return locate(decode(read_source(self._root, MANIFEST)), path)[0]
