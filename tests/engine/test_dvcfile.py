from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.engine.dvcfile import (
    DvcOut,
    DvcStage,
    Lock,
    lock_outs,
    parse_lock,
    parse_stages,
    read_lock,
    read_stages,
    write_lock,
)
from prodabuild.errors import ProjectError

STAGES = """vars:
- config.yaml
x: &outs
- build/a
stages:
  plain:
    cmd: make it
    desc: what it is for
    deps:
    - src
    - lib
    params:
    - seed
    - proda.yaml:
      - compile
      - tests
    - other.yaml:
    outs:
    - build/b:
        persist: true
    - build/a
    metrics:
    - m.json: {cache: false}
    plots:
    - loss.csv:
        x: step
  aliased: {cmd: a, outs: *outs}
  template: {cmd: "train ${model}"}
  template_path: {cmd: train, deps: ["${data}"]}
  looped: {foreach: [1, 2], do: {cmd: "echo ${item}"}}
  elsewhere: {cmd: make, wdir: sub}
  listed: {cmd: [one, two]}
"""
LOCK = """schema: '2.0'
stages:
  theirs:   # by hand
    cmd: date
    outs:
    - {path: a, hash: md5, md5: 0123, size: 1}
  ours:
    cmd: make
    params:
      proda.yaml:
        rate: 1e-05
  last:
    cmd: >-
      long
      words
datasets: []
"""


def test_stages_are_read_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text(STAGES)
    plain, aliased = read_stages(tmp_path / "dvc.yaml")
    outs = (DvcOut("build/a"), DvcOut("build/b"), DvcOut("loss.csv"), DvcOut("m.json", cached=False, metric=True))
    params = {"params.yaml": ("seed",), "proda.yaml": ("compile", "tests"), "other.yaml": ()}
    assert plain == DvcStage("plain", "make it", ("lib", "src"), params, outs)
    assert aliased == DvcStage("aliased", "a", (), {}, (DvcOut("build/a"),))
    assert read_stages(tmp_path / "absent.yaml") == ()


@pytest.mark.parametrize(
    "text", ["", "stages:\n", "[]\n", "stages: 7\n", "stages: {a: 7, b: {deps: [x]}, c: {cmd: x, deps: y}}\n"]
)
def test_what_is_no_stage_is_left_to_dvc(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.yaml").write_text(text)
    assert read_stages(tmp_path / "dvc.yaml") == ()


def test_a_pipeline_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages:\n  a: [\n")
    with pytest.raises(ProjectError, match=r"dvc\.yaml is not YAML: line 3, did not find expected node content"):
        read_stages(tmp_path / "dvc.yaml")


def test_an_entry_is_replaced_and_every_other_byte_stays(tmp_path: Path) -> None:
    path = tmp_path / "dvc.lock"
    path.write_text(LOCK)
    lock = read_lock(path)
    assert lock.entry("ours") == {"cmd": "make", "params": {"proda.yaml": {"rate": 1e-05}}}
    assert lock.entry("nobody's") is None
    assert not write_lock(path, lock, {"ours": lock.entry("ours"), "last": {"cmd": "long words"}}, tmp_path)
    assert write_lock(path, lock, {"ours": {"cmd": "make all"}, "new": {"cmd": "x"}}, tmp_path)
    head, _, rest = LOCK.partition("  ours:\n")
    _, _, tail = rest.partition("  last:\n")
    last, _, end = tail.partition("datasets")
    assert path.read_text() == f"{head}  ours:\n    cmd: make all\n  last:\n{last}  new:\n    cmd: x\ndatasets{end}"
    assert write_lock(path, read_lock(path), {"ours": None, "new": None}, tmp_path)
    assert path.read_text() == f"{head}  last:\n{tail}"


def test_a_lock_is_made_for_its_first_entry_and_goes_with_its_last(tmp_path: Path) -> None:
    path = tmp_path / "dvc.lock"
    assert read_lock(path) == Lock()
    assert not write_lock(path, Lock(), {"ours": None}, tmp_path)
    assert not path.exists()
    assert write_lock(path, Lock(), {"ours": {"cmd": "make"}}, tmp_path)
    assert path.read_text() == "schema: '2.0'\nstages:\n  ours:\n    cmd: make\n"
    assert write_lock(path, read_lock(path), {"ours": None}, tmp_path)
    assert not path.exists()
    path.write_text("schema: '2.0'\ndatasets: []\nstages: {}")
    assert write_lock(path, read_lock(path), {"ours": {"cmd": "make"}}, tmp_path)
    assert path.read_text() == "schema: '2.0'\ndatasets: []\nstages:\n  ours:\n    cmd: make\n"


@pytest.mark.parametrize(
    "entry",
    ["7", "[]", "{outs: 7}", "{outs: [7]}", "{outs: [{path: a, etag: x}]}", "{deps: [{path: a}]}", "{cmd: !x y}"],
)
def test_an_entry_that_dvc_would_not_write_is_no_entry(tmp_path: Path, entry: str) -> None:
    (tmp_path / "dvc.lock").write_text(f"schema: '2.0'\nstages:\n  ours: {entry}\n")
    assert read_lock(tmp_path / "dvc.lock").entry("ours") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD\nschema: '2.0'\n=======\n", "dvc.lock is not YAML: line 2, mapping values are not allowed in this context"),
        ("schema: '2.0'\nstages:\n  a:\n<<<<<<< HEAD\n    cmd: x\n", "dvc.lock is not YAML"),
        ("\x00", "dvc.lock is not YAML"),
        ("", "dvc.lock is not as DVC writes it"),
        ("schema: '1.0'\nstages:\n  a: {cmd: x}\n", "dvc.lock is not as DVC writes it"),
        ("schema: '2.0'\nstages: {a: {cmd: x}}\n", "dvc.lock is not as DVC writes it"),
        ("schema: '2.0'\nstages:\n", "dvc.lock is not as DVC writes it"),
    ],
)  # fmt: skip
def test_a_lock_that_cannot_be_kept_as_it_is_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(ProjectError) as refused:
        read_lock(tmp_path / "dvc.lock")
    assert refused.value.message.startswith(message)
    assert refused.value.hint == "`prodabuild lock --merge` merges it; or delete it, and run the command again"


LAUGHS = b"".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n".encode()
    for name, below in zip("bcdefgh", "abcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"stages: " + b"[" * 200_000, "dvc.lock:1:58: more than 50 levels of nesting"),
        (b"stages: " + b"{a: " * 200_000, "dvc.lock:1:205: more than 50 levels of nesting"),
        (b"? " * 200_000 + b"a", "dvc.lock:1:101: more than 50 levels of nesting"),
        (b"- " * 200_000 + b"a", "dvc.lock:1:101: more than 50 levels of nesting"),
        (b"a: &a [x]\n" + LAUGHS, "dvc.lock has more than 1000000 values, aliases followed"),
        (b"stages: {a: " + b"9" * 5000 + b"}", "dvc.lock is not YAML: Exceeds the limit"),
        (b"stages: {a: 2001-99-99}", "dvc.lock is not YAML: month must be in 1..12"),
        (b"a: \xff", "dvc.lock is not YAML: "),
    ],
    ids=["lists", "mappings", "keys", "blocks", "aliases", "integer", "date", "bytes"],
)
def test_what_is_too_deep_too_large_or_no_value_is_one_error(data: bytes, message: str) -> None:
    for read in (parse_stages, lock_outs, parse_lock):
        with pytest.raises(ProjectError) as refused:
            read(data, "dvc.lock")
        shown = refused.value.message
        assert shown.startswith(message) or (read is parse_lock and shown == "dvc.lock is not as DVC writes it")


@pytest.mark.parametrize(
    "text",
    [
        "{cmd: x, outs: [{a: x}]}",
        "{cmd: x, outs: [{a: [1]}]}",
        "{cmd: x, outs: [[a]]}",
        "{cmd: x, outs: [7]}",
        '{cmd: x, deps: ["a\\0b"]}',
        "{cmd: x, deps: [{a: b}]}",
        "{cmd: x, params: [{proda.yaml: 3}]}",
        "{cmd: x, metrics: {a: b}}",
    ],
)
def test_a_stage_whose_fields_have_other_types_is_left_to_dvc(text: str) -> None:
    assert parse_stages(f"stages: {{a: {text}, b: {{cmd: y}}}}".encode(), "dvc.yaml") == (
        DvcStage("b", "y", (), {}, ()),
    )


@pytest.mark.parametrize("name", ["ab/abs/path", "../../etc", "0123", "A" * 32, "0" * 31 + "\\n", "0" * 32 + ".dir/x"])
def test_an_output_without_the_name_of_an_object_is_refused(name: str) -> None:
    out = f'{{path: a, hash: md5, size: 1, md5: "{name}"}}'
    with pytest.raises(ProjectError, match=r"dvc\.lock: s: the output 'a' has no md5 of an object"):
        lock_outs(f"stages: {{s: {{outs: [{out}]}}}}".encode(), "dvc.lock")
    block = f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - {out}\n"
    assert parse_lock(block.encode(), "dvc.lock").entry("s") is None


def test_outs_that_are_no_list_are_refused() -> None:
    with pytest.raises(ProjectError, match=r"a\.dvc: : `outs` is no list"):
        lock_outs(b"outs: 7", "a.dvc")
    assert lock_outs(b"outs: [{path: a, etag: x}, 3]", "a.dvc") == {"": []}
