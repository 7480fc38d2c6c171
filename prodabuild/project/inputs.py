"""What a data repo's files state, as facts: knowledge, predicates, settings, code, versions, opaque files."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical, sha256
from prodabuild.engine.aside import aside
from prodabuild.engine.code import LOCAL, library_fact, module_fact, modules_below
from prodabuild.engine.facts import Fact, diff
from prodabuild.engine.files import LISTED, Wanted, scan
from prodabuild.engine.local import local_fact
from prodabuild.engine.view import FILE
from prodabuild.errors import ProjectError
from prodabuild.evaluation.taskfiles import files_behind
from prodabuild.insight.rungs import LADDER, ProbeRequest
from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.files import SUFFIXES, parse, place
from prodabuild.knowledge.patches import read_patch
from prodabuild.knowledge.places import Places
from prodabuild.knowledge.predicates import BUILTIN, PREDICATE, Predicate
from prodabuild.knowledge.records import identity_of, to_fact
from prodabuild.manifest.load import FILE as MANIFEST
from prodabuild.manifest.model import ChainSuite, Compile, Model, TaskSuite, flatten
from prodabuild.manifest.paths import PREDICATES, files_below, odd_names
from prodabuild.paths import read_source, source
from prodabuild.problems import Problem, raise_errors
from prodabuild.project.documents import document_fact, folders_fact, known_documents, new_documents
from prodabuild.project.overlaying import CONTEXT, COVERED, fold, patch_fact, patch_files
from prodabuild.shards.declared import broken, own_recipes
from prodabuild.training.base import TEXT_FOLDER, base_files, parse_base, start_files
from prodabuild.training.kernels import kernels_of
from prodabuild.training.settings import LATER as TRAINING_LATER
from prodabuild.yamlio import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prodabuild.engine.facts import Delta
    from prodabuild.engine.files import FileRow, Scan
    from prodabuild.engine.local import Closure
    from prodabuild.engine.state import State
    from prodabuild.manifest.model import Manifest

PACKAGE = Path(__file__).parent.parent
# Modules that tell what happens and shape no output: a new error message is no reason to train again.
VOICE = frozenset(("prodabuild.errors", "prodabuild.problems", "prodabuild.events"))
ENVIRONMENT = "environment"
# Settings that came after the first locks: while they are not used, a lock stays as it is.
LATER = frozenset(
    ("compile.ratios", "compile.duplicates", "compile.replay", *(f"model.{name}" for name in TRAINING_LATER))
)
_KNOWLEDGE, _PREDICATES, _CODE, _LOCAL, _OPAQUE = "knowledge", "predicates", "code", "local", "opaque"
_DOCUMENT = "document"
CODE_COSTS = 15  # times as much to read as records of the same size
HALVED_FROM = 32 << 20  # bytes: from here on, reading them takes longer than to send what they state from a process
_DISTRIBUTIONS = {"yaml": "PyYAML", "lm_eval": "lm-eval", "huggingface_hub": "huggingface-hub"}


@dataclass(frozen=True)
class Reading:
    """A new reading of the sources: what it differs in, and the file rows that it was read from.

    `problems` tell what could not be read, and is in none of the facts.
    """

    delta: Delta
    rows: Mapping[str, FileRow]
    gone: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


class Parsed(NamedTuple):
    """What one file states, what is wrong with it, and the digest of the former."""

    facts: list[Fact]
    problems: list[Problem]
    content: str


def wanted_files(root: Path, manifest: Manifest, own: Closure) -> dict[str, Wanted]:
    """Return every file that builds may depend on, by the name it is known by; raises `ProblemsError`.

    A module of the data repo is known as `local:` and its file: that file may be an opaque input, too.
    """
    wanted: dict[str, Wanted] = {}
    problems: list[Problem] = []
    for discipline, settings in manifest.disciplines.items():
        for name in (name for path in settings.knowledge for name in files_below(root, path, SUFFIXES)):
            context = f"{_KNOWLEDGE}:{discipline}"
            if name in wanted and wanted[name].context != context:
                other = wanted[name].context.partition(":")[2]
                problems.append(
                    Problem("M024", f"{name} belongs to two disciplines, {other} and {discipline}", MANIFEST)
                )
            elif name != PREDICATES:
                wanted[name] = Wanted(root / name, context)
    raise_errors(problems)
    if os.path.lexists(root / PREDICATES):
        wanted[PREDICATES] = Wanted(source(root, PREDICATES), _PREDICATES)
    for module, file in modules_below(PACKAGE, "prodabuild"):
        if module not in VOICE:
            wanted[f"prodabuild/{file.relative_to(PACKAGE).as_posix()}"] = Wanted(file, f"{_CODE}:{module}")
    for module, found in own.modules.items():
        wanted[LOCAL + found.file] = Wanted(root / found.file, f"{_LOCAL}:{module}")
    wanted |= patch_files(root, manifest)
    for name, file in opaque_files(root, manifest).items():
        wanted[name] = Wanted(file, _OPAQUE, opaque=True)
    raise_errors(odd_names(wanted))
    return wanted


def with_named(wanted: dict[str, Wanted], root: Path, names: Iterable[str]) -> dict[str, Wanted]:
    """Add the files that DVC's record names. Those that no build reads are known by `./` and their name."""
    for name in names:
        known = wanted.get(name)
        if known is not None and known.path == root / name:
            wanted[name] = known._replace(named=True)
        else:
            wanted[f"./{name}"] = Wanted(root / name, LISTED, opaque=True, named=True)
    return wanted


def opaque_files(root: Path, manifest: Manifest) -> dict[str, Path]:
    """Return the files that are read as they are: base text, local models, task files and what lies beside them."""
    files = dict(_base_text(root, manifest))
    files |= {name: root / name for name in base_files(root, parse_base(manifest.model.base))}
    files |= {name: root / name for name in start_files(root, manifest.model.train.start)}
    files |= dict(_shipped_text() if manifest.insight.experiments else ())
    for suite in manifest.tests.values():
        if isinstance(suite, TaskSuite):
            files |= {name: root / name for name in files_behind(root, suite.files)}
    return files


def read_sources(
    state: State,
    root: Path,
    manifest: Manifest,
    device: str,
    named: Iterable[str] = (),
    active: Callable[[str], bool] | None = None,
    jobs: int = 1,
    made_with: Mapping[str, str | None] = MappingProxyType({}),
) -> Reading:
    """Compare the sources with the recorded facts; raises `ProblemsError` with everything that cannot be read."""
    reading = read_readable(state, root, manifest, device, named, active, jobs, made_with)
    raise_errors(reading.problems)
    return reading


def read_readable(
    state: State,
    root: Path,
    manifest: Manifest,
    device: str,
    named: Iterable[str] = (),
    active: Callable[[str], bool] | None = None,
    jobs: int = 1,
    made_with: Mapping[str, str | None] = MappingProxyType({}),
) -> Reading:
    """Compare what can be read of the sources, patches laid over knowledge, with the recorded facts.

    `device` is the class of device that trains: `cpu`, or `cuda:` and a name. `named` are files of the repo that
    DVC's record names: they get rows, too. `active` tells by its file whether a patch counts (all of them do, where
    it is not given). Much is read by two processes, unless `jobs` is 1. `made_with` are versions of libraries, device
    and kernels in place of those of here. Raises `ProblemsError` for recipes.
    """
    own = _own_code(root, manifest)
    wanted = with_named(wanted_files(root, manifest, own) | known_documents(state, root), root, named)
    found = scan(state, wanted)
    parsed: dict[str, list[Fact]] = {}
    problems: list[Problem] = []
    rows = dict(found.rows)
    for name, read in _parse_all(found, jobs).items():
        parsed[name] = read.facts
        problems += read.problems
        rows[name] = rows[name]._replace(content=read.content)
    parsed, single, misfits, removers = fold(root, manifest, state, parsed, found.gone, active)
    problems += misfits
    stated = {**parsed, "": [fact for fact in single.values() if fact]}
    documents = dict(scan(state, new_documents(stated, wanted, root)).rows)
    parsed |= {name: [document_fact(name, row.digest)] for name, row in documents.items()}
    parsed |= _virtual(state, root, manifest, found) | _environment(own, device, made_with)
    gone = tuple(name for name in found.gone if name not in documents)
    delta = diff(state, parsed, gone, single, removers)
    return Reading(delta, rows | documents, gone, (*problems, *_duplicates(root, delta)))


def _own_code(root: Path, manifest: Manifest) -> Closure:
    """Return the modules of the data repo that shape samples; raises `ProblemsError`."""
    found = own_recipes(root, manifest, decode(read_source(root, MANIFEST)))
    raise_errors(found.problems)
    return found.code


def _parse_all(found: Scan, jobs: int) -> dict[str, Parsed]:
    """Return what the changed files state; with much to read, half of it in a process of its own."""
    work = {name: len(data) * (CODE_COSTS if name.endswith(".py") else 1) for name, data in found.changed.items()}
    if jobs == 1 or sum(work.values()) < HALVED_FROM:
        return {name: _parsed(name, found) for name in work}
    halves: tuple[list[str], list[str]] = ([], [])
    filled = [0, 0]
    for name in sorted(work, key=lambda name: -work[name]):
        less = filled.index(min(filled))
        halves[less].append(name)
        filled[less] += work[name]
    with aside(lambda: [_sent(_parsed(name, found)) for name in halves[0]]) as others:
        mine = {name: _parsed(name, found) for name in halves[1]}
        theirs = dict(zip(halves[0], map(_received, others()), strict=True))
    return {name: mine.get(name) or theirs[name] for name in work}


Sent = tuple[list[tuple[Any, ...]], list[Problem], str]  # plain tuples are sent in half the time


def _sent(parsed: Parsed) -> Sent:
    return [*map(tuple, parsed.facts)], parsed.problems, parsed.content


def _received(sent: Sent) -> Parsed:
    facts, problems, content = sent
    return Parsed([*map(Fact._make, facts)], problems, content)


def _parsed(name: str, found: Scan) -> Parsed:
    facts, problems = _parse(name, found.changed[name], found)
    return Parsed(facts, problems, content_of(facts))


def _parse(name: str, data: bytes, found: Scan) -> tuple[list[Fact], list[Problem]]:
    kind, _, detail = found.rows[name].context.partition(":")
    if kind == _CODE:
        return [module_fact(detail, data, name, package=name.endswith("__init__.py"))], []
    if kind == LISTED:
        return [], []
    if kind == _LOCAL:
        file = name.removeprefix(LOCAL)
        try:
            return [local_fact(detail, data, file)], []
        except SyntaxError as error:
            return [], [broken(file, error)]
    if kind == _OPAQUE:
        return [Fact(FILE + name, canonical({"content": found.rows[name].digest.hex()}), name)], []
    if kind == _DOCUMENT:
        return [document_fact(name, found.rows[name].digest)], []
    if kind == CONTEXT:
        document, problems = read_patch(data, name)
        return ([] if document is None else [patch_fact(name, document)]), problems
    if kind == _PREDICATES:
        predicates, problems = parse_predicates(data, name)
        return [_predicate_fact(predicate, name) for predicate in predicates], problems
    raws, problems = parse(data, name)
    seen: dict[str, Any] = {}
    facts = []
    for raw in raws:
        identity = identity_of(raw.level, raw.data)
        if identity in seen:
            line, column = place(data, raw, "id")
            first = place(data, seen[identity])[0]
            problems.append(
                Problem(
                    "K004", f"the id {identity!r} is used again", name, line, column, f"first used at {name}:{first}"
                )
            )
        else:
            seen[identity] = raw
            facts.append(to_fact(raw.level, raw.data, name, detail))
    return facts, problems


def _virtual(state: State, root: Path, manifest: Manifest, found: Scan) -> dict[str, list[Fact]]:
    """Return the facts that stand in no file of their own: settings, built-in predicates."""
    own = {name.removeprefix(PREDICATE) for name in _own_predicates(state, found)}
    builtin = [
        _predicate_fact(predicate, "built-in predicates") for name, predicate in BUILTIN.items() if name not in own
    ]
    return {
        MANIFEST: [Fact("manifest", canonical(settings_of(root, manifest)), MANIFEST), folders_fact(manifest)],
        "built-in predicates": builtin,
    }


def _environment(own: Closure, device: str, made_with: Mapping[str, str | None]) -> dict[str, list[Fact]]:
    """Return the facts about what builds run on: versions of libraries, ours and those of own recipes; the device."""
    facts = [library_fact(name, made_with.get(name, version)) for name, version in versions().items()]
    facts += [
        library_fact(name, version, local=True) for name, version in sorted(installed_versions(own.libraries).items())
    ]
    surroundings = {
        "class": made_with.get("device", device),
        "kernels": made_with["kernels"] if "kernels" in made_with else kernels_of(device),
    }
    return {ENVIRONMENT: [*facts, Fact("device", canonical(surroundings), ENVIRONMENT)]}


def settings_of(root: Path, manifest: Manifest) -> dict[str, object]:
    """Return the settings that builds read, by dotted key: each is an input of its own."""
    settings: dict[str, object] = {"name": manifest.name}
    settings |= flatten(manifest.compile, "compile.") | flatten(manifest.model, "model.")
    unset = flatten(Compile(), "compile.") | flatten(Model(base=manifest.model.base), "model.")
    settings = {key: value for key, value in settings.items() if key not in LATER or value != unset[key]}
    settings["model.base_text"] = [name for name, _ in _base_text(root, manifest)]
    settings["model.base_files"] = base_files(root, parse_base(manifest.model.base))
    if manifest.model.train.start:
        settings["model.train.start_files"] = start_files(root, manifest.model.train.start)
    for name, suite in manifest.tests.items():
        if isinstance(suite, ChainSuite):
            settings |= {"chains.sealed": suite.sealed, "chains.difficulty": suite.difficulty}
        else:
            settings[f"tests.{name}.tasks"] = suite.tasks
            settings[f"tests.{name}.files"] = [
                file for file in files_behind(root, suite.files) if file not in suite.tasks
            ]
    if manifest.insight.probe:
        settings |= {f"insight.probe.{key}": value for key, value in asdict(declared_ladder(manifest)).items()}
    return settings | _experiment_settings(manifest)


def _experiment_settings(manifest: Manifest) -> dict[str, object]:
    """Return what experiments declare; of an arm what its data hangs on apart from how it is trained."""
    settings: dict[str, object] = {}
    for name, experiment in manifest.insight.experiments.items():
        settings["insight.texts"] = [text for text, _ in _shipped_text()]
        prefix = f"insight.experiments.{name}."
        settings |= {prefix + key: getattr(experiment, key) for key in ("tokens", "epochs", "probe")}
        for arm, declared in experiment.arms.items():
            settings[f"{prefix}arms.{arm}.data"] = declared.model_dump(exclude={"learning_rate"})
            settings[f"{prefix}arms.{arm}.learning_rate"] = declared.learning_rate
    return settings


def declared_ladder(manifest: Manifest) -> ProbeRequest:
    """Return the ladder that a manifest declares, the one that ships where it declares none."""
    ladder = manifest.insight.probe
    if ladder is None:
        return ProbeRequest()
    return ProbeRequest(tuple(ladder.sources or LADDER), ladder.rows, ladder.length, ladder.seed)


def _own_predicates(state: State, found: Scan) -> list[str]:
    if PREDICATES in found.changed:
        return [PREDICATE + predicate.name for predicate in parse_predicates(found.changed[PREDICATES], PREDICATES)[0]]
    return [] if PREDICATES in found.gone else [fact.key for fact in state.facts_of(PREDICATES)]


def _predicate_fact(predicate: Predicate, source: str) -> Fact:
    return Fact(PREDICATE + predicate.name, canonical(predicate.facets()), source)


def _base_text(root: Path, manifest: Manifest) -> Iterator[tuple[str, Path]]:
    if not manifest.model.base.startswith("scratch:"):
        return
    if manifest.model.base_text is None:
        yield from _shipped_text()
        return
    found = [name for path in manifest.model.base_text for name in files_below(root, path, (".txt", ".md"))]
    if not found:
        raise ProjectError(
            "model.base_text holds no text", "name files, or folders with files, that end in .txt or .md"
        )
    yield from ((name, root / name) for name in found)


def _shipped_text() -> Iterator[tuple[str, Path]]:
    return ((f"prodabuild/training/base_text/{path.name}", path) for path in sorted(TEXT_FOLDER.glob("*.txt")))


_VERSIONED = (
    "orjson", "xxhash", "torch", "transformers", "peft", "tokenizers", "safetensors", "lm_eval", "datasets",
    "huggingface_hub", "numpy",
)  # fmt: skip


_VERSION = re.compile(r"^Version: *(\S+) *$", re.MULTILINE)


def versions() -> dict[str, str | None]:
    """Return the versions of the libraries that shape what is built, None for those that are not installed."""
    return {name: _version(name) for name in _VERSIONED}


def _version(name: str) -> str | None:
    try:
        found = metadata.distribution(_DISTRIBUTIONS.get(name, name))
    except metadata.PackageNotFoundError:
        return None
    # Of the metadata the head alone: the rest is a page of text, and `metadata.version` parses it to the end.
    head, _, _ = (found.read_text("METADATA") or "").partition("\n\n")
    stated = _VERSION.search(head)
    return stated[1] if stated else found.version


def installed_versions(imported: frozenset[str]) -> dict[str, str | None]:
    """Return the versions of libraries by the names that they are imported by, None for what is no distribution."""
    found = {name: _version(name) for name in imported}
    if (
        None in found.values()
    ):  # named otherwise than imported: all that is installed must be asked, a tenth of a second
        distributions = metadata.packages_distributions()
        for name in [name for name, version in found.items() if version is None]:
            makers = sorted(set(distributions.get(name, ())))
            found[name] = " ".join(f"{maker} {metadata.version(maker)}" for maker in makers) or None
    return found


def content_of(facts: Iterable[Fact]) -> str:
    """Return the digest of what a file states: what a lock has of it."""
    return sha256(b"\n".join(fact.key.encode() + b" " + fact.value for fact in sorted(facts)))


def _duplicates(root: Path, delta: Delta) -> list[Problem]:
    again = [(fact.key.removeprefix(COVERED), fact.source, other) for fact, other in delta.duplicates]
    places = Places(root, lambda: {key: source for key, source, _ in again})
    return [
        places.problem("K004", key, f"the id {key!r} is used again", "id", hint=f"first used in {other}")
        for key, _, other in again
    ]
