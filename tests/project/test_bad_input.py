"""Bad input: one clear error with place and hint, exit 1, no traceback, nothing half-written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from tests.conftest import Repo

KINDS = "knowledge/zoo/kinds.yaml"


def write(name: str, data: bytes) -> Callable[[Repo], object]:
    return lambda repo: repo.write(name, data)


def edit(old: str, new: str, name: str = "proda.yaml") -> Callable[[Repo], object]:
    return lambda repo: repo.edit(name, old, new)


def odd(name: bytes) -> Callable[[Repo], object]:
    """Write a file under a name of bytes."""
    return lambda repo: repo.write(os.fsdecode(name), b"concepts: []\n")


def empty_discipline(repo: Repo) -> None:
    for file in ("kinds.yaml", "chains.yaml"):
        repo.write(f"knowledge/zoo/{file}", b"")


def linked_file(repo: Repo) -> None:
    (repo.path / "knowledge/zoo/out.yaml").symlink_to("/etc/hostname")


def linked_folder(repo: Repo) -> None:
    shutil.rmtree(repo.path / "knowledge/zoo")
    (repo.path / "knowledge/zoo").symlink_to("/etc")


def folder_linked_inside(repo: Repo) -> None:
    (repo.path / "knowledge/zoo/again").symlink_to(repo.path / "knowledge/tools")


def model_without_weights(repo: Repo) -> None:
    repo.edit("proda.yaml", "scratch:micro", "path:models/mine")
    repo.write("models/mine/config.json", b'{"model_type": "llama"}')
    repo.write("models/mine/tokenizer_config.json", b"{}")


CASES: dict[str, tuple[Callable[[Repo], object], str]] = {
    "no manifest": (lambda repo: (repo.path / "proda.yaml").unlink(), "{root}/proda.yaml: error[M001]: there is no proda.yaml here\nhint: run this in a data repo, or name one with -C"),
    "empty manifest": (write("proda.yaml", b""), "proda.yaml:1:1: error[M002]: the file is not a mapping of keys\nhint: keys: compile, disciplines, insight, licences, model, name, tests, version"),
    "manifest not UTF-8": (write("proda.yaml", b"version: 1\nname: \xff\n"), "proda.yaml:2:7: error[Y001]: byte 0xff is not UTF-8\nhint: save the file as UTF-8"),
    "unknown key": (edit("shard_size", "shardsize"), "proda.yaml:6:62: error[M012]: unknown key 'shardsize'\nhint: did you mean 'shard_size'?"),
    "wrong type": (edit("seed: 7", "seed: seven"), "proda.yaml:6:17: error[M013]: compile.seed: input should be a valid integer, got 'seven'\nhint: Draws distractors and phrasings; part of every sample's identity."),
    "key twice": (edit("version: 1\n", "version: 1\nversion: 1\n"), "proda.yaml:2:1: error[Y004]: duplicate key 'version'\nhint: each key once a mapping"),
    "unknown recipe": (edit("judge]", "juge]"), "proda.yaml:6:54: error[M015]: there is no recipe 'juge'\nhint: did you mean 'judge'?"),
    "no such folder": (lambda repo: shutil.rmtree(repo.path / "knowledge/zoo"), "proda.yaml:4:21: error[M023]: 'knowledge/zoo' does not exist\nhint: create it, or correct the path"),
    "absolute path": (edit("[knowledge/zoo]", "[/etc]"), "proda.yaml:4:21: error[M020]: '/etc' is not a path inside the repository\nhint: write it relative to the repository, with forward slashes"),
    "path upwards": (edit("[knowledge/zoo]", "[knowledge/../../x]"), "proda.yaml:4:21: error[M021]: 'knowledge/../../x' leaves the repository\nhint: paths may not contain `..`"),
    "link to a file outside": (linked_file, "knowledge/zoo/out.yaml: error[M022]: 'knowledge/zoo/out.yaml' leads outside the repository\nhint: replace the symbolic link by what it points to"),
    "link to a folder outside": (linked_folder, "proda.yaml:4:21: error[M022]: 'knowledge/zoo' leads outside the repository\nhint: replace the symbolic link by what it points to"),
    "linked folder": (folder_linked_inside, "knowledge/zoo/again: error[M025]: 'knowledge/zoo/again' is a linked folder\nhint: replace the symbolic link by what it points to"),
    "base not there": (edit("scratch:micro", "path:models/x"), "proda.yaml:8:9: error[M023]: 'models/x' does not exist\nhint: create it, or correct the path"),
    "base without weights": (model_without_weights, "proda.yaml:8:9: error[M016]: models/mine has no weights in safetensors\nhint: save the model with save_pretrained"),
    "no such preset": (edit("scratch:micro", "scratch:nano"), "proda.yaml:8:9: error[M016]: there is no preset 'nano'\nhint: presets: micro, small"),
    "hub base without revision": (edit("scratch:micro", "hf:org/name"), "proda.yaml:8:9: error[M016]: 'hf:org/name' does not pin a revision\nhint: write hf:ORG/NAME@ and the 40 hex digits of a commit"),
    "base of no kind": (edit("scratch:micro", "gpt2"), "proda.yaml:8:9: error[M013]: model.base: not written as it must be, got 'gpt2'\nhint: scratch:PRESET, hf:ORG/NAME@REVISION (40 hex digits) or path:FOLDER."),
    "empty knowledge": (empty_discipline, "knowledge/zoo: error[K009]: the discipline 'zoo' has no record\nhint: add a file with `concepts:` to one of its folders"),
    "YAML bomb": (write(KINDS, b"a: &a [x, x]\nb: [*a, *a]\n"), f"{KINDS}:1:4: error[Y003]: anchors are not read\nhint: write the value out"),
    "deep YAML": (write(KINDS, b"concepts: " + b"[" * 9000), f"{KINDS}:1:50: error[Y005]: more than 40 levels of nesting\nhint: nest less"),
    "knowledge not UTF-8": (write(KINDS, b"concepts:\n- id: zoo/\xff\n"), f"{KINDS}:2:11: error[Y001]: byte 0xff is not UTF-8\nhint: save the file as UTF-8"),
    "long number": (edit("definition: a lizard with the habits of a gecko and of nothing else", "definition: " + "9" * 5000, KINDS), "error[Y005]: a number of 5000 digits\nhint: at most 100; quote it, if it is meant as text"),
    "long number in the manifest": (edit("seed: 7", "seed: " + "7" * 5000), "proda.yaml:6:17: error[Y005]: a number of 5000 digits"),
    "long number in a patch": (write("patches/0001-x.yaml", b"title: x\nafter: [" + b"1" * 5000 + b"]\n"), "patches/0001-x.yaml:2:9: error[Y005]: a number of 5000 digits"),
    "name not UTF-8": (odd(b"knowledge/zoo/\xff.yaml"), "knowledge/zoo/\\xff.yaml: error[M027]: the name is not UTF-8, or holds a control character\nhint: give the file another name: `git mv`"),
    "folder not UTF-8": (odd(b"knowledge/zoo/\xe9/a.jsonl"), "knowledge/zoo/\\xe9/a.jsonl: error[M027]: the name is not UTF-8"),
    "patch not UTF-8": (odd(b"patches/0001-\xff.yaml"), "patches/0001-\\xff.yaml: error[M027]: the name is not UTF-8"),
    "name with an escape": (odd(b"knowledge/zoo/\x1b[2J.yaml"), "knowledge/zoo/\\x1b[2J.yaml: error[M027]: the name is not UTF-8"),
    "no level": (write("knowledge/zoo/more.jsonl", b'{"id": "zoo/x"}\n'), "knowledge/zoo/more.jsonl:1:1: error[K011]: a record has a `level`, a text\nhint: levels: concept, "),
    "no subject": (write("knowledge/zoo/more.jsonl", b'{"level": "relation", "object": "zoo/bird", "predicate": "is_a"}\n'), "knowledge/zoo/more.jsonl:1:1: error[K002]: subject is missing"),
    "key twice in JSON": (write("knowledge/zoo/more.jsonl", b'{"level": "concept", "id": "x", "name": "x", "name": "y"}\n'), "knowledge/zoo/more.jsonl:1:46: error[Y004]: duplicate key 'name'\nhint: each key once an object"),
    "not YAML": (write(KINDS, b"concepts:\n- {id: x\n"), f"{KINDS}:3:1: error[Y002]: not YAML: while parsing a flow mapping did not find expected ',' or '}}'"),
    "not JSON": (write("knowledge/zoo/more.jsonl", b'{"level": "concept", "id": "x", "name": "x", "definition": "y"}\n{x}\n'), "knowledge/zoo/more.jsonl:2:2: error[Y007]: not JSON: "),
    "id twice": (edit("- id: zoo/adder\n", "- id: zoo/bird\n", KINDS), f"{KINDS}:"),
    "dangling object": (edit("object: zoo/snake}\n- id: zoo/python", "object: zoo/snaek}\n- id: zoo/python", KINDS), "there is no concept 'zoo/snaek'\nhint: did you mean 'zoo/snake'?"),
    "empty definition": (edit("definition: a lizard with the habits of a gecko and of nothing else", 'definition: ""', KINDS), "error[K003]: definition is empty"),
}  # fmt: skip


def test_a_foreign_name_elsewhere_stops_nothing(repo: Repo) -> None:
    for name in (b"notes/\xff.txt", b"\xfe/a.md", b"sources/\xe9.txt", b"\xfd.yaml", b"build/\xfc"):
        odd(name)(repo)
    assert repo.run("check").code == 0
    assert repo.data()["built"] != []
    assert repo.data()["built"] == []
    assert repo.run("plan").code == 0
    assert repo.run("patch", "new", "hello").code == 0
    assert repo.run("gc").code == 0


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_clear_error(repo: Repo, case: str) -> None:
    spoil, expected = CASES[case]
    spoil(repo)
    expected = expected.replace("{root}", str(repo.path))
    before = {path for path in repo.path.rglob("*") if ".prodabuild" not in path.parts}
    check = repo.run("check")
    assert (check.code, check.err) == (1, "")
    assert expected in check.out
    for command in ("compile", "plan"):
        outcome = repo.run(command, "--to", "data", "--json")
        assert outcome.code == 1
        assert expected in outcome.err
        assert "Traceback" not in outcome.err
        assert any(problem["severity"] == "error" for problem in outcome.json["problems"])
    assert {path for path in repo.path.rglob("*") if ".prodabuild" not in path.parts} == before


def test_a_bad_edit_leaves_the_last_build_as_it_was(repo: Repo) -> None:
    repo.built()
    files, lock = repo.files(), repo.read("proda.lock")
    good = repo.read(KINDS)
    repo.edit(KINDS, "object: zoo/snake}", "object: zoo/snaek}")
    assert repo.run("compile", "--to", "data").code == 1
    assert (repo.files(), repo.read("proda.lock")) == (files, lock)
    repo.write(KINDS, good)
    assert repo.data()["built"] == []


def test_every_problem_is_told_at_once_in_order_of_place(repo: Repo) -> None:
    repo.edit(KINDS, "- id: zoo/gecko\n", "- id: zoo/gecko\n  colour: green\n")
    repo.edit(KINDS, "object: zoo/shark}", "object: zoo/shrak}")
    repo.write("knowledge/tools/bad.yaml", b"concepts: 3\n")
    found = [(problem["file"], problem["code"]) for problem in repo.run("check", "--json").json["problems"]]
    assert found == [("knowledge/tools/bad.yaml", "K003"), (KINDS, "K001")]
    (repo.path / "knowledge/tools/bad.yaml").unlink()
    repo.edit(KINDS, "  colour: green\n", "")
    found = [(problem["file"], problem["code"]) for problem in repo.run("check", "--json").json["problems"]]
    assert found[0] == ("knowledge/zoo/chains.yaml", "K005")
    assert (KINDS, "K005") in found
