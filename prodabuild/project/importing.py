"""Imports: from a source's records to files of knowledge, merged with what the last import wrote and what is here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodabuild.engine.store import place, remove_file
from prodabuild.errors import ProjectError, UsageError
from prodabuild.events import Emit, silent
from prodabuild.knowledge.chains import Link, by_subject, derive_chains
from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.declaring import declare
from prodabuild.knowledge.language import Name
from prodabuild.knowledge.predicates import BUILTIN, Predicate
from prodabuild.knowledge.records import Raw, is_tidy, relation_id, tidied
from prodabuild.manifest.paths import PREDICATES, refuse
from prodabuild.paths import inside, read_regular, refusal
from prodabuild.problems import raise_errors
from prodabuild.project.baseline import Baseline, Entry, baseline_file, encode_baseline, read_baseline
from prodabuild.project.filing import edited, file_records, holding, needs_of, read_shelf, revise
from prodabuild.project.merging import merge
from prodabuild.project.redo import PRIVATE, exclusive, finish
from prodabuild.project.review import ImportReport, Outcome, review
from prodabuild.sources.grammar import slug
from prodabuild.sources.kinds import importer
from prodabuild.sources.vocabulary import DISCIPLINE, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from prodabuild.project.filing import Groups
    from prodabuild.project.merging import Accept
    from prodabuild.sources.vocabulary import Extract, Extracts

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class ImportOptions:
    """How an import is to run. `name` and `discipline` default to what the first file is called."""

    name: str | None = None
    into: str = "knowledge"
    form: str = "yaml"
    chains: int = 180
    accept: Accept | None = None
    prune: bool = False
    dry_run: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    emit: Emit = silent


def run_import(root: Path, kind: str, paths: Sequence[Path], options: ImportOptions) -> ImportReport:
    """Import files of a kind in KINDS, and return what changed; writes nothing in a dry run."""
    if options.dry_run:
        finish(root, options.emit)
        return _import(root, kind, paths, options)
    with exclusive(root, f"prodabuild import {kind}", options.emit):
        return _import(root, kind, paths, options)


def _import(root: Path, kind: str, paths: Sequence[Path], options: ImportOptions) -> ImportReport:
    _refuse_outside(root, options.into)
    name = _named("name", options.name or ("wordnet" if kind == "wordnet" else slug(paths[0].stem)))
    baseline = read_baseline(root, name, kind, options.into)
    settings = {**options.settings, "discipline": _named("discipline", options.settings.get("discipline") or name)}
    extracts = importer(kind)(Request(root, tuple(paths), name, known=baseline.known(), **settings))
    own = _declared(root)
    missing = {word: extracts.predicates[word] for word in _used(extracts) if word not in BUILTIN and word not in own}
    new = {word: Predicate(name=word, **fields) for word, fields in missing.items()}
    groups = _groups(extracts, {**BUILTIN, **own, **new}, options, baseline)
    records, files = file_records(groups, options.form)
    shelf = read_shelf(root, options.into, records, files, {*records, *baseline.entries})
    merged = merge(
        {identity: entry.digest for identity, entry in baseline.entries.items()},
        {identity: here.digest for identity, here in shelf.records.items()},
        {identity: found.digest for identity, found in records.items()},
        lambda identity: needs_of(records[identity].raw),
        options.accept,
        options.prune,
        holding(shelf) if options.prune or options.accept == "theirs" else None,
    )
    edits = revise(groups, records, shelf, merged)
    written = edited(shelf, edits)
    if missing:
        written[PREDICATES] = declare(_read(root, PREDICATES), PREDICATES, missing)
    entries = {identity: Entry(digest, extracts.keys.get(identity, "")) for identity, digest in merged.baseline.items()}
    written[baseline_file(name)] = encode_baseline(Baseline(kind, options.into, entries))
    places = {file: inside(root, file) for file in written}
    if not options.dry_run:
        _write(root, places, written)
    outcome = Outcome(merged, records, shelf, baseline, edits)
    return review(name, options.dry_run, outcome, extracts.remarks, sorted(missing))


def _refuse_outside(root: Path, into: str) -> None:
    refused = refuse(root, into)
    if refused and refused.code != "M023":
        raise UsageError(refused.message, refused.hint)


def _named(what: str, word: str) -> str:
    if not NAME.fullmatch(word):
        hint = f"lower-case letters, digits, `_` and `-`: name one with --{what}"
        raise UsageError(f"{word!r} cannot be the {what} of an import", hint)
    return word


def _read(root: Path, file: str) -> bytes:
    path = inside(root, file)
    return read_regular(path) if path.exists() else b""


def _declared(root: Path) -> dict[str, Predicate]:
    """Return the predicates that the repo declares; raises `ProblemsError`."""
    data = _read(root, PREDICATES)
    found, problems = parse_predicates(data, PREDICATES) if data else ([], [])
    raise_errors(problems)
    return {predicate.name: predicate for predicate in found}


def _used(extracts: Extracts) -> list[str]:
    relations = (relation for found in extracts.disciplines.values() for relation in found.relations)
    return sorted({relation["predicate"] for relation in relations})


def _groups(
    extracts: Extracts, predicates: Mapping[str, Predicate], options: ImportOptions, baseline: Baseline
) -> Groups:
    """Return the records of each file: concepts with the relations that they are the subject of, then chains."""
    everything = extracts.disciplines.values()
    concepts = [concept for found in everything for group in found.concepts.values() for concept in group]
    names = {concept["id"]: Name(concept["name"], concept.get("noun", "count")) for concept in concepts}
    links = by_subject(_link(relation) for found in everything for relation in found.relations)
    chains_before: dict[str, list[str]] = {}
    for identity in baseline.entries:
        if ".." in identity:
            chains_before.setdefault(identity.partition("/")[0], []).append(identity)
    groups: Groups = {}
    for discipline, found in extracts.disciplines.items():
        _refuse_unsafe(discipline, found)
        by_concept: dict[str, list[Raw]] = {}
        for relation in found.relations:
            by_concept.setdefault(relation["subject"], []).append(Raw("relation", relation))
        for stem, own in found.concepts.items():
            raws = [Raw("concept", concept) for concept in own]
            raws += [relation for concept in own for relation in by_concept.get(concept["id"], [])]
            groups[f"{options.into}/{discipline}/{stem}"] = _tidied(raws)
        if found.chains is None:
            starts = [concept["id"] for own in found.concepts.values() for concept in own]
            keep = chains_before.get(discipline, [])
            chains = derive_chains(names, links, predicates, starts, options.chains, keep)
        else:
            chains = [_chain(chain) for chain in found.chains]
        groups[f"{options.into}/{discipline}/chains"] = _tidied([Raw("chain", chain) for chain in chains])
    return groups


def _refuse_unsafe(discipline: str, found: Extract) -> None:
    """Raise `ProjectError` where a discipline or a stem cannot be part of a path: each is a source's word."""
    odd = [stem for stem in found.concepts if "/" in stem or refusal(stem)]
    if odd or not DISCIPLINE.fullmatch(discipline):
        what = "name of a file" if odd else "discipline"
        raise ProjectError(f"{(odd or [discipline])[0]!r} cannot be a {what}", "the source names it so")


def _tidied(raws: list[Raw]) -> list[Raw]:
    """Return records as they read back from a file: what is compared is what both say."""
    return [raw if is_tidy(raw.data) else raw._replace(data=tidied(raw.data)) for raw in raws]


def _link(relation: dict[str, Any]) -> Link:
    subject, predicate, target = relation["subject"], relation["predicate"], relation["object"]
    return Link(relation_id(subject, predicate, target), subject, predicate, target)


def _chain(chain: dict[str, Any]) -> dict[str, Any]:
    return {**chain, "steps": [relation_id(*step) for step in chain["steps"]]}


def _write(root: Path, places: Mapping[str, Path], written: Mapping[str, bytes]) -> None:
    """Put files in place, the baseline last: what a killed import has not written, the next one does."""
    for file, data in written.items():
        path = places[file]
        if not data:
            remove_file(root, file)
        elif not path.exists() or read_regular(path) != data:
            place(root, file, data, root / PRIVATE / "tmp")
