"""Headers of safetensors files: what is whole is read, what is not is refused with its name, at no cost in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prodabuild.errors import ProjectError
from prodabuild.training.headers import Tensor, listed, read_header
from tests.training.weights import WHOLE, packed

PAIR = {"a": ("F32", [1], [0, 4])}


def test_tensors_are_where_the_header_says(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(data := packed({**WHOLE, "__metadata__": {"format": "pt"}}, 32))
    body = len(data) - 32
    assert read_header(file, "x") == {
        "a": Tensor("a", "F32", (2, 3), file, body, body + 24),
        "b": Tensor("b", "BF16", (4,), file, body + 24, body + 32),
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "x is a Git LFS pointer, not the file itself"),
        (b"", "x is cut short: it has 0 bytes"),
        (packed(WHOLE, 32)[:40], "x is cut short: it has 40 bytes, its header alone 113"),
        (packed(WHOLE, 31), "x is cut short: it has 152 bytes, its tensors end at 153"),
        ((10**15).to_bytes(8, "little") + b"{}", "x is not a safetensors file: its header would have 1000000000000000 bytes"),
        ((4).to_bytes(8, "little") + b"[12]", "x is not a safetensors file: its header is not a JSON object"),
        ((4).to_bytes(8, "little") + b"\x80\x04}.", "x is not a safetensors file: its header is not a JSON object"),
        (packed(WHOLE, 33), "x has bytes that belong to no tensor"),
        (packed({"a": ("F32", [1], [4, 8])}, 8), "x has bytes that belong to no tensor"),
        (packed({**PAIR, "b": ("F32", [1], [0, 4])}, 4), "x: a and b overlap"),
        (packed({**PAIR, "b": ("F32", [2], [2, 10])}, 10), "x: a and b overlap"),
        (packed({**PAIR, "b": ("F32", [1], [8, 12])}, 12), "x: a and b do not follow each other"),
        (packed({"a": ("F32", [1], [0, 10**18])}, 4), "x: a has the shape [1] of F32, and 1000000000000000000 bytes"),
        (packed({"a": ("F32", [2**31, 2**31], [0, 4])}, 4), "x: a has the shape [2147483648, 2147483648] of F32, and 4 bytes"),
        (packed({"a": ("Q4_1", [1], [0, 4])}, 4), "x: a has the unknown type Q4_1"),
        (packed({"a": ("F32", [-1], [0, 4])}, 4), "x: a has no dtype, shape and data_offsets in the header"),
        (packed({"a": ("F32", [True], [0, 4])}, 4), "x: a has no dtype, shape and data_offsets in the header"),
        (packed({"a": ("F32", [1], [4, 0, 4])}, 4), "x: a has no dtype, shape and data_offsets in the header"),
        (packed({"a\n\x1b": [1]}, 4), "x: 'a\\n\\x1b' has no dtype, shape and data_offsets in the header"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ProjectError) as raised:
        read_header(tmp_path / "x", "x")
    assert raised.value.message == message
    assert raised.value.hint


def test_a_message_lists_a_few_names(tmp_path: Path) -> None:
    names: list[Any] = [f"n{number}" for number in range(7)]
    assert listed(reversed(names)) == "n0, n1, n2, n3, n4 and 2 more"
    assert listed(["x" * 200]) == "x" * 120 + "..."
