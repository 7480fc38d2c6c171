"""What people wrote in two versions: settings, records, patches; compared by what they state, wherever it stands."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.knowledge.files import SUFFIXES, parse, place_all
from prodabuild.knowledge.patches import FOLDER, KINDS, name_of, read_patch
from prodabuild.knowledge.records import to_data, to_fact
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.paths import PREDICATES
from prodabuild.project.comparison import Setting
from prodabuild.project.inputs import content_of
from prodabuild.project.previewing import HOW, Difference, differing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prodabuild.engine.facts import Fact
    from prodabuild.versioning.snapshot import Snapshot

UNCOUNTED = ("disciplines", "licences", "name", "version")  # told by records, or of no matter to what is built


@dataclass
class Reader:
    """Reads what files of knowledge state, each content once."""

    known: dict[tuple[str, bytes], list[Fact]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def facts(self, version: Snapshot) -> dict[str, list[Fact]]:
        """Return the facts of each file of knowledge of a version."""
        disciplines = _folders(version.document(MANIFEST))
        owner = {
            file: name
            for name, paths in disciplines.items()
            for file in version.files(paths, SUFFIXES)
            if file != PREDICATES
        }
        return {file: self._facts(version, file, data, owner[file]) for file, data in version.read(list(owner)).items()}

    def _facts(self, version: Snapshot, file: str, data: bytes, discipline: str) -> list[Fact]:
        key = (f"{discipline}:{file}", data)
        if key not in self.known:
            raws, problems = parse(data, file)
            if problems:
                self.notes.append(f"{file} of {version.name} is not sound: run `prodabuild check` there")
            self.known[key] = [to_fact(raw.level, raw.data, file, discipline) for raw in raws]
        return self.known[key]


def record_changes(before: Snapshot, after: Snapshot, reader: Reader) -> Iterator[Difference]:
    """Return the records that differ, by id; one that only moved to another file does not."""
    old, new = (_by_id(reader.facts(version)) for version in (before, after))
    places = _Places(before, after)
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        fact = now or was
        if fact is None or (was and now and was.value == now.value):
            continue
        fields = differing(to_data(was)[1] if was else {}, to_data(now)[1] if now else {})
        where = places.find(after if now else before, fact)
        yield Difference(HOW[was is not None, now is not None], to_data(fact)[0], key, where, *fields)


def patch_changes(before: Snapshot, after: Snapshot) -> Iterator[Difference]:
    """Return the patches that differ."""
    old, new = (_patches(version) for version in (before, after))
    for file in sorted(old.keys() | new.keys()):
        if old.get(file) != new.get(file):
            fields = differing(_told(old.get(file), file), _told(new.get(file), file))
            yield Difference(HOW[file in old, file in new], "patch", name_of(file) or file, file, *fields)


def setting_changes(before: Snapshot, after: Snapshot) -> Iterator[Setting]:
    """Return the settings and predicates that differ, by dotted key."""
    old, new = (_settings(version) for version in (before, after))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key) and key.partition(".")[0] not in UNCOUNTED:
            yield Setting(key, old.get(key), new.get(key))


def own_code(version: Snapshot) -> dict[str, bytes]:
    """Return the Python files in the folders of a version's own recipes."""
    settings = version.document(MANIFEST).get("compile")
    recipes = settings.get("recipes") if isinstance(settings, dict) else None
    named = (str(recipe).rpartition(":")[0] for recipe in (recipes if isinstance(recipes, list) else ()))
    folders = {posixpath.dirname(file) or file for file in named if file.endswith(".py")}
    return version.read(version.files(folders, (".py",)))


def stale_files(version: Snapshot, reader: Reader) -> list[str]:
    """Return the files of knowledge and patches that the lock of a version does not have as they are."""
    stated = {f"knowledge:{file}": {"sha256": content_of(facts)} for file, facts in reader.facts(version).items()}
    locked = version.of("knowledge")
    moved = {name for name in stated.keys() | locked.keys() if stated.get(name) != locked.get(name)}
    moved |= {f"patch:{file}" for file in _patches(version)} ^ version.of("patch").keys()
    return sorted(name.partition(":")[2] for name in moved)


def _folders(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the paths of each discipline's knowledge, as far as they are written as such."""
    disciplines = manifest.get("disciplines")
    found = disciplines.items() if isinstance(disciplines, dict) else ()
    return {
        str(name): [path for path in settings.get("knowledge") or () if isinstance(path, str)]
        for name, settings in found
        if isinstance(settings, dict)
    }


def _by_id(facts: Mapping[str, list[Fact]]) -> dict[str, Fact]:
    return {fact.key: fact for rows in facts.values() for fact in rows}


def _patches(version: Snapshot) -> dict[str, bytes]:
    return version.read([file for file in version.files([FOLDER], (".yaml",)) if name_of(file)])


def _told(data: bytes | None, file: str) -> dict[str, Any]:
    """Return what is told of a patch: its words, and how many operations of each kind it has."""
    document = read_patch(data, file)[0] if data is not None else None
    if document is None:
        return {}
    kinds = Counter(kind for row in document["ops"] for kind in KINDS if kind in row)
    told = {name: " ".join(document[name].split()) for name in ("title", "reason", "cause")}
    return told | {"operations": ", ".join(f"{number} {kind}" for kind, number in kinds.items())}


def _settings(version: Snapshot) -> dict[str, Any]:
    return dict(_flat(version.document(MANIFEST))) | dict(_flat(version.document(PREDICATES)))


def _flat(part: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(part, dict):
        yield prefix.removesuffix("."), part
        return
    for key, value in part.items():
        yield from _flat(value, f"{prefix}{key}.")


class _Places:
    """Finds records by file and line; each file is looked through once."""

    def __init__(self, *versions: Snapshot) -> None:
        self._lines: dict[tuple[str, str], dict[tuple[str, str], int]] = {}

    def find(self, version: Snapshot, fact: Fact) -> str:
        key = (version.name, fact.source)
        if key not in self._lines:
            self._lines[key] = place_all(version.read([fact.source])[fact.source], fact.source)
        line = self._lines[key].get((fact.key, ""))
        return f"{fact.source}:{line}" if line else fact.source
