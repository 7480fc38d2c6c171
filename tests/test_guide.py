"""The guide's own files, taken from its text, build as it says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import orjson
import pytest

from prodabuild.project import watching
from prodabuild.shards.formats import FORMATS
from tests.conftest import ROOT, Repo


def kitchen(repo: Repo) -> None:
    """Write the data repo of the first guide."""
    text = (ROOT / "docs/guides/first-model.md").read_text("utf-8")
    manifest, food = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    shutil.rmtree(repo.path / "knowledge")
    repo.write("proda.yaml", manifest)
    repo.write("knowledge/cooking/food.yaml", food)


def test_the_files_of_the_first_guide_check_and_compile(repo: Repo) -> None:
    kitchen(repo)
    assert repo.run("check").out == "no problems in 1 discipline: 16 concepts, 12 relations, 8 chains\n"
    report = repo.data()
    assert (report["samples"], report["items"]) == (80, 4)
    assert (repo.path / "build/dataset/train/cooking/all.jsonl").is_file()


def test_the_recipe_of_the_second_guide_makes_what_it_says(repo: Repo) -> None:
    text = (ROOT / "docs/guides/own-recipes.md").read_text("utf-8")
    blocks = dict(re.findall(r"```(python|yaml|json|text)\n(.*?)```", text, re.DOTALL))
    kitchen(repo)
    repo.write("recipes/pairs.py", blocks["python"])
    repo.edit("proda.yaml", "model:\n", blocks["yaml"] + "model:\n")
    assert repo.run("check").code == 0
    report = repo.data()
    assert (report["samples"], report["items"]) == (88, 4)
    rows = {orjson.loads(line)["id"]: line for line in repo.read("build/dataset/train/cooking/all.jsonl").splitlines()}
    assert sum("#common." in identity for identity in rows) == 8
    assert rows[orjson.loads(blocks["json"])["id"]] == blocks["json"].strip().encode()
    repo.edit("recipes/pairs.py", "relation.object", "relation.objekt")
    assert repo.run("compile", "--to", "data").err.splitlines()[1] == blocks["text"].strip()


def test_the_guide_to_checks_shows_what_check_says(repo: Repo) -> None:
    text = (ROOT / "docs/guides/check.md").read_text("utf-8")
    blocks = dict(reversed(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)))
    kitchen(repo)
    repo.write("sources/cooking/soups.md", blocks["markdown"])
    repo.write("knowledge/cooking/soups.yaml", blocks["yaml"])
    outcome = repo.run("check")
    assert (outcome.code, outcome.out) == (1, blocks["console"].removeprefix("$ prodabuild check\n"))
    mended = blocks["yaml"].replace("definition: gazpacho", "definition: raw vegetables, blended with bread and oil")
    mended = mended.replace("warm", "cold").replace("soop", "soup").rpartition("  - ")[0]
    repo.write("knowledge/cooking/soups.yaml", mended)
    repo.data()
    figures = repo.run("check", "--coverage", "--fail-under", "95", "--fail-under", "tested=60")
    assert figures.code == 0
    assert f"```text\n{figures.out}```" in text


def test_the_guide_to_edits_goes_as_it_says(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/guides/edit.md").read_text("utf-8")
    watched, asked = (block.partition("\n") for block in re.findall(r"```console\n\$ (.*?)```", text, re.DOTALL))
    kitchen(repo)
    food = "knowledge/cooking/food.yaml"
    edits = iter([("leavened dough", "risen dough"), ("name: naan", "nmae: naan"), ("nmae: naan", "name: naan")])

    def sleep(seconds: float) -> None:
        if seconds >= watching.SECONDS:
            if (edit := next(edits, None)) is None:
                raise KeyboardInterrupt
            repo.edit(food, *edit)

    monkeypatch.setattr(watching, "sleep", sleep)
    outcome = repo.run(*shlex.split(watched[0])[1:])
    said, written = (re.sub(r"\d\.\d s", "T s", out) for out in (outcome.out, watched[2]))
    assert (outcome.code, said) == (130, written)
    assert f"{food}:8:" in outcome.err
    assert repo.run(*shlex.split(asked[0])[1:]).out == asked[2]


def test_the_guide_to_exports_shows_how_each_format_is_read(repo: Repo) -> None:
    text = (ROOT / "docs/guides/export.md").read_text("utf-8")
    repo.write("proda.yaml", repo.read("proda.yaml").replace(b"name: small", b"name: sixteen"))
    for form in FORMATS:
        load = repo.run("export", form, "--json").json["load"]
        assert f"| `{form}` | `{load}`" in text


def test_the_worked_example_of_importing_goes_as_it_says(repo: Repo) -> None:
    text = (ROOT / "docs/guides/import.md").read_text("utf-8")
    (table,) = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    (mapping,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    repo.write("sources/cheese.csv", table)
    repo.write("sources/cheese.yaml", mapping)
    codes = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command, expected in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            name, *arguments = shlex.split(command)
            if name == "prodabuild":
                outcome = repo.run(*arguments)
                codes.append(outcome.code)
                assert outcome.out + outcome.err == expected
            else:
                subprocess.run([name, *arguments], cwd=repo.path, check=True)
    assert codes == [0, 1, 0, 0]
    repo.edit("proda.yaml", "disciplines:\n", "disciplines:\n  cheese: {knowledge: [knowledge/cheese]}\n")
    assert repo.run("check").code == 0


def test_the_guide_to_patches_goes_as_it_says(repo: Repo) -> None:
    text = (ROOT / "docs/guides/patches.md").read_text("utf-8")
    (filled,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    kitchen(repo)
    repo.data()
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        command, _, expected = block.removeprefix("$ prodabuild ").partition("\n")
        before = repo.files("build/dataset")
        assert repo.run(*shlex.split(command)).out == expected
        if command.startswith("patch new"):
            repo.write("patches/0001-naan-is-leavened.yaml", filled)
        report = repo.data()
        if command.startswith("patch apply"):
            assert report["built"] == []
            assert repo.files("build/dataset") == before
    assert repo.run("check").code == 0


def test_the_guide_to_writing_knowledge_goes_as_it_says(repo: Repo) -> None:
    text = (ROOT / "docs/guides/write-knowledge.md").read_text("utf-8")
    (source,), (records,) = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("markdown", "yaml"))
    kitchen(repo)
    repo.write("sources/cooking/pastry.md", source)
    file = "knowledge/cooking/pastry.yaml"
    repo.write(file, records)
    mending = [
        [("a pastry of very thin", "a pastry of many thin"), ("definiton", "definition")],
        [("laminted", "laminated")],
    ]
    codes = []
    for command, expected in re.findall(r"^\$ prodabuild (.*)\n((?:(?!\$ |```).*\n)*)", text, re.MULTILINE):
        outcome = repo.run(*shlex.split(command))
        codes.append(outcome.code)
        assert outcome.out == expected or command.startswith("compile"), command
        for old, new in mending.pop(0) if mending else ():
            repo.edit(file, old, new)
    assert codes == [1, 1, 0, 0, 0, 0, 0]
    items = repo.read("build/suites/chains/dev.jsonl").splitlines()
    asked = {row["id"]: row for row in map(orjson.loads, items)}["cooking/croissant..pastry"]
    assert f"*{asked['question']}*" in re.sub(r"\s+", " ", text)
    assert {option["operator"] for option in asked["options"]} == {"", "NEARMISS"}
    repo.edit(file, "name: laminated dough", "name: puff pastry")
    repo.data()
    assert "note: it makes no test item" in repo.run("why", "cooking/croissant..pastry").out


def test_the_guide_to_probes_shows_a_source_and_freezes_its_card(repo: Repo) -> None:
    text = (ROOT / "docs/guides/probe.md").read_text("utf-8")
    gate, card, dose = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    size, regimes = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/guides/footprint.md").read_text("utf-8"), re.DOTALL)
    manifest = repo.read("proda.yaml")
    for declared in (gate + size.removeprefix("insight:\n"), dose, regimes):
        repo.write("proda.yaml", manifest + declared.encode())
        assert repo.run("check").code == 0
    repo.write("proda.yaml", manifest)
    repo.write("claims/repetition.yaml", card)
    shown = dict(re.findall(r"^\$ prodabuild (probe .*)\n((?:(?!\$ |```).*\n)*)", text, re.MULTILINE))
    for command in ("probe source markov:symbols=8,entropy=1.5", "probe freeze claims/repetition.yaml"):
        assert repo.run(*shlex.split(command)).out == shown[command]
    (outcome,) = (out for command, out in shown.items() if command.startswith("probe run"))
    assert [line.split()[0] for line in outcome.splitlines()] == ["card", "claims/repetition.yaml"]
