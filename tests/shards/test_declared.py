"""How `compile.recipes` is checked: every mistake with its place, before any recipe runs."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.conftest import Repo

CASES = "recipes/cases.py"
RECIPE = """from prodabuild.shards.sample import Sample


def brief(concept):
    yield Sample("line", f"What is {concept.name.text}?", concept.definition, (concept.id,))


def long(relation):
    yield from ()


def _ask(name):
    return name
"""
FUNCTIONS = f"functions of {CASES}: brief, long"
NAMES = "a recipe's name stands in the ids of its samples: rename the function, or name the recipe once"
BY_PATH = "name a file and its function, as in recipes/cases.py:brief"
PATHS = "name folders and file as Python names, the first of them not after a module of Python or prodabuild"
TAKES = "the name of its one parameter says which records it takes"


def declare(repo: Repo, *entries: str, text: str = RECIPE) -> None:
    repo.write(CASES, text)
    repo.edit("proda.yaml", "choose, judge]", ", ".join(["choose", *entries]) + "]")


def linked(repo: Repo) -> None:
    declare(repo, f"{CASES}:brief", text="from recipes.far import x\n" + RECIPE)
    (repo.path.parent / "far.py").write_text("x = 1\n")
    os.symlink(repo.path.parent / "far.py", repo.path / "recipes/far.py")


def hidden(repo: Repo) -> None:
    declare(repo, f"{CASES}:brief")
    repo.write("recipes/cases/__init__.py", "")


def named(*entries: str, text: str = RECIPE) -> Callable[[Repo], None]:
    return lambda repo: declare(repo, *entries, text=text)


WRONG: dict[str, tuple[Callable[[Repo], None], str]] = {
    "no such recipe": (named("juge"), "proda.yaml:6:54: error[M015]: there is no recipe 'juge'\nhint: did you mean 'judge'?"),
    "no such file": (named("recipes/csaes.py:brief"), "proda.yaml:6:54: error[M023]: 'recipes/csaes.py' does not exist\nhint: create it, or correct the path"),
    "a file outside": (named("../cases.py:brief"), "proda.yaml:6:54: error[M021]: '../cases.py' leaves the repository\nhint: paths may not contain `..`"),
    "no such function": (named(f"{CASES}:breif"), f"proda.yaml:6:54: error[M015]: there is no function 'breif' in {CASES}\nhint: did you mean 'brief'?"),
    "nothing like it": (named(f"{CASES}:xyz"), f"proda.yaml:6:54: error[M015]: there is no function 'xyz' in {CASES}\nhint: {FUNCTIONS}"),
    "no function at all": (named(f"{CASES}:brief", text="brief = print\n"), f"proda.yaml:6:54: error[M015]: there is no function 'brief' in {CASES}\nhint: write it there with `def`, at the top level"),
    "no function named": (named(CASES), f"proda.yaml:6:54: error[M015]: '{CASES}' names no function\nhint: {FUNCTIONS}"),
    "dots instead of a path": (named("recipes.cases:brief"), f"proda.yaml:6:54: error[M015]: there is no recipe 'recipes.cases:brief'\nhint: {BY_PATH}"),
    "a folder": (named("knowledge.py:brief"), f"proda.yaml:6:54: error[M023]: 'knowledge.py' is no file\nhint: {BY_PATH}"),
    "a path that cannot be imported": (named("my-recipes/cases.py:brief"), f"proda.yaml:6:54: error[M018]: 'my-recipes/cases.py' cannot be imported\nhint: {PATHS}"),
    "a name of the standard library": (named("json/cases.py:brief"), f"proda.yaml:6:54: error[M018]: 'json/cases.py' cannot be imported\nhint: {PATHS}"),
    "hidden by a package": (hidden, f"proda.yaml:6:54: error[M018]: '{CASES}' is hidden by the package of the same name\nhint: rename one of the two"),
    "another parameter": (named(f"{CASES}:_ask"), f"{CASES}:12:10: error[R002]: the recipe '_ask' takes (name), not one parameter `concept` or `relation`\nhint: {TAKES}"),
    "no parameter": (named(f"{CASES}:f", text="def f(): ...\n"), f"{CASES}:1:1: error[R002]: the recipe 'f' takes (), not one parameter `concept` or `relation`\nhint: {TAKES}"),
    "two parameters": (named(f"{CASES}:f", text="def f(concept, *, n=1): ...\n"), f"{CASES}:1:7: error[R002]: the recipe 'f' takes (concept, *, n), not one parameter `concept` or `relation`\nhint: {TAKES}"),
    "not Python": (named(f"{CASES}:brief", text="def brief(concept:\n"), f"{CASES}:1:10: error[R001]: not Python: '(' was never closed"),
    "what it imports is not Python": (named(f"{CASES}:brief", text="import recipes.cases2\n" + RECIPE), "recipes/cases2.py:2:1: error[R001]: not Python: 'return' outside function"),
    "what it imports lies outside": (linked, "recipes/far.py: error[M022]: 'recipes/far.py' leads outside the repository\nhint: replace the symbolic link by what it points to"),
    "one name twice": (named(f"{CASES}:brief", "recipes/cases2.py:brief"), f"proda.yaml:6:78: error[M017]: two recipes have the name 'brief'\nhint: {NAMES}"),
    "one recipe twice": (named("relate"), f"proda.yaml:6:54: error[M017]: two recipes have the name 'relate'\nhint: {NAMES}"),
    "a name that ships": (named(f"{CASES}:judge", text="def judge(concept): ...\n"), f"proda.yaml:6:54: error[M017]: 'judge' is the name of a recipe that ships\nhint: {NAMES}"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_clear_error(repo: Repo, case: str) -> None:
    spoil, expected = WRONG[case]
    for folder in ("json", "my-recipes"):
        repo.write(f"{folder}/cases.py", RECIPE)
    repo.write("recipes/cases2.py", "def brief(concept): ...\n" if "twice" in case else "\nreturn 1\n")
    repo.write("knowledge.py/file", "")
    spoil(repo)
    outcome = repo.run("check")
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out == f"{expected}\n\n1 error\n"
    for command in ("plan", "compile"):
        outcome = repo.run(command, "--to", "data")
        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err == f"{expected}\n\n1 error\n"
    assert not (repo.path / "build").exists()


def test_all_mistakes_are_told_at_once(repo: Repo) -> None:
    repo.write("recipes/broken.py", "x = (\n")
    declare(repo, f"{CASES}:_ask", f"{CASES}:breif", "juge", "recipes/broken.py:f")
    found = [(problem["code"], problem["line"]) for problem in repo.run("check", "--json").json["problems"]]
    assert found == [("M015", 6), ("M015", 6), ("R001", 1), ("R002", 12)]


def test_checking_runs_no_recipe(repo: Repo) -> None:
    declare(repo, f"{CASES}:brief", text="raise SystemExit(9)\n" + RECIPE)
    assert repo.run("check").code == 0
    assert repo.run("plan").code == 0
