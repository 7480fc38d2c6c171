from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prodabuild.cli.import_command import SETTINGS, command
from prodabuild.sources.kinds import KINDS, importer
from prodabuild.sources.vocabulary import Request
from tests.sources.samples import SAMPLES


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_importer_and_a_command_with_its_settings(kind: str) -> None:
    assert callable(importer(kind))
    options = {parameter.name for parameter in command.commands[kind].params}
    assert set(KINDS[kind].settings) == options & SETTINGS.keys()
    assert {"name", "into", "form", "chains", "accept", "prune", "dry_run", "paths"} <= options


SAMPLE = {
    "skos": "pets.ttl", "owl": "boats.owl", "obo": "cells.obo", "csv": "tea.csv", "tsv": "knots.tsv",
    "jsonl": "clouds.jsonl", "proda": "state.json",
}  # fmt: skip


@pytest.mark.parametrize("kind", SAMPLE)
def test_a_byte_order_mark_changes_nothing(kind: str, tmp_path: Path) -> None:
    file = SAMPLES / SAMPLE[kind]
    marked = tmp_path / file.name
    marked.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    mapping = file.with_suffix(".yaml")
    more: dict[str, Any] = {"mapping": mapping.name} if mapping.exists() else {}
    if more:
        (tmp_path / mapping.name).write_bytes(mapping.read_bytes())
    found = [importer(kind)(Request(path.parent, (path,), "test", "zoo", **more)) for path in (file, marked)]
    assert found[0].disciplines == found[1].disciplines


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    rows = f"cat,{'long ' * 50_000},cat,is a,pet\npet,a pet,,,\n"
    (tmp_path / "a.csv").write_text(f"name,definition,subject,predicate,object\n{rows}")
    extracts = importer("csv")(Request(tmp_path, (tmp_path / "a.csv",), "test", "zoo"))
    assert len(extracts.disciplines["zoo"].concepts["test"][0]["definition"]) == 249_999
