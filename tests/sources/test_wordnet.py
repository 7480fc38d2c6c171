from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from prodabuild.errors import ProjectError
from prodabuild.sources.wordnet import Choice, Selection, choose, clean_gloss, everything, extract, read_wordnet
from tests.conftest import Repo

FOLDER = Path(__file__).parent / "wordnet"
MANIFEST = """version: 1
name: small
disciplines:
  zoo: {knowledge: [knowledge/zoo]}
  tools: {knowledge: [knowledge/tools]}
model: {base: scratch:micro}
"""
SELECTION = "disciplines:\n  zoo: {roots: [dog.n.01], nouns: {cur: count}}\n  tools: {roots: [volcano.n.01, planet.n.01], children: 20}\n"


def bare(repo: Repo) -> None:
    """Leave a repo without knowledge, and with no suite, since the fixture's few chains make no item."""
    shutil.rmtree(repo.path / "knowledge")
    repo.write("proda.yaml", MANIFEST)
    repo.write("sources/pick.yaml", SELECTION)


@pytest.mark.parametrize(
    ("gloss", "expected"),
    [
        ('a fixed look; "a stare"; "she gazed"', "a fixed look"),
        ("(astronomy) a celestial body", "a celestial body"),
        ("any of the states (especially `good' or `bad')", 'any of the states (especially "good" or "bad")'),
        ("the first; the second; " + "a third " * 30, "the first; the second"),
        (
            "a war between the Allies (" + "Australia, " * 20 + "Yugoslavia) and the Axis",
            "a war between the Allies and the Axis",
        ),
        ('used in the phrase "as is"; - A. Poet', "used in the phrase"),
    ],
)
def test_a_gloss_becomes_a_definition(gloss: str, expected: str) -> None:
    assert clean_gloss(gloss) == expected


def test_offsets_are_where_the_lines_lie() -> None:
    data = (FOLDER / "data.noun").read_bytes()
    for offset, synset in read_wordnet(FOLDER).synsets.items():
        assert data[offset : synset.end].decode().startswith(f"{offset:08d} ")
        assert data[synset.end : synset.end + 1] == b"\n"


def test_a_selection_takes_hyponyms_and_the_pointers_between_them() -> None:
    wordnet = read_wordnet(FOLDER)
    selection = Selection(
        disciplines={"zoo": Choice(roots=["dog.n.01"]), "sky": Choice(roots=["planet.n.01"], children=20)}
    )
    extracts = extract(choose(wordnet, selection), selection)
    dogs = {concept["id"]: concept for concept in extracts["zoo"].concepts["dog"]}
    assert dogs["zoo/dog"]["name"] == "dog"
    assert dogs["zoo/dog"]["aliases"] == ["domestic dog", "Canis familiaris"]
    dog = wordnet.find("dog.n.01")
    assert dog is not None
    assert dogs["zoo/dog"]["source"] == f"wordnet-3.0:data.noun#{dog.offset}-{dog.end}"
    triples = {
        (row["subject"], row["predicate"], row["object"])
        for row in extracts["zoo"].relations + extracts["sky"].relations
    }
    assert ("zoo/cur", "is_a", "zoo/dog") in triples
    assert ("sky/venus", "instance_of", "sky/terrestrial_planet") in triples
    sky = {concept["id"]: concept.get("noun") for concept in extracts["sky"].concepts["planet"]}
    assert (sky["sky/venus"], sky["sky/terrestrial_planet"]) == ("proper", None)


def test_names_are_not_shared() -> None:
    wordnet = read_wordnet(FOLDER)
    extracts = extract(everything(wordnet), None)
    names = [
        concept["name"].lower()
        for found in extracts.values()
        for concepts in found.concepts.values()
        for concept in concepts
    ]
    assert len(names) == len(set(names)) == len(wordnet.synsets)
    assert {"soap (artifact)", "soap (possession)"} <= set(names)


def test_a_synset_keeps_the_id_that_it_had() -> None:
    chosen = everything(read_wordnet(FOLDER))

    def by_name(known: dict[str, str]) -> dict[str, str]:
        (found,) = [
            each.concepts["artifact"] for name, each in extract(chosen, None, known).items() if name == "artifact"
        ]
        return {row["name"]: row["id"] for row in found}

    rows = extract(chosen, None)["artifact"].concepts["artifact"]
    offsets = {row["name"]: row["source"].partition("#")[2].partition("-")[0] for row in rows}
    name, other = list(offsets)[:2]
    known = {offsets[name]: "artifact/as_before", offsets[other]: "elsewhere/as_before"}
    assert by_name(known) == by_name({}) | {name: "artifact/as_before"}


def test_the_import_writes_files_that_check_and_compile(repo: Repo) -> None:
    bare(repo)
    outcome = repo.run("import", "wordnet", str(FOLDER), "--select", "sources/pick.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == "knowledge/zoo/dog.yaml: 14 concepts, 13 relations"
    assert repo.run("check").code == 0
    assert repo.data()["samples"] != 0


def test_yaml_and_jsonl_state_the_same(repo: Repo) -> None:
    bare(repo)
    assert repo.run("import", "wordnet", str(FOLDER), "--select", "sources/pick.yaml").code == 0
    repo.data()
    built = repo.files("build/dataset/train")
    shutil.rmtree(repo.path / "knowledge")
    assert repo.run("import", "wordnet", str(FOLDER), "--select", "sources/pick.yaml", "--format", "jsonl").code == 0
    assert repo.data()["built"] == []
    assert repo.files("build/dataset/train") == built


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (
            "disciplines:\n  zoo: {root: [dog.n.01]}\n",
            "sources/pick.yaml:2:9: error[M012]: unknown key 'root'\nhint: did you mean 'roots'?",
        ),
        (
            "disciplines:\n  zoo: {roots: [dragon.n.01]}\n",
            "error: zoo: WordNet has no synset 'dragon.n.01'\nhint: write it like chemical_element.n.01",
        ),
        ("disciplines: &x\n", "sources/pick.yaml:1:14: error[Y003]: anchors are not read"),
    ],
)
def test_a_bad_selection_is_one_clear_error(repo: Repo, selection: str, expected: str) -> None:
    repo.write("sources/pick.yaml", selection)
    outcome = repo.run("import", "wordnet", str(FOLDER), "--select", "sources/pick.yaml")
    assert outcome.code == 1
    assert outcome.err.startswith(expected)


def test_a_folder_that_is_no_wordnet_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not there"):
        read_wordnet(tmp_path)
    (tmp_path / "index.noun").write_text("")
    (tmp_path / "data.noun").write_text("garbage\n")
    with pytest.raises(ProjectError, match=r"data\.noun:1: not a synset"):
        read_wordnet(tmp_path)


@pytest.mark.parametrize(
    ("file", "data", "expected"),
    [
        ("data.noun", b"00001740 03\n", "data.noun:1: not a synset of WordNet: 2 words"),
        ("data.noun", b"00001740 00 n 01 entity 0 000 | x\n", "data.noun:1: not a synset of WordNet: 0 is no file of nouns"),
        ("data.noun", b"00001740 99 n 01 entity 0 000 | x\n", "data.noun:1: not a synset of WordNet: list index"),
        ("data.noun", b"00001740 03 n ffffffff entity 0 000 | x\n", "data.noun:1: not a synset of WordNet: "),
        ("data.noun", b"00001740 03 n 01 entity 0 999999 | x\n", "data.noun:1: not a synset of WordNet: list index"),
        ("data.noun", b"9" * 5000 + b" 03 n 01 entity 0 000 | x\n", "data.noun:1: not a synset of WordNet: Exceeds"),
        ("data.noun", b"00001740 03 n 01 entity 0 000 | \xff\n", "data.noun:1: not a synset of WordNet: 'utf-8'"),
        ("index.noun", b"dog n " + b"9" * 5000 + b"\n", "index.noun:1: not an entry of WordNet's index"),
        ("index.noun", b"a\n\xff\n", "index.noun:2: byte 0xff is not UTF-8"),
        ("cntlist.rev", b"dog%1:05:00:: 1 many\n", "cntlist.rev: not WordNet's counts of senses: "),
        ("cntlist.rev", b"\xff 1 1\n", "cntlist.rev: not WordNet's counts of senses: "),
    ],
)  # fmt: skip
def test_a_broken_file_of_wordnet_is_one_clear_error(tmp_path: Path, file: str, data: bytes, expected: str) -> None:
    for name in ("data.noun", "index.noun"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    (tmp_path / file).write_bytes(data)
    with pytest.raises(ProjectError) as caught:
        read_wordnet(tmp_path)
    assert caught.value.message.startswith(expected)


@pytest.mark.parametrize("file", ["data.noun", "index.noun", "cntlist.rev"])
def test_a_pipe_is_no_file_of_wordnet(tmp_path: Path, file: str) -> None:
    for name in ("data.noun", "index.noun"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    (tmp_path / file).unlink(missing_ok=True)
    os.mkfifo(tmp_path / file)
    with pytest.raises(ProjectError, match="is a named pipe, not a regular file"):
        read_wordnet(tmp_path)
