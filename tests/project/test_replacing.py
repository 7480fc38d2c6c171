"""A folder that is replaced whole, or not at all: what is ours, what stops us, what a kill leaves."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson
import pytest

from prodabuild.errors import ProjectError
from prodabuild.project.replacing import MARKER, marked, replaced

OTHER = "name another folder with --to"


def fill(folder: Path, what: str = "train", **files: str) -> None:
    with replaced(folder, what) as new:
        for name, text in files.items():
            (new / "data").mkdir(exist_ok=True)
            (new / "data" / name).write_text(text)
        marked(new, {"what": what})


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MARKER}


def refusal(folder: Path, what: str = "train") -> tuple[str, str | None]:
    before = held(folder) if folder.is_dir() else None
    with pytest.raises(ProjectError) as caught:
        fill(folder, what, x="never")
    assert (held(folder) if folder.is_dir() else None) == before
    return caught.value.message.replace(str(folder), "OUT"), caught.value.hint


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "out"


def test_a_folder_of_ours_is_replaced_whole(out: Path) -> None:
    fill(out, a="1", b="2")
    fill(out, a="3", c="4")
    assert held(out) == {"a": "3", "c": "4"}
    assert list(orjson.loads((out / MARKER).read_bytes())["files"]) == ["data/a", "data/c"]
    assert os.listdir(out.parent) == ["out"]
    (out / "data/a").unlink()
    fill(out, a="5")
    assert held(out) == {"a": "5"}


def test_an_empty_folder_is_taken(out: Path) -> None:
    out.mkdir(parents=True)
    fill(out, a="1")
    assert held(out) == {"a": "1"}


def test_files_of_others_stand_in_the_way(out: Path) -> None:
    out.mkdir(parents=True)
    for name in "abcde":
        (out / name).write_text("mine")
    hint = "name another folder with --to, or take them away"
    assert refusal(out) == ("OUT holds files that no export wrote: a, b, c and 2 more", hint)
    shutil.rmtree(out)
    fill(out, a="1")
    (out / "data/notes.txt").write_text("mine")
    assert refusal(out) == ("OUT holds files that no export wrote: data/notes.txt", hint)


def test_a_link_stands_in_the_way(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    fill(out, a="1")
    os.symlink(tmp_path / "elsewhere", out / "link")
    assert refusal(out)[0] == "OUT holds files that no export wrote: link"


def test_a_file_of_ours_that_was_changed_stands_in_the_way(out: Path) -> None:
    fill(out, a="1")
    (out / "data/a").write_text("2")
    message, hint = refusal(out)
    assert message == "OUT/data/a was changed since it was exported"
    assert hint == "move it elsewhere if it is to be kept, or remove it; or name another folder with --to"


def test_test_items_and_training_data_do_not_replace_each_other(out: Path) -> None:
    fill(out, a="1")
    assert refusal(out, "sealed") == ("OUT holds training data, which sealed items may not replace", OTHER)
    shutil.rmtree(out)
    fill(out, "dev", a="1")
    assert refusal(out) == ("OUT holds dev items, which training data may not replace", OTHER)


def test_a_file_and_the_inside_of_an_export_are_no_places(out: Path) -> None:
    fill(out, a="1")
    assert refusal(out / "data" / "a")[0].endswith(f"lies inside the export {out}")
    file = out.parent / "file"
    file.write_text("mine")
    assert refusal(file) == ("OUT is a file", "name a folder with --to")


@pytest.mark.parametrize("marker", ["", "[]", '{"files": []}', "no json"])
def test_a_marker_that_says_nothing_makes_nothing_ours(out: Path, marker: str) -> None:
    fill(out, a="1")
    (out / MARKER).write_text(marker)
    assert refusal(out)[0] == "OUT holds files that no export wrote: data/a"


def test_a_failure_leaves_what_was_there(out: Path) -> None:
    fill(out, a="1")
    with pytest.raises(FileNotFoundError):
        fill(out, **{"half": "half", "no/such/folder": ""})
    assert held(out) == {"a": "1"}
    assert os.listdir(out.parent) == ["out"]


def test_what_a_kill_leaves_is_taken_up(out: Path) -> None:
    fill(out, a="1")
    (out.parent / ".out.prodabuild-new").mkdir()
    (out.parent / ".out.prodabuild-new/half").write_text("half")
    out.rename(out.parent / ".out.prodabuild-old")  # killed between the two renames
    with pytest.raises(FileNotFoundError):
        fill(out, **{"no/such/folder": ""})
    assert held(out) == {"a": "1"}
    fill(out, b="2")
    assert held(out) == {"b": "2"}
    assert os.listdir(out.parent) == ["out"]
