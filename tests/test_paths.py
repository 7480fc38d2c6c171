"""`prodabuild.paths`: strings from outside become paths inside a root, or nothing."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.errors import ProjectError
from prodabuild.paths import (
    NotRegularError,
    UnsafePathError,
    inside,
    is_md5,
    is_regular,
    is_sha256,
    leaves,
    named,
    owned_folder,
    read_regular,
    refusal,
)

BAD = [
    ("", "'' is not a path"),
    (None, "None is not a path"),
    (3, "3 is not a path"),
    ("/etc/passwd", "'/etc/passwd' is not a path inside the repository"),
    ("//host/share", "'//host/share' is not a path inside the repository"),
    ("C:/x", "'C:/x' is not a path inside the repository"),
    ("a\\b", "'a\\\\b' is not a path inside the repository"),
    ("..", "'..' leaves the repository"),
    ("a/../../b", "'a/../../b' leaves the repository"),
    ("a\0b", "'a\\x00b' holds a control character"),
    ("a\nb", "'a\\nb' holds a control character"),
    ("a\x9bb", "'a\\x9bb' holds a control character"),
    ("a\u2028b", "'a\\u2028b' holds a control character"),
    ("a\udcffb", "'a\\udcffb' holds a control character"),
    ("x" * 256, f"'{'x' * 60}...' is too long for a path"),
    ("x/" * 600 + "x", f"'{'x/' * 30}...' is too long for a path"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_no_path_inside_is_refused(tmp_path: Path, text: object, message: str) -> None:
    with pytest.raises(UnsafePathError) as raised:
        inside(tmp_path, text)
    assert raised.value.message == message


@pytest.mark.parametrize("text", ["a", "a/b.yaml", ".hidden/x", "a..b/..c", "wörter/水.txt", "a b", "./a", "a//b"])
def test_ordinary_names_are_paths(tmp_path: Path, text: str) -> None:
    assert inside(tmp_path, text) == tmp_path / text


@given(st.text(max_size=40))
def test_no_text_leads_out_of_the_root(text: str) -> None:
    root = Path("/nowhere/root")
    if refusal(text) is None:
        assert Path(os.path.normpath(root / text)).is_relative_to(root)


@pytest.mark.parametrize("text", ["link", "link/x", "folder/link/y", "dangling"])
def test_links_are_not_followed(tmp_path: Path, text: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "folder").mkdir(parents=True)
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "folder/link").symlink_to(outside)
    (root / "dangling").symlink_to(outside / "nothing")
    with pytest.raises(UnsafePathError, match="is a symbolic link"):
        inside(root, text)
    with pytest.raises(UnsafePathError, match="is a symbolic link"):
        owned_folder(root, text)
    assert list(outside.iterdir()) == []


def test_a_root_behind_a_link_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert owned_folder(tmp_path / "root", "a/b").is_dir()


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    assert read_regular(tmp_path / "file") == read_regular(tmp_path / "link") == b"text"
    kinds = {"pipe": "a named pipe", "socket": "a socket", ".": "a folder"}
    for name, kind in kinds.items():
        with pytest.raises(NotRegularError, match=f"is {kind}, not a regular file"):
            read_regular(tmp_path / name)
        assert not is_regular(tmp_path / name)
    with pytest.raises(NotRegularError, match="/dev/zero is a device"):
        read_regular(Path("/dev/zero"))
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nothing")
    assert not is_regular(tmp_path / "nothing")
    assert not is_regular(tmp_path / "a\0b")


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    with pytest.raises(ProjectError, match="has 5 bytes; at most 4 are read"):
        read_regular(tmp_path / "file", 4)


def test_digests_have_one_form() -> None:
    assert is_md5("0" * 32)
    assert is_md5("f" * 32 + ".dir")
    assert is_sha256("a" * 64)
    for name in ("", "0" * 31, "F" * 32, "0" * 32 + "\n", "0" * 32 + ".dir.dir", "ab/abs/path", None, 3):
        assert not is_md5(name)
        assert not is_sha256(name)


def test_a_named_path_may_be_anywhere_but_behind_a_link_of_the_repository(tmp_path: Path) -> None:
    root, outside = tmp_path / "repo", tmp_path / "outside.txt"
    root.mkdir()
    outside.write_text("x")
    (root / "out.csv").symlink_to(outside)
    (root / "folder").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    (root / "inside.csv").symlink_to("plain.csv")
    for name in ("out.csv", "folder/outside.txt", "loop"):
        with pytest.raises(UnsafePathError, match="leads outside the repository"):
            named(root, root / name)
    for path in (root / "inside.csv", root / "plain.csv", outside, root / "new/x.svg"):
        assert named(root, path) == path


def test_links_in_a_circle_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert leaves(tmp_path, tmp_path / "a")
    assert not leaves(tmp_path, tmp_path / "c")
