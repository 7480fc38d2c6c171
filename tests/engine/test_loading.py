from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from prodabuild.engine.loading import LocalModules, Source


def modules(**texts: str) -> LocalModules:
    """Return modules by name: `recipes__cases` is `recipes.cases`, `recipes____init__` the package itself."""
    sources = []
    for name, text in texts.items():
        file = name.replace("__", "/").replace("//init/", "/__init__") + ".py"
        sources.append(Source(file.removesuffix("/__init__.py").removesuffix(".py").replace("/", "."), file, text))
    return LocalModules(tuple(sources))


def load(found: LocalModules, name: str) -> Any:
    with found.mounted():
        return import_module(name)


def test_modules_stand_in_the_interpreter_only_while_mounted() -> None:
    path, names = list(sys.path), set(sys.modules)
    found = modules(
        recipes__cases="from .wording import ask\nimport recipes.wording as w\n", recipes__wording="ask = 'Q'"
    )
    module = load(found, "recipes.cases")
    assert (module.ask, module.w.ask, module.__name__, module.__package__) == ("Q", "Q", "recipes.cases", "recipes")
    assert (sys.path, set(sys.modules) - names, found in sys.meta_path) == (path, set(), False)
    assert load(found, "recipes.cases") is module


def test_two_repos_with_modules_of_one_name_do_not_meet() -> None:
    one, two = modules(recipes__cases="x = 1"), modules(recipes__cases="x = 2")
    assert [load(found, "recipes.cases").x for found in (one, two, one)] == [1, 2, 1]


def test_what_stood_under_the_name_before_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ModuleType("recipes")
    monkeypatch.setitem(sys.modules, "recipes", theirs)
    assert load(modules(recipes__cases="x = 1"), "recipes.cases").x == 1
    assert sys.modules["recipes"] is theirs
    assert "recipes.cases" not in sys.modules


def test_packages_run_before_their_modules() -> None:
    found = modules(
        recipes____init__="from .wording import ask\n",
        recipes__wording="ask = 'Q'",
        recipes__cases="from recipes import ask",
    )
    assert load(found, "recipes.cases").ask == "Q"


def test_modules_may_import_each_other_and_late() -> None:
    found = modules(a="import b\ndef f():\n    from c import x\n    return x\n", b="import a", c="x = 3")
    with found.mounted():
        assert import_module("a").f() == 3


def test_string_annotations_of_data_classes_are_found() -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n    x: int = 1\n"
    )
    assert load(modules(recipes__cases=text), "recipes.cases").C().x == 1


def test_what_was_not_recorded_cannot_be_imported() -> None:
    found = modules(recipes__cases="import importlib\ndef f():\n    return importlib.import_module('recipes.absent')\n")
    with found.mounted(), pytest.raises(ModuleNotFoundError, match=r"No module named 'recipes\.absent'"):
        import_module("recipes.cases").f()


def test_what_runs_is_what_was_hashed() -> None:
    text = '"""Docs."""\ndef f():\n    """Docs."""\n    return __doc__, f.__doc__, "__file__" in globals()\n'
    assert load(modules(a=text), "a").f() == (None, None, False)


def test_a_module_that_fails_is_tried_again() -> None:
    found = modules(a="1 / 0")
    for _ in range(2):
        with found.mounted(), pytest.raises(ZeroDivisionError):
            import_module("a")
    assert "a" not in sys.modules


def test_what_a_module_prints_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    load(modules(a="print('hello')"), "a")
    assert capsys.readouterr() == ("", "hello\n")
