"""Limits that keep the code easy to read, and promises that the documents make about themselves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from prodabuild.problems import CODES
from tests.conftest import ROOT

SOURCES = sorted((ROOT / "prodabuild").rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "patches").glob("*.md")])


def test_no_file_is_long_and_no_function_is_long() -> None:
    assert {file.name: n for file in SOURCES if (n := len(file.read_text("utf-8").splitlines())) > 600} == {}
    long = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (node.end_lineno or 0) - node.lineno >= 70:
                long.append(f"{file.name}:{node.name}")
    assert long == []


def test_modules_say_what_they_own_and_have_names_of_the_domain() -> None:
    silent = [
        file for file in SOURCES if not ast.get_docstring(ast.parse(file.read_text("utf-8"))) and file.stat().st_size
    ]
    assert silent == []
    assert [file for file in SOURCES if re.search("util|helper|common|manager|misc", file.stem)] == []


def test_everything_is_caught_only_at_the_entry_point_and_the_boundaries_to_executors_and_foreign_files() -> None:
    broad = [file.name for file in SOURCES if "except Exception" in file.read_text("utf-8")]
    assert broad == ["main.py", "executors.py", "foreign.py"]


def test_every_code_of_a_problem_is_listed_and_every_listed_one_is_used() -> None:
    text = "".join(file.read_text("utf-8") for file in SOURCES if file.name != "problems.py")
    assert set(re.findall(r'"([A-Z]\d{3})"', text)) == set(CODES)


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert broken == []


def test_the_tree_in_the_readme_is_the_tree_of_the_repository() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (tree,) = re.findall(r"```text\nprodabuild/\n(.*?)```", text, re.DOTALL)
    named = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.strip()}
    packages = {path.name for path in (ROOT / "prodabuild").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert packages <= named
    assert all((ROOT / "prodabuild" / name).exists() for name in named)


def test_what_is_committed_names_no_place_of_this_machine() -> None:
    text = {Path(file): file.read_text("utf-8") for file in [*SOURCES, *DOCUMENTS]}
    assert [file for file, words in text.items() if re.search(r"/(work|home|root)/", words)] == []
