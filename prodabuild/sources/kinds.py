"""The table of importers: what `prodabuild import KIND` can read, and which settings each of them takes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prodabuild.sources.vocabulary import Importer


class Kind(NamedTuple):
    """One importer: the module that holds `import_KIND`, the settings it reads, two examples of its use."""

    module: str
    settings: tuple[str, ...]
    about: str
    examples: tuple[str, str]


KINDS: dict[str, Kind] = {
    "wordnet": Kind(
        "wordnet",
        ("select",),
        "Write concepts, relations and chains from the WordNet 3.0 nouns in PATH.",
        (
            "/usr/share/wordnet --select sources/wordnet.yaml",
            "/usr/share/wordnet --select all --format jsonl --into full",
        ),
    ),
    "skos": Kind(
        "rdf",
        ("discipline", "language", "broader"),
        "Write the SKOS concepts of RDF files (.ttl, .rdf, .jsonld, .nt) and what is broader, narrower and related.",
        ("sources/pets.ttl", "sources/pets.ttl --language de --discipline haustiere"),
    ),
    "owl": Kind(
        "rdf",
        ("discipline", "language"),
        "Write the classes and individuals of OWL or RDFS files (.owl, .rdf, .ttl, .jsonld) and their relations.",
        ("sources/boats.owl", "sources/boats.owl --format jsonl --chains 0"),
    ),
    "obo": Kind(
        "obo",
        ("discipline",),
        "Write the terms of OBO files, what they are kinds of, and their relationships.",
        ("sources/cells.obo", "sources/cells.obo --dry-run"),
    ),
    "csv": Kind(
        "table",
        ("discipline", "mapping"),
        "Write what the rows of CSV files state, by a mapping file or by columns called as fields are.",
        ("sources/tea.csv --mapping sources/tea.yaml", "sources/tea.csv --mapping sources/tea.yaml --dry-run"),
    ),
    "tsv": Kind(
        "table",
        ("discipline", "mapping"),
        "Write what the rows of TSV files state, by a mapping file or by columns called as fields are.",
        ("sources/knots.tsv", "sources/knots.tsv --accept ours"),
    ),
    "jsonl": Kind(
        "table",
        ("discipline", "mapping"),
        "Write what the rows of JSONL files state, by a mapping file or by keys called as fields are.",
        ("sources/clouds.jsonl", "sources/clouds.jsonl --prune"),
    ),
    "proda": Kind(
        "proda",
        ("discipline",),
        "Write ProDa's knowledge cores (state.json): links that its merging broke are rebuilt or left out.",
        ("sources/state.json --discipline physics", "sources/state.json --discipline physics --dry-run"),
    ),
}


def importer(kind: str) -> Importer:
    """Return the function that reads a kind; its module is loaded now, so that `--help` stays quick."""
    found: Importer = getattr(import_module(f"prodabuild.sources.{KINDS[kind].module}"), f"import_{kind}")
    return found
