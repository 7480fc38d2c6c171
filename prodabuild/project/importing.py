"""Imports: from a vocabulary's records to files of knowledge."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from prodabuild.digest import canonical
from prodabuild.engine.store import place
from prodabuild.errors import ProjectError
from prodabuild.knowledge.chains import Link, derive_chains
from prodabuild.knowledge.files import render
from prodabuild.knowledge.language import Name
from prodabuild.knowledge.predicates import BUILTIN
from prodabuild.knowledge.records import Level, Raw, relation_id
from prodabuild.manifest.paths import refuse
from prodabuild.manifest.strict import read_strict
from prodabuild.sources.wordnet import Selection, choose, everything, extract, read_wordnet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prodabuild.sources.vocabulary import Extracts

BULK = 2000  # records of a JSONL file: a file that changed is read whole
Written = dict[str, dict[str, int]]


def import_wordnet(root: Path, path: Path, select: str, into: str, form: str, chains: int) -> Written:
    """Write the knowledge that a selection takes from WordNet; returns the records of each level, by file."""
    selection = None if select == "all" else _selection(root, select)
    wordnet = read_wordnet(path)
    chosen = choose(wordnet, selection) if selection else everything(wordnet)
    return write_extracts(root, into, form, extract(chosen, selection), chains)


def write_extracts(root: Path, into: str, form: str, extracts: Extracts, chains: int) -> Written:
    """Write one folder a discipline: a file for each group of concepts with their relations, one for the chains."""
    names = {
        concept["id"]: Name(concept["name"], concept.get("noun", "count"))
        for found in extracts.values()
        for concepts in found.concepts.values()
        for concept in concepts
    }
    links = [
        Link(
            relation_id(row["subject"], row["predicate"], row["object"]),
            row["subject"],
            row["predicate"],
            row["object"],
        )
        for found in extracts.values()
        for row in found.relations
    ]
    written: Written = {}
    for discipline, found in extracts.items():
        by_subject: dict[str, list[dict[str, Any]]] = {}
        for relation in found.relations:
            by_subject.setdefault(relation["subject"], []).append(relation)
        files: dict[str, list[Raw]] = {}
        for stem, concepts in found.concepts.items():
            files[stem] = [Raw("concept", concept) for concept in concepts]
            files[stem] += [
                Raw("relation", relation) for concept in concepts for relation in by_subject.get(concept["id"], [])
            ]
        starts = [concept["id"] for concepts in found.concepts.values() for concept in concepts]
        files["chains"] = [Raw("chain", chain) for chain in derive_chains(names, links, BUILTIN, starts, chains)]
        for stem, raws in files.items():
            for name, part in _parts(f"{into}/{discipline}/{stem}", raws, form):
                place(root / name, _encode(part, form), root / ".prodabuild" / "tmp")
                written[name] = dict(Counter(raw.level for raw in part))
    return written


def _parts(stem: str, raws: list[Raw], form: str) -> Iterator[tuple[str, list[Raw]]]:
    """Return the files that records go into: one of YAML, or of JSONL as many as keep an edit's cost small."""
    if form == "yaml" or len(raws) <= BULK:
        yield from [(f"{stem}.{form}", raws)] if raws else []
        return
    for number, at in enumerate(range(0, len(raws), BULK)):
        yield f"{stem}-{number:03}.{form}", raws[at : at + BULK]


def _encode(raws: list[Raw], form: str) -> bytes:
    if form == "yaml":
        return render(raws).encode()
    return b"".join(canonical(_with_level(raw.level, raw.data)) + b"\n" for raw in raws)


def _with_level(level: Level, data: dict[str, Any]) -> dict[str, Any]:
    return {"level": level, **data}


def _selection(root: Path, select: str) -> Selection:
    refused = refuse(root, select)
    if refused:
        raise ProjectError(refused.message, refused.hint)
    return read_strict(Selection, (root / select).read_bytes(), select)[0]
