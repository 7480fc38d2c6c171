"""What an edit to the code of a recipe rebuilds: the shards that ran it, and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repo, fill, rows_below

CASES, WORDING = "recipes/cases.py", "recipes/wording.py"
MANIFEST = "recipes: [define, relate, choose, judge], shard_size: 16"
RECIPES = '''"""Recipes of the zoo."""
from typing import TYPE_CHECKING

from prodabuild.shards.sample import Sample
from recipes.wording import ask

if TYPE_CHECKING:
    from collections.abc import Iterator


def brief(concept) -> "Iterator[Sample]":
    """The shortest."""
    yield Sample("line", ask(concept.name.text), concept.definition, (concept.id,))
'''
LINKS = """from prodabuild.shards.sample import Sample


def link(relation):
    yield Sample("to", f"Where does {relation.subject.name.text} lead?", relation.object.name.text, (relation.id,))
"""


@pytest.fixture
def own(repo: Repo) -> Repo:
    """The repo with one record a shard, and two recipes of its own: of concepts, and of relations."""
    repo.write(CASES, RECIPES)
    repo.write(WORDING, 'from . import marks\n\n\ndef ask(name):\n    return f"What is {name}{marks.END}"\n')
    repo.write("recipes/marks.py", 'END = "?"\n')
    repo.write("recipes/links.py", LINKS)
    repo.write("recipes/unrelated.py", "x = 1\n")
    repo.edit("proda.yaml", MANIFEST, f"recipes: [{CASES}:brief, recipes/links.py:link], shard_size: 1")
    repo.edit("proda.yaml", "  tools: {knowledge: [knowledge/tools]}\n", "")
    report = repo.built()
    assert report["shards"] == {"total": 68, "built": 68}
    return repo


def shards(report: dict[str, Any]) -> list[str]:
    return [unit for unit in report["built"] if unit.startswith("shard:")]


def of_level(repo: Repo, recipe: str) -> list[str]:
    """Return the shards that hold samples of a recipe."""
    folder = repo.path / "build/dataset/train"
    files = [file for file in sorted(folder.rglob("*.jsonl")) if f'"recipe":"{recipe}"' in file.read_text()]
    return sorted(f"shard:{file.relative_to(folder).with_suffix('').as_posix()}" for file in files)


BLIND = [
    (CASES, "    yield", "    # why\n    yield"),
    (CASES, "The shortest.", "The shortest of all."),
    (CASES, "Recipes of the zoo.", "Recipes."),
    (CASES, "collections.abc", "typing"),
    (CASES, "\n\n\ndef brief", "\n\n\n\n\ndef brief"),
    ("recipes/marks.py", "END", "# the end\nEND"),
    ("recipes/unrelated.py", "x = 1", "x = 2"),
    ("recipes/unrelated.py", "x = 2", "not Python"),
]


def test_what_shapes_no_sample_rebuilds_nothing(own: Repo) -> None:
    lock = own.read("proda.lock")
    for file, old, new in BLIND:
        own.edit(file, old, new)
        assert own.run("plan", "--to", "data").out == "nothing to do: 140 units are clean\n", (file, new)
        report = own.data()
        assert (report["built"], report["restored"]) == ([], [])
        assert own.read("proda.lock") == lock


def test_code_rebuilds_the_shards_of_its_level(own: Repo) -> None:
    concepts = of_level(own, "brief")
    assert len(concepts) == 36
    for file, old, new in (
        (CASES, "ask(concept.name.text)", 'ask(concept.name.text) + "!"'),
        (WORDING, "What is", "What may be"),
        ("recipes/marks.py", '"?"', '"??"'),
    ):
        own.edit(file, old, new)
        plan = own.run("plan", "--to", "data", "--json").json
        reasons = [step["reasons"] for step in plan["steps"] if step["action"] == "build"]
        module = file.removesuffix(".py").replace("/", ".")
        assert reasons == [[{"what": f"the code of {module} changed", "where": file, "old": None, "new": None}]] * 36
        assert own.data()["built"] == ["dataset", *(unit.replace("shard:", "leaks:") for unit in concepts), *concepts]
    asked = [row["messages"][0]["content"] for row in rows_below(own.path / "build/dataset/train")]
    assert asked.count("What may be gecko??!") == 1


def test_the_other_level_has_its_own_code(own: Repo) -> None:
    relations = of_level(own, "link")
    own.edit("recipes/links.py", "lead?", "go?")
    assert shards(own.data()) == relations
    assert len(relations) == 32


def test_code_that_says_the_same_otherwise_ends_at_the_shards(own: Repo) -> None:
    own.edit(CASES, "concept.definition,", 'concept.definition + "",')
    report = own.data()
    assert (len(shards(report)), [unit for unit in report["built"] if not unit.startswith("shard:")]) == (36, [])


def test_a_package_that_a_module_stands_in_is_an_input(own: Repo) -> None:
    own.write("kit/deep.py", "x = 1\n")
    own.edit(WORDING, "from . import marks\n", "from . import marks\nfrom kit.deep import x\n")
    assert len(shards(own.data())) == 36
    own.write("kit/__init__.py", "from recipes import marks\nmarks.END = '?!'\n")
    assert len(shards(own.data())) == 36
    own.edit("kit/__init__.py", "?!", "!?")
    assert len(shards(own.data())) == 36
    assert "What is gecko!?" in own.read(f"build/dataset/train/{shard_of(own, 'zoo/gecko')}").decode()


def test_a_module_that_appears_where_a_library_was_meant_is_an_input(own: Repo) -> None:
    own.edit(WORDING, "from . import marks\n", "from . import marks\ntry:\n    import extra\nexcept ImportError:\n    pass\nelse:\n    marks.END = extra.END\n")  # fmt: skip
    own.data()
    own.write("extra.py", 'END = "!"\n')
    assert len(shards(own.data())) == 36
    assert "What is gecko!" in own.read(f"build/dataset/train/{shard_of(own, 'zoo/gecko')}").decode()


def shard_of(repo: Repo, record: str) -> str:
    folder = repo.path / "build/dataset/train"
    (found,) = [file for file in folder.rglob("*.jsonl") if f'"id":"{record}#' in file.read_text()]
    return found.relative_to(folder).as_posix()


def install(site: Path, version: str) -> None:
    (site / f"wording_kit-{version}.dist-info").mkdir(parents=True)
    (site / f"wording_kit-{version}.dist-info/METADATA").write_text(f"Metadata-Version: 2.1\nName: wording-kit\nVersion: {version}\n")  # fmt: skip
    (site / f"wording_kit-{version}.dist-info/top_level.txt").write_text("wordkit\nwording_kit\n")
    for name in ("wordkit", "wording_kit"):
        (site / f"{name}.py").write_text("MARK = '!'\n")


@pytest.mark.parametrize("library", ["wordkit", "wording_kit"])
def test_the_version_of_a_library_that_a_recipe_imports_is_an_input(
    own: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    site = tmp_path / "site"
    install(site, "1.0")
    monkeypatch.syspath_prepend(site)
    own.edit(WORDING, "from . import marks\n", f"from . import marks\nfrom {library} import MARK\n")
    assert len(shards(own.data())) == 36
    assert own.data()["built"] == []
    os.rename(site / "wording_kit-1.0.dist-info", site / "was")
    install(site, "1.1")
    plan = own.run("plan", "--to", "data", "--json").json
    reasons = {reason["what"] for step in plan["steps"] if step["action"] == "build" for reason in step["reasons"]}
    assert reasons == {f"the installed version of {library} changed"}
    assert len(shards(own.data())) == 36
    sys.modules.pop(library, None)


def test_a_library_that_our_own_code_imports_too_is_an_input_of_shards_alone(own: Repo) -> None:
    own.edit(WORDING, "from . import marks\n", "from . import marks\nimport yaml\n")
    built = own.data()["built"]
    assert len(built) == 36
    assert all(unit.startswith("shard:") for unit in built)


def test_two_repos_of_one_process_do_not_mix_their_recipes(
    own: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Repo(tmp_path / "other", capsys)
    other.path.mkdir()
    fill(other.path)
    for name in (CASES, WORDING, "recipes/marks.py", "recipes/links.py", "proda.yaml"):
        other.write(name, own.read(name))
    other.edit(WORDING, "What is", "Say what is")
    path, modules = list(sys.path), set(sys.modules)
    other.data("--jobs", "1")
    own.edit(WORDING, "What is", "Tell what is")
    own.data("--jobs", "1")
    for repo, first in ((own, "Tell what is gecko?"), (other, "Say what is gecko?")):
        (row,) = [row for row in rows_below(repo.path / "build") if row["id"] == "zoo/gecko#brief.line"]
        assert row["messages"][0]["content"] == first
    assert (sys.path, {name for name in set(sys.modules) - modules if "recipes" in name}) == (path, set())


def test_processes_and_a_clean_build_give_the_same_bytes(own: Repo, tmp_path: Path) -> None:
    own.edit(CASES, "ask(concept.name.text)", 'ask(concept.name.text) + "!"')
    own.data("--jobs", "3")
    files, lock = own.files(), own.read("proda.lock")
    for seed in ("1", "2"):
        for name in ("build", ".prodabuild"):
            os.rename(own.path / name, tmp_path / f"{name}-{seed}")
        outcome = own.spawn("compile", "--to", "data", "--jobs", seed, env={"PYTHONHASHSEED": seed})
        assert outcome.code == 0, outcome.err
        assert (own.files(), own.read("proda.lock")) == (files, lock)
    assert not list((own.path / "recipes").glob("__pycache__"))
