"""The guide's own files, taken from its text, build as it says."""

from __future__ import annotations

import re
import shutil

from prodabuild.shards.formats import FORMATS
from tests.conftest import ROOT, Repo


def test_the_files_of_the_first_guide_check_and_compile(repo: Repo) -> None:
    text = (ROOT / "docs/guides/first-model.md").read_text("utf-8")
    manifest, food = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    shutil.rmtree(repo.path / "knowledge")
    repo.write("proda.yaml", manifest)
    repo.write("knowledge/cooking/food.yaml", food)
    assert repo.run("check").out == "no problems in 1 discipline: 16 concepts, 12 relations, 8 chains\n"
    report = repo.data()
    assert (report["samples"], report["items"]) == (80, 4)
    assert (repo.path / "build/dataset/train/cooking/all.jsonl").is_file()


def test_the_guide_to_exports_shows_how_each_format_is_read(repo: Repo) -> None:
    text = (ROOT / "docs/guides/export.md").read_text("utf-8")
    repo.write("proda.yaml", repo.read("proda.yaml").replace(b"name: small", b"name: sixteen"))
    for form in FORMATS:
        load = repo.run("export", form, "--json").json["load"]
        assert f"| `{form}` | `{load}`" in text
