"""Requirements as installed packages state them, and versions held against them."""

from __future__ import annotations

import pytest

from prodabuild.project.packages import installed_version, packages_of, required, satisfies

ROWS = [
    "pytest<99,>=8",
    "no-such-package (>=1.0)",
    "click<2; extra == 'train'",
    "prodabuild[train]; extra == 'eval'",
    'orjson>=3.10; extra == "eval"',
]


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("8.5.1", "<9,>=8.1", True),
        ("8.1", ">=8.1.0", True),
        ("8.10", "<8.9", False),
        ("9", "<9,>=8.1", False),
        ("2.13.0+cpu", "<2.16,>=2.4", True),
        ("5.0.0rc1", ">=5.0", False),
        ("5.1rc1", ">=5.0", True),
        ("1.0", "!=1.0.0", False),
        ("2.0", "~=1.4", False),
    ],
)
def test_a_version_within_bounds(version: str, wanted: str, fits: bool) -> None:
    assert satisfies(version, wanted) is fits


def test_packages_are_those_of_the_extra_and_of_extras_that_it_names() -> None:
    core = packages_of("", ROWS)
    assert [(each.name, each.wanted, each.fits) for each in core] == [
        ("pytest", "<99,>=8", True),
        ("no-such-package", ">=1.0", False),
    ]
    assert core[0].version == installed_version("pytest")
    assert [(each.name, each.fits) for each in packages_of("eval", ROWS)] == [("click", False), ("orjson", True)]
    assert packages_of("dvc", ROWS) == []


def test_what_is_installed_asks_for_what_all_commands_need() -> None:
    assert {"click", "orjson", "pydantic"} <= {each.name for each in packages_of("", required())}
