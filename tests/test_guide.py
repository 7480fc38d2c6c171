"""The guide's own files, taken from its text, build as it says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

from tests.conftest import ROOT, Repo


def test_the_files_of_the_first_guide_check_and_compile(repo: Repo) -> None:
    text = (ROOT / "docs/guides/first-model.md").read_text("utf-8")
    manifest, food = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    shutil.rmtree(repo.path / "knowledge")
    repo.write("proda.yaml", manifest)
    repo.write("knowledge/cooking/food.yaml", food)
    assert repo.run("check").out == "no problems in 1 discipline: 16 concepts, 12 relations, 8 chains\n"
    report = repo.data()
    assert (report["samples"], report["items"]) == (80, 8)
    assert (repo.path / "build/dataset/train/cooking/all.jsonl").is_file()


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
