"""Licences: what is declared is said, what is not is unknown. The card says so, too, and what it counts is there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import yaml

from prodabuild.manifest.model import Licence
from prodabuild.shards.card import MOST_SOURCES, card, hub_licence
from prodabuild.shards.contents import Contents, Tally
from prodabuild.shards.licences import UNSTATED, Owed, declared, records_of, with_provenance

MIT, WORDNET = Licence(name="MIT"), Licence(name="WordNet 3.0 license", file="knowledge/LICENSE.wordnet")
OURS = Licence(name="House rules", link="https://example.org/rules")


@pytest.mark.parametrize(
    ("document", "source"),
    [
        ("wordnet", "wordnet"),
        ("wordnet:data.noun", "wordnet"),
        ("wordnet-4:data.noun", None),
        ("sources/law/codes.md", "sources/law"),
        ("sources/law/old/codes.md", "sources/law/old"),
        ("sources/lawful.md", None),
        ("isbn:123", "isbn:"),
        ("", None),
    ],
)
def test_a_document_belongs_to_the_longest_declared_name_that_its_own_begins_with(
    document: str, source: str | None
) -> None:
    names = ("wordnet", "sources/law", "sources/law/old", "isbn:")
    assert declared(document, dict.fromkeys(names, MIT)) == source


@pytest.mark.parametrize(
    ("licences", "keys"),
    [
        ([MIT], {"license": "mit"}),
        ([None], {"license": "unknown"}),
        ([MIT, None], {"license": ["mit", "unknown"]}),
        ([WORDNET], {"license": "other", "license_name": "wordnet-3.0-license", "license_link": "licences/knowledge/LICENSE.wordnet"}),
        ([OURS, MIT], {"license": ["mit", "other"], "license_name": "house-rules", "license_link": "https://example.org/rules"}),
        ([OURS, WORDNET], {"license": "other"}),
    ],
)  # fmt: skip
def test_the_hub_is_told_what_is_declared_and_no_more(licences: list[Licence | None], keys: dict[str, Any]) -> None:
    assert hub_licence(Owed(str(n), licence, 1) for n, licence in enumerate(licences)) == keys


def test_a_row_counts_under_every_source_that_it_has_words_from() -> None:
    sources = {"a": {"document": "wordnet:x"}, "b": {"document": "wordnet:y"}, "c": {"document": "notes"}}
    row = {"discipline": "zoo", "recipe": "judge", "messages": []}
    rows = [{**row, "id": "a#judge.true", "nodes": ["a", "b"]}, {**row, "id": "a#judge.false", "nodes": ["c", "d"]}]
    tally = Tally(sources.get, {"wordnet": MIT})
    assert list(tally.passing("train", iter(rows))) == rows
    assert tally.counts == {("train", "zoo", "judge"): 2}
    assert tally.owed() == (Owed(UNSTATED, None, 1), Owed("notes", None, 1), Owed("wordnet", MIT, 2))
    assert with_provenance(rows[1], sources.get)["provenance"] == (
        '{"record":"a","sources":{"a":{"document":"wordnet:x"},"c":{"document":"notes"}}}'
    )


def test_the_card_reads_as_written_here() -> None:
    counts = Counter({("train", "zoo", "define"): 8, ("validation", "zoo", "define"): 2, ("train", "123", "judge"): 5})
    files = {
        "train": ["data/123/train.parquet", "data/zoo/train.parquet"],
        "validation": ["data/zoo/validation.parquet"],
    }
    owed = (Owed(UNSTATED, None, 3), Owed("a|b", None, 2), Owed("notes", OURS, 1), Owed("wordnet", WORDNET, 12))
    text = card(Contents("small", "train", "c0ffee", "0.1.0", files, counts, owed))
    _, front, body = text.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "pretty_name": "small",
        "license": ["other", "unknown"],
        "tags": ["prodabuild"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "data/*/train.parquet"},
                    {"split": "validation", "path": "data/*/validation.parquet"},
                ],
            },
            {"config_name": "123", "data_files": [{"split": "train", "path": "data/123/train.parquet"}]},
            {
                "config_name": "zoo",
                "data_files": [
                    {"split": "train", "path": "data/zoo/train.parquet"},
                    {"split": "validation", "path": "data/zoo/validation.parquet"},
                ],
            },
        ],
    }
    assert (
        body
        == """
# small

15 training samples, each made by a recipe from the records in its `nodes`.

Written by prodabuild 0.1.0 from the data repository `small`. The sha256 of the data is the entry
of `dataset` in the `proda.lock` of the version that made them; that version builds the same rows again.

`c0ffee`

| column | meaning |
| --- | --- |
| id | the record that the row was made of, `#`, the recipe and its variant |
| discipline | the field of knowledge |
| recipe | the function that made the row |
| nodes | ids of the records that it was made from |
| messages | a question (`user`) and its answer (`assistant`) |
| provenance | JSON: the row's record, and the source of each record that names one |

## Rows

| discipline | define | judge | rows |
| --- | --- | --- | --- |
| 123 | 0 | 5 | 5 |
| zoo | 10 | 0 | 10 |
| all | 10 | 5 | 15 |

By split: train 13, validation 2.

## Sources and licences

| source | licence | rows |
| --- | --- | --- |
| (records that name no source) | unknown | 3 |
| a\\|b | unknown | 2 |
| notes | House rules, [published](https://example.org/rules) | 1 |
| wordnet | WordNet 3.0 license, [text](licences/knowledge/LICENSE.wordnet) | 12 |

A row counts under every source that it has words from. A licence is unknown where none was declared.
"""
    )


def test_a_card_of_items_warns_and_many_sources_are_cut_short() -> None:
    owed = tuple(Owed(f"doc{n:03}", None, 1) for n in range(MOST_SOURCES + 2))
    counts = Counter({("dev", "default", "items"): 4})
    text = card(Contents("small", "dev", "c0ffee", "0", {"dev": ["data/default/dev.parquet"]}, counts, owed))
    assert "4 test items (dev). **Do not train on them**: they measure models that did not.\n" in text
    assert "| doc039 | unknown | 1 |\n| and 2 more | see prodabuild-export.json |  |\n" in text
    configs = yaml.safe_load(text.split("---\n")[1])["configs"]
    assert [config["config_name"] for config in configs] == ["default"]


def test_an_emphasis_has_no_words_of_its_own() -> None:
    row = {"id": "a!emphasis#emphasis.steps.b", "recipe": "emphasis", "nodes": ["a", "b"]}
    assert records_of(row) == ("a!emphasis", ["a", "b"])
    assert records_of({**row, "recipe": "written"}) == ("a!emphasis", ["a!emphasis", "a", "b"])
