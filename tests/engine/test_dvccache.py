from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.engine.dvccache import cache_folder, dvc_folder
from prodabuild.errors import ProjectError


@pytest.fixture
def dvc(tmp_path: Path) -> Path:
    folder = tmp_path / "repo/.dvc"
    folder.mkdir(parents=True)
    return folder


def test_without_a_word_the_cache_lies_in_the_dvc_folder(dvc: Path) -> None:
    assert cache_folder(dvc) == dvc / "cache"
    (dvc / "config").write_text(
        "[core]\n    analytics = false\n['remote \"store\"']\n    url = ../remote\n    dir = x\n"
    )
    assert cache_folder(dvc) == dvc / "cache"


@pytest.mark.parametrize(
    ("written", "folder"),
    [
        ("dir = ../../shared", "shared"),
        ("dir = /mnt/cache", "/mnt/cache"),
        ('dir = "/mnt/a cache"  # for all of us', "/mnt/a cache"),
        ("dir = mine\n    type = hardlink", "repo/.dvc/mine"),
    ],
)
def test_its_place_is_read_from_the_configuration(dvc: Path, tmp_path: Path, written: str, folder: str) -> None:
    (dvc / "config").write_text(f"[core]\n    remote = store\n[cache]\n    {written}\n")
    assert cache_folder(dvc) == tmp_path / folder


def test_the_local_configuration_shadows_that_of_the_repo(dvc: Path) -> None:
    (dvc / "config").write_text("[cache]\n    dir = /mnt/ours\n")
    (dvc / "config.local").write_text("[cache]\n    dir = /mnt/mine\n")
    assert cache_folder(dvc) == Path("/mnt/mine")


@pytest.mark.parametrize(
    "text", [b"dir = x\n", b"[cache]\ndir\n    = x\n", b"[cache]\ndir = \xff\n", b"[cache\ndir = x\n"]
)
def test_a_configuration_that_cannot_be_read_is_told(dvc: Path, text: bytes) -> None:
    (dvc / "config").write_bytes(text)
    with pytest.raises(ProjectError, match=r"\.dvc/config cannot be read"):
        cache_folder(dvc)


def test_a_repo_in_a_folder_of_a_dvc_repo_belongs_to_it(dvc: Path) -> None:
    inner = dvc.parent / "a/b"
    inner.mkdir(parents=True)
    assert dvc_folder(inner) == dvc_folder(dvc.parent) == dvc
    assert dvc_folder(dvc.parent.parent) is None
