"""Patches at work: begun, listed, folded into the knowledge, dropped."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import sha256
from prodabuild.engine import lockfile
from prodabuild.engine.store import place, remove_file
from prodabuild.errors import ProjectError, UsageError
from prodabuild.escaping import visible
from prodabuild.knowledge.files import fields
from prodabuild.knowledge.overlay import lay
from prodabuild.knowledge.patches import FOLDER, PATCH, make_patch, name_of, read_patch
from prodabuild.knowledge.records import to_data
from prodabuild.paths import read_source
from prodabuild.problems import raise_errors, suggest
from prodabuild.project.folding import folded
from prodabuild.project.locking import LOCK
from prodabuild.project.nearest import nearest
from prodabuild.project.overlaying import home_in, known_patches, originals_of, patch_fact
from prodabuild.project.reasons import Locator
from prodabuild.project.redo import PRIVATE, exclusive, fold
from prodabuild.project.session import read_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prodabuild.engine.facts import Fact
    from prodabuild.engine.state import State
    from prodabuild.knowledge.patches import Patch
    from prodabuild.knowledge.records import Level
    from prodabuild.manifest.model import Manifest
    from prodabuild.problems import Problem
    from prodabuild.project.inputs import Reading
    from prodabuild.project.outcome import Options

ALIKE = 2000  # records that an unknown one is compared with where nothing is built yet
MAIN: dict[Level, str] = {"concept": "definition", "chain": "title", "sample": "answer", "emphasis": "ways"}
SCHEMA = "schema/patch.schema.json"
GUIDE = """ops:
# Keep what you need, one operation an item.
# - replace: ID
#   with: {definition: the new text}
#   expect: {definition: the old text}
# - remove: ID
# - add:
#     relation: {subject: ID, predicate: is_a, object: ID}
# - add:
#     concept: {id: ID, name: NAME, definition: TEXT}
#   file: knowledge/FOLDER/FILE.yaml
# - emphasise: [ID]
#   ways: [contrast, steps]
# - sample: {id: ID, nodes: [ID], question: TEXT, answer: TEXT}
"""


class Listed(NamedTuple):
    """A patch in the folder. `state` is built (`proda.lock` has it as it is), not built, or does not fit."""

    name: str
    title: str
    cause: str
    ops: dict[str, int]
    state: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Applied:
    """A patch that was folded: the operations that each file has taken in."""

    name: str
    files: dict[str, dict[str, int]]


def find_patch(root: Path, text: str) -> str:
    """Return the file of a patch that is named by its number, its name or its file; raises `ProjectError`."""
    names = patch_names(root)
    wanted = _wanted(text)
    found = [name for name in names if _names(wanted, name)]
    if len(found) == 1:
        return f"{FOLDER}/{found[0]}.yaml"
    if found:
        raise ProjectError(f"there are {len(found)} patches {wanted}: {', '.join(found)}", "name one of them in full")
    known = f"patches: {', '.join(names)}" if names else "there is none: `prodabuild patch new` begins one"
    raise ProjectError(f"there is no patch {text!r}", known)


def _wanted(text: str) -> str:
    return text.removeprefix(f"{FOLDER}/").removesuffix(".yaml")


def _names(wanted: str, name: str) -> bool:
    return name == wanted or (wanted.isdecimal() and int(name[:4]) == int(wanted))


def patch_names(root: Path) -> list[str]:
    """Return the names of the patches in the folder, in order."""
    files = sorted((root / FOLDER).glob("*.yaml")) if (root / FOLDER).is_dir() else []
    return [name for file in files if (name := name_of(f"{FOLDER}/{file.name}"))]


def load_patch(root: Path, file: str) -> Patch:
    """Return the patch in a file; raises `ProblemsError`."""
    return make_patch(str(name_of(file)), _document(root, file))


def _document(root: Path, file: str) -> dict[str, Any]:
    document, problems = read_patch(read_source(root, file), file)
    raise_errors(problems)
    assert document is not None, "a patch without problems is sound"
    return document


def list_patches(root: Path, manifest: Manifest, options: Options) -> list[Listed]:
    """Return every patch in the folder, and how it stands."""
    problems = read_now(root, manifest, options, lambda _, reading: reading.problems)
    locked = lockfile.read(root / LOCK)
    found = []
    for name in patch_names(root):
        file = f"{FOLDER}/{name}.yaml"
        wrong = tuple(problem for problem in problems if problem.file == file)
        document = read_patch(read_source(root, file), file)[0]
        if document is None:
            found.append(Listed(name, "", "", {}, "does not fit", wrong))
            continue
        patch = make_patch(name, document)
        state = "built" if locked.get(f"{PATCH}{file}") == {"sha256": digest_of(file, document)} else "not built"
        ops: Counter[str] = Counter(op.kind for op in patch.ops)
        found.append(Listed(name, patch.title, patch.cause, dict(ops), "does not fit" if wrong else state, wrong))
    return found


def patch_now(root: Path, name: str) -> str:
    """Return the identity of a patch as its file has it; raises `ProblemsError`."""
    file = f"{FOLDER}/{name}.yaml"
    return digest_of(file, _document(root, file))


def digest_of(file: str, document: dict[str, Any]) -> str:
    """Return the identity of a patch, as `proda.lock` has it."""
    fact = patch_fact(file, document)
    return sha256(fact.key.encode() + b" " + fact.value)


def apply_patch(root: Path, manifest: Manifest, options: Options, text: str) -> Applied:
    """Fold a patch into the files of knowledge and remove it; raises `ProblemsError` where it does not fit."""
    with exclusive(root, "prodabuild patch apply", options.emit) as finished:
        if finished and _names(_wanted(text), finished.patch):
            return Applied(finished.patch, dict(finished.ops))
        file = find_patch(root, text)
        patch = load_patch(root, file)
        standing = [name for name in patch_names(root) if int(name[:4]) in patch.after]
        if standing:
            raise ProjectError(
                f"{patch.name} comes after {standing[0]}, which is not applied",
                f"first `prodabuild patch apply {standing[0][:4]}`",
            )
        written = read_now(root, manifest, options, lambda state, reading: _fold(root, manifest, state, reading, patch))
        ops = {name: found for name, (_, found) in written.items()}
        contents = {name: data for name, (data, _) in written.items()} | {file: b""}
        fold(root, patch.name, contents, ops, options.emit)
    return Applied(patch.name, ops)


def _fold(
    root: Path, manifest: Manifest, state: State, reading: Reading, patch: Patch
) -> dict[str, tuple[bytes, dict[str, int]]]:
    raise_errors(reading.problems)
    facts = (fact for fact in _facts(state, reading, PATCH))
    overlay = lay(known_patches(facts), originals_of(state, reading.delta), home_in(root, manifest))
    ops: dict[str, Counter[str]] = {}
    for op in patch.ops:
        ops.setdefault(str(overlay.file_of(op.id)), Counter())[op.kind] += 1
    return {file: (data, dict(ops[file])) for file, data in folded(root, patch, overlay.file_of).items()}


def _facts(state: State, reading: Reading, prefix: str) -> Iterator[Fact]:
    """Return the facts under keys that begin so, as they are now."""
    delta = reading.delta
    moved = {*delta.upserts, *delta.removed}
    yield from (fact for key in state.keys(prefix) if key not in moved and (fact := state.fact(key)))
    yield from (fact for key, fact in delta.upserts.items() if key.startswith(prefix))


def drop_patch(root: Path, options: Options, text: str) -> str:
    """Remove a patch; returns its file."""
    with exclusive(root, "prodabuild patch drop", options.emit):
        file = find_patch(root, text)
        remove_file(root, file)
    return file


def new_patch(root: Path, manifest: Manifest, options: Options, title: str, cause: str, record: str | None) -> str:
    """Write the beginning of a patch under the next number, and return its file."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].rstrip("-")
    if not slug:
        raise UsageError(f"{title!r} has no word to name a file by", "say in a few words what the patch changes")
    head = _schema_line(root)
    head += [*fields({"title": title.strip()}, "", ""), "reason:  # what is wrong, and how you know"]
    head += [f"cause: {cause}", "# evidence: {items: [ids of dev items that fail], diagnosis: its digest}"]
    body = GUIDE.splitlines()
    with exclusive(root, "prodabuild patch new", options.emit):  # two at once would take one number
        if record is not None:
            found = read_now(root, manifest, options, lambda state, reading: _find(state, reading, record))
            head += _after(found)
            body = ["ops:", *_beginning(found, Locator(root).place(found.source, found.key))]
        file = f"{FOLDER}/{next_number(root):04}-{slug}.yaml"
        place(root, file, "\n".join([*head, *body, ""]).encode(), root / PRIVATE / "tmp")
    return file


def next_number(root: Path) -> int:
    """Return the number of the next patch."""
    number = max((int(name[:4]) for name in patch_names(root)), default=0) + 1
    if number > 9999:
        raise ProjectError("there is no number after 9999", "apply or drop patches, and number the others anew")
    return number


def write_patch(root: Path, slug: str, document: Mapping[str, Any]) -> str:
    """Write a patch under the next number, and return its file."""
    head = _schema_line(root)
    head += fields({key: value for key, value in document.items() if key != "ops"}, "", "")
    ops = [line for op in document["ops"] for line in fields(op, "- ", "  ")]
    file = f"{FOLDER}/{next_number(root):04}-{slug}.yaml"
    place(root, file, "\n".join([*head, "ops:", *ops, ""]).encode(), root / PRIVATE / "tmp")
    return file


def _schema_line(root: Path) -> list[str]:
    """Return the line that tells editors of the schema, where the repo has it."""
    return [f"# yaml-language-server: $schema=../{SCHEMA}"] if (root / SCHEMA).is_file() else []


def _find(state: State, reading: Reading, key: str) -> Fact:
    fact = reading.delta.upserts.get(key) or (state.fact(key) if key not in reading.delta.removed else None)
    if fact is None or not fact.group:
        known = [other for other, found in reading.delta.upserts.items() if found.group]
        raise ProjectError(f"there is no record {key!r}", nearest(state, key) or suggest(key, known[:ALIKE]))
    return fact


def _after(fact: Fact) -> list[str]:
    name = name_of(fact.source)
    return [f"after: [{int(name[:4])}]  # {visible(name)} changes the record, too"] if name else []


def _beginning(fact: Fact, where: str) -> list[str]:
    """Return an operation on a record, to be edited: what it says is expected, and said again."""
    level, data = to_data(fact)
    if level == "relation":
        said = {name: data[name] for name in ("subject", "predicate", "object")}
        again = ["- add:", "    relation:", *fields(said, " " * 6, " " * 6)]
        return [*fields({"remove": fact.key}, "- ", "")[:1], f"  # {visible(where)}", *again]
    main = fields({MAIN[level]: data[MAIN[level]]}, " " * 4, " " * 4)
    return [*fields({"replace": fact.key}, "- ", ""), f"  # {visible(where)}", "  with:", *main, "  expect:", *main]
