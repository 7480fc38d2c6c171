from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from prodabuild.engine.local import closure_of, local_fact, module_file, module_name, parse


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        file = root / (name.replace("__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("recipes/cases.py", "recipes.cases"),
        ("cases.py", "cases"),
        ("recipes/__init__.py", "recipes"),
        ("my-recipes/cases.py", None),
        ("recipes/class.py", None),
        ("json/cases.py", None),
        ("prodabuild/cases.py", None),
        ("__init__.py", None),
    ],
)
def test_a_module_is_named_by_its_path(file: str, name: str | None) -> None:
    assert module_name(file) == name


def test_a_package_comes_before_a_module_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, a__b="", c="", json="")
    assert (module_file(tmp_path, "a.b"), module_file(tmp_path, "a"), module_file(tmp_path, "c")) == ("a/b.py", None, "c.py")  # fmt: skip
    (tmp_path / "a/b").mkdir()
    (tmp_path / "a/b/__init__.py").touch()
    assert module_file(tmp_path, "a.b") == "a/b/__init__.py"
    assert [module_file(tmp_path, name) for name in ("json", "", "a.*", "a.b.x")] == [None] * 4


def test_the_closure_holds_what_is_imported_directly_or_not_and_nothing_else(tmp_path: Path) -> None:
    write(
        tmp_path,
        recipes__cases="from .wording import ask\nfrom shared import deep\nimport recipes.near as near\nimport json, numpy.linalg\n",
        recipes__wording="from recipes import cases\n",
        recipes__near="def f():\n    import shared.late\n",
        recipes__other="import pandas\n",
        shared__deep="from prodabuild.digest import seeded\nfrom .. import nothing\n",
        shared__late="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import polars\n",
    )
    (tmp_path / "shared/__init__.py").write_text("from yaml import safe_load\n")
    found = closure_of(tmp_path, ["recipes.cases"])
    assert {name: module.file for name, module in found.modules.items()} == {
        "recipes.cases": "recipes/cases.py",
        "recipes.wording": "recipes/wording.py",
        "recipes.near": "recipes/near.py",
        "shared": "shared/__init__.py",
        "shared.deep": "shared/deep.py",
        "shared.late": "shared/late.py",
    }
    assert found.libraries == {"numpy", "yaml"}
    assert found.broken == []


def test_a_file_that_is_not_python_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path, a="import b, c\n", b="x = (\n", c="")
    found = closure_of(tmp_path, ["a"])
    assert sorted(found.modules) == ["a", "c"]
    ((file, error),) = found.broken
    assert (file, error.lineno, error.offset, error.msg) == ("b.py", 1, 5, "'(' was never closed")


@pytest.mark.parametrize(
    "data",
    [b"x = (", b"a\0b", b"x = '\xff'", b"# coding: nope\n", b"return 1", b"def f(a, a): pass", b"x = " + b"-" * 9000 + b"1"],
)  # fmt: skip
def test_what_python_refuses_is_a_syntax_error(data: bytes) -> None:
    with pytest.raises(SyntaxError):
        parse(data, "a", "a.py")


def test_parameters_are_read_as_they_are_written() -> None:
    text = b"@deco\ndef f(concept): ...\ndef g(a, /, b, *c, d=1, **e): ...\nasync def h(): ...\nclass K:\n    def inner(self): ...\n"
    functions = parse(text, "a", "a.py").functions
    assert functions == {
        "f": (("concept",), 2, 7),
        "g": (("a", "b", "*c", "*, d", "**e"), 3, 7),
        "h": ((), 4, 1),
    }


def test_a_fact_moves_with_code_and_signatures_not_with_comments() -> None:
    def facets(data: bytes) -> dict[str, object]:
        found = orjson.loads(local_fact("a", data, "a.py").value)
        return {name: value for name, value in found.items() if name != "text"}

    one = b'"""Docs."""\ndef f(concept):\n    """Docs."""\n    return "\\d"\n'
    assert facets(one) == facets(b"# why\n" + one.replace(b"Docs", b"Words"))
    assert facets(one) != facets(one.replace(b"\\d", b"\\w"))
    assert facets(one)["def f"] == ["concept"]
    assert facets(one.replace(b"concept", b"relation"))["def f"] == ["relation"]
