"""Patches as facts: what they cover of the knowledge is kept under another key, so that it comes back without them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

import orjson

from prodabuild.digest import canonical
from prodabuild.engine.facts import Fact
from prodabuild.engine.files import Wanted
from prodabuild.knowledge.files import SUFFIXES
from prodabuild.knowledge.overlay import lay
from prodabuild.knowledge.patches import FOLDER, PATCH, PATCHES, is_patch, make_patch, name_of
from prodabuild.manifest.paths import PREDICATES, files_below, refuse
from prodabuild.paths import read_source
from prodabuild.problems import Problem
from prodabuild.yamlio import decode, nearest, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from prodabuild.engine.facts import Delta
    from prodabuild.engine.state import State
    from prodabuild.knowledge.overlay import Misfit, Overlay
    from prodabuild.knowledge.patches import Patch
    from prodabuild.manifest.model import Manifest

COVERED = "covered:"  # and a record's id: what files of knowledge state of a record that a patch changes
CONTEXT = "patch"
Parsed = dict[str, list[Fact]]


class Folded(NamedTuple):
    """Readings with patches laid over them: facts by source, single facts of other sources (None: gone), problems.

    `removers` are the files of the patches that take a record away, by its id.
    """

    parsed: Parsed
    single: dict[str, Fact | None]
    problems: list[Problem]
    removers: Mapping[str, str] = {}


def patch_files(root: Path, manifest: Manifest) -> dict[str, Wanted]:
    """Return the files of patches. Which discipline a file is of is read with them."""
    if not (root / FOLDER).is_dir():
        return {}
    homes = canonical({name: found.knowledge for name, found in manifest.disciplines.items()}).decode()
    names = files_below(root, FOLDER, (".yaml", ".yml"))
    return {name: Wanted(root / name, f"{CONTEXT}:{homes}") for name in names}


def patch_fact(file: str, document: dict[str, object]) -> Fact:
    """Return the fact about a patch: all that it says."""
    return Fact(f"{PATCH}{name_of(file)}", canonical(document), file, postings=(PATCHES,))


def known_patches(facts: Iterable[Fact]) -> list[Patch]:
    """Return the patches that facts state."""
    return [make_patch(fact.key.removeprefix(PATCH), orjson.loads(fact.value)) for fact in facts]


def home_in(root: Path, manifest: Manifest) -> Callable[[str], str | None]:
    """Return what tells which discipline a file of knowledge is of, be it there or not."""
    paths = {posixpath.normpath(path): name for name, found in manifest.disciplines.items() for path in found.knowledge}

    def home(file: str) -> str | None:
        refused = refuse(root, file)
        plain = posixpath.normpath(file) == file and not any(part.startswith(".") for part in file.split("/"))
        if not plain or file == PREDICATES or not file.endswith(SUFFIXES) or (refused and refused.code != "M023"):
            return None
        here = [path for path in paths if file == path or path == "." or file.startswith(f"{path}/")]
        return paths[max(here, key=len)] if here else None

    return home


def fold(
    root: Path,
    manifest: Manifest,
    state: State,
    parsed: Parsed,
    gone: Sequence[str],
    active: Callable[[str], bool] | None = None,
) -> Folded:
    """Lay the patches (those whose files are `active`) over what was read and what is recorded.

    Where nothing was read and there is no patch, this is nothing but a look.
    """
    if not parsed and not gone and active is None:
        return Folded(parsed, {}, [])
    stated = _stated(state, parsed, gone)
    covered = {fact.key: fact for key in state.keys(COVERED) if (fact := state.fact(key))}
    if not stated and not covered:
        return Folded(parsed, {}, [])
    patches = known_patches(fact for file, fact in stated.items() if active is None or active(file))
    overlay = lay(patches, Originals(state, parsed, gone, _named(patches)).find, home_in(root, manifest))
    result = {source: _covering(facts, overlay.base) for source, facts in parsed.items()}
    result |= {file: [fact] for file, fact in stated.items()}
    for fact in overlay.now.values():
        if fact is not None:
            result[fact.source].append(fact)
    single = _singles(overlay, parsed, [fact for fact in covered.values() if fact.source not in {*parsed, *gone}])
    return Folded(result, single, [_located(root, misfit) for misfit in overlay.misfits], overlay.removers())


def originals_of(state: State, delta: Delta) -> Callable[[str], Fact | None]:
    """Return what finds records as files of knowledge state them: recorded ones, as a delta changes them."""
    moved = {*delta.upserts, *delta.removed}

    def now(key: str) -> Fact | None:
        return delta.upserts.get(key) if key in moved else state.fact(key)

    def find(key: str) -> Fact | None:
        covered = now(COVERED + key)
        fact = uncovered(covered) if covered else now(key)
        return fact if fact and not is_patch(fact.source) else None

    return find


class Originals:
    """What files of knowledge state of a few records, whatever patches cover them by now."""

    def __init__(
        self, state: State, parsed: Mapping[str, Sequence[Fact]], gone: Iterable[str], named: set[str]
    ) -> None:
        self._state = state
        self._moved = {*parsed, *gone}
        self._read = {
            fact.key: fact
            for source, facts in parsed.items()
            if not is_patch(source)
            for fact in facts
            if fact.key in named
        }

    def find(self, key: str) -> Fact | None:
        """Return a record as its file states it; None where there is none."""
        if key in self._read:
            return self._read[key]
        covered = self._state.fact(COVERED + key)
        fact = uncovered(covered) if covered else self._state.fact(key)
        found = fact is not None and fact.source not in self._moved and not is_patch(fact.source)
        return fact if found else None


def uncovered(fact: Fact) -> Fact:
    """Return the record that is kept under another key."""
    kept = orjson.loads(fact.value)
    key = fact.key.removeprefix(COVERED)
    return Fact(key, kept["value"].encode(), fact.source, kept["group"], tuple(kept["postings"]))


def _cover(fact: Fact) -> Fact:
    kept = {"value": fact.value.decode(), "group": fact.group, "postings": fact.postings}
    return Fact(COVERED + fact.key, canonical(kept), fact.source)


def _covering(facts: list[Fact], base: Mapping[str, Fact | None]) -> list[Fact]:
    if not any(fact.key in base for fact in facts):
        return facts
    return [_cover(fact) if fact.key in base else fact for fact in facts]


def _stated(state: State, parsed: Parsed, gone: Iterable[str]) -> dict[str, Fact]:
    """Return the facts about patches, by file."""
    recorded = (state.fact(key) for key in state.keys(PATCH))
    moved = {*parsed, *gone}
    found = {fact.source: fact for fact in recorded if fact and fact.source not in moved}
    return found | {source: facts[0] for source, facts in parsed.items() if is_patch(source) and facts}


def _named(patches: Iterable[Patch]) -> set[str]:
    found = set()
    for op in (op for patch in patches for op in patch.ops):
        found.add(op.id)
        if op.level is not None:
            found.update(str(op.data[name]) for name in ("subject", "node") if name in op.data)
            found.update(op.data.get("nodes", ()))
    return found


def _singles(overlay: Overlay, parsed: Parsed, covered: Iterable[Fact]) -> dict[str, Fact | None]:
    """Return what becomes of records in files that were not read: covered now, or not any more."""
    single: dict[str, Fact | None] = {}
    for key, base in overlay.base.items():
        if base is not None and base.source not in parsed:
            single |= {key: None, COVERED + key: _cover(base)}
    for fact in covered:
        if fact.key not in single:
            bare = uncovered(fact)
            single |= {fact.key: None, bare.key: bare}
    return single


def _located(root: Path, misfit: Misfit) -> Problem:
    patch, path, code, message, hint = misfit
    known = places(decode(read_source(root, patch.file)))
    return Problem(code, message, patch.file, *nearest(known, path, code == "K001"), hint)
