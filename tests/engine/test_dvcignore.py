from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prodabuild.engine.dvcignore import UnlistedError, list_files

TREE = (
    "top.txt", "data/a.txt", "data/a.tmp", "data/b[1].txt", "data/.hidden", "data/.git/config", "data/.hg/x", "data/x/.git",
    "data/sub/a.txt", "data/sub/deep/a.tmp", "data/sub/deep/keep.tmp", "data/sub/deep/build/z", "data/other/build", "data/# x",
    "data/!y", "data/sp ace.txt", "data/ünï.txt", "data/x/y/z.log", "data/inner/.dvc/config", "data/inner/z.txt",
)  # fmt: skip
PATTERNS = (
    "", "*.tmp", "*.tmp\n!keep.tmp", "/data/*.txt", "data/sub", "data/sub/", "build/", "build", "data/**/a.*", "**/deep", "data/**",
    "# a comment\n\n  *.log  ", "\\# x", "\\!y", "a.tx?", "[ab].txt", "[!a].t*", "b[[]1].txt", "/top.txt", "/deep", "deep/*\n!deep/keep.tmp",
    "sub\n!data/sub/a.txt", "/data", "x/*/*.log",
    "*a*t*", "*e*e*", "data/**/**/a.*", "d*a/**/s*b/**/*.tmp", "data/**/sub/**/deep", "**/*/**/*.t*p", "data/**/", "da*a/s*/*ee*/k*p.*", "**", "sp ace.txt", "*.TXT", ".*", "/.prodabuild\n/.venv",
)  # fmt: skip


def plant(root: Path) -> None:
    for name in TREE:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_files_are_listed_by_path_whatever_is_in_them(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / ".dvcignore").write_text("*.tmp\n!keep.tmp\n/data/x\n")
    (tmp_path / "data/.dvcignore").write_text("/other\n")
    assert list_files(tmp_path, "data/sub") == ["a.txt", "deep/build/z", "deep/keep.tmp"]
    assert list_files(tmp_path, "data/other") == []
    assert list_files(tmp_path, "top.txt") == [""]
    with pytest.raises(FileNotFoundError):
        list_files(tmp_path, "nothing")


def test_what_dvc_refuses_is_not_listed(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / "data/sub/linked").symlink_to("deep")
    assert "linked" not in "".join(list_files(tmp_path, "data/sub"))
    (tmp_path / "data/sub/gone").symlink_to("nowhere")
    with pytest.raises(UnlistedError, match="DVC takes no data/sub/gone into a folder"):
        list_files(tmp_path, "data/sub")
    (tmp_path / ".dvcignore").write_text("gone\n")
    assert "a.txt" in list_files(tmp_path, "data/sub")
    (tmp_path / "data/.dvcignore").write_text("")
    with pytest.raises(UnlistedError, match=r"DVC takes no data/\.dvcignore into a folder"):
        list_files(tmp_path, "data")


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 40 + "*b",
        "**/a/" * 40 + "b",
        "[" * 100_000,
        "*" * 4000 + "b",
        "a*" * 2000,
        "?*" * 1000,
        "[a]*" * 1000 + "b",
    ],
)
def test_no_pattern_takes_an_age(tmp_path: Path, pattern: str) -> None:
    long = "/".join(["data", *["a"] * 60, "a" * 250])
    (tmp_path / long).parent.mkdir(parents=True)
    (tmp_path / long).write_text("")
    (tmp_path / ".dvcignore").write_text(pattern)
    started = time.process_time()
    list_files(tmp_path, "data")
    assert time.process_time() - started < 20


@pytest.mark.parametrize("line", [b"\xff*", b"[z-a]", b"a[", b"["])
def test_a_pattern_that_is_none_matches_nothing(tmp_path: Path, line: bytes) -> None:
    plant(tmp_path)
    expected = list_files(tmp_path, "data")
    (tmp_path / ".dvcignore").write_bytes(line + b"\n")
    assert list_files(tmp_path, "data") == expected


def test_names_that_are_not_utf_8_are_listed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / os.fsdecode(b"data/\xff.tmp")).write_text("")
    (tmp_path / os.fsdecode(b"data/\xfe.txt")).write_text("")
    (tmp_path / ".dvcignore").write_text("*.tmp\n")
    assert list_files(tmp_path, "data") == [os.fsdecode(b"\xfe.txt")]


@pytest.mark.engine
def test_patterns_mean_what_they_mean_to_dvc(tmp_path: Path) -> None:
    pytest.importorskip("dvc")
    program = (
        "import sys; from dvc.ignore import DvcIgnoreFilter; from dvc.fs import localfs\n"
        "for root in sys.argv[1:]:\n"
        "    top = DvcIgnoreFilter(localfs, root).walk(localfs, root + '/data')\n"
        "    print(sorted((folder + '/' + name)[len(root) + 6:] for folder, _, names in top for name in names))\n"
    )
    roots = []
    for number, pattern in enumerate(PATTERNS):
        roots.append(tmp_path / str(number))
        plant(roots[-1])
        (roots[-1] / ".dvcignore").write_text(pattern)
    done = subprocess.run([sys.executable, "-c", program, *roots], capture_output=True, text=True, check=True)
    theirs = done.stdout.splitlines()
    assert {pattern: str(list_files(root, "data")) for pattern, root in zip(PATTERNS, roots, strict=True)} == dict(
        zip(PATTERNS, theirs, strict=True)
    )


@pytest.mark.parametrize(
    "pattern", ["*a" * 40 + "*b", "**/a*/" * 40 + "b", "/".join(["**"] * 40) + "/b", "[!b]*" * 40 + "b"]
)
def test_the_time_does_not_explode_with_wildcards(tmp_path: Path, pattern: str) -> None:
    deep = "data/" + "aaaa/" * 60
    (tmp_path / deep).mkdir(parents=True)
    (tmp_path / deep / ("a" * 200)).write_text("")
    (tmp_path / ".dvcignore").write_text(pattern)
    started = time.process_time()
    assert list_files(tmp_path, "data") == [deep.removeprefix("data/") + "a" * 200]
    assert time.process_time() - started < 2


def test_what_is_no_pattern_is_passed_over(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / ".dvcignore").write_bytes(b"[z-a]\n[\n\xff*\n\\\n*.tmp\n")
    assert list_files(tmp_path, "data/sub") == ["a.txt", "deep/build/z"]
