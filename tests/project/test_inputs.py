"""What builds run on is read as the packages state it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from prodabuild.project.inputs import installed_versions, versions


def test_the_versions_of_libraries_are_those_of_their_metadata() -> None:
    assert versions()["orjson"] == metadata.version("orjson")
    assert versions()["xxhash"] == metadata.version("xxhash")


def test_a_page_of_text_after_the_head_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "wordkit-1.5.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: wordkit\nVersion: 1.5\n\nVersion: 9\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_versions(frozenset(["wordkit"])) == {"wordkit": "1.5"}
