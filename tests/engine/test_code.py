from __future__ import annotations

import orjson
import pytest

from prodabuild.engine.code import module_fact

SOURCE = b'''"""Docs."""
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.heavy import Thing


def f(x: int) -> int:
    """Say what it does."""
    return x + 1  # why
'''


def value(data: bytes, package: bool = False) -> dict[str, object]:
    loaded: dict[str, object] = orjson.loads(module_fact("tools.light", data, "tools/light.py", package).value)
    return loaded


@pytest.mark.parametrize(
    "edit",
    [
        (b"  # why", b""),
        (b'"""Docs."""\n', b""),
        (b'    """Say what it does."""\n', b""),
        (b"return x + 1", b"return (x +\n        1)"),
        (b"from tools.heavy import Thing", b"from tools.other import Thing"),
    ],
)
def test_what_does_not_shape_behaviour_is_no_change(edit: tuple[bytes, bytes]) -> None:
    assert edit[0] in SOURCE
    assert value(SOURCE.replace(*edit)) == value(SOURCE)


@pytest.mark.parametrize("edit", [(b"x + 1", b"x + 2"), (b"import json", b"import csv"), (b"def f", b"def g")])
def test_what_shapes_behaviour_is_a_change(edit: tuple[bytes, bytes]) -> None:
    assert value(SOURCE.replace(*edit)) != value(SOURCE)


def test_imports_are_absolute_and_leave_out_type_checking() -> None:
    data = b"from . import near\nfrom ..far import thing\nimport os.path\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import heavy\n"
    assert value(data)["imports"] == [
        "far",
        "far.thing",
        "os.path",
        "tools",
        "tools.near",
        "typing",
        "typing.TYPE_CHECKING",
    ]
    assert "tools.light.near" in value(b"from . import near\n", package=True)["imports"]  # type: ignore[operator]
