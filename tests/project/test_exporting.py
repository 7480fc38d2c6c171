"""`prodabuild export`: every row and its text, in every format; splits, disciplines, items; what is refused."""

from __future__ import annotations

import re
import sys
from typing import Any

import orjson
import pytest

from prodabuild.shards.formats import FORMATS
from tests.conftest import Repo, rows_below

KINDS = "knowledge/zoo/kinds.yaml"
EXPORT = "build/export"


def samples(repo: Repo) -> list[dict[str, Any]]:
    return rows_below(repo.path / "build/dataset/train")


def items(repo: Repo, split: str) -> list[dict[str, Any]]:
    return rows_below(repo.path / "build/items" / split)


def locked(repo: Repo, unit: str) -> str:
    """Return the digest that the lock has of a unit."""
    digest: str = orjson.loads(repo.read("proda.lock"))["entries"][unit]["sha256"]
    return digest


def rows_of(repo: Repo, form: str, folder: str | None = None, split: str = "train") -> list[dict[str, Any]]:
    """Return the rows that an export holds, by the plainest reader of its files."""
    top = repo.path / EXPORT / (folder or form)
    if not FORMATS[form].columnar:
        return [orjson.loads(line) for line in (top / f"{split}.jsonl").read_bytes().splitlines()]
    from pyarrow import parquet

    files = sorted(top.rglob(f"{split}.parquet"))
    return [row for file in files for row in parquet.ParquetFile(file).read().to_pylist()]


def text_of(row: dict[str, Any]) -> tuple[str, str]:
    """Return question and answer of a row of any format."""
    if "messages" in row:
        question, answer = row["messages"]
        assert (question["role"], answer["role"]) == ("user", "assistant")
        return question["content"], answer["content"]
    if "conversations" in row:
        human, gpt = row["conversations"]
        assert (human["from"], gpt["from"]) == ("human", "gpt")
        return human["value"], gpt["value"]
    if "instruction" in row:
        assert row["input"] == ""
        return row["instruction"], row["output"]
    found = re.fullmatch(r"Question: (.*)\nAnswer:", row["prompt"], re.DOTALL)
    assert found is not None
    assert row["completion"].startswith(" ")
    return found[1], row["completion"][1:]


def origins(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what every format keeps of rows, in the order of ids."""
    return sorted((row["id"], row["discipline"], row["recipe"], row["nodes"], *text_of(row)) for row in rows)


def test_every_row_keeps_its_text_and_its_origin_in_every_format(repo: Repo) -> None:
    for form in FORMATS:
        outcome = repo.run("export", form, "--json")
        assert outcome.code == 0, outcome.err
        assert outcome.json["rows"] == 449
        assert origins(rows_of(repo, form)) == origins(samples(repo))


def test_messages_are_the_shards_byte_for_byte(repo: Repo) -> None:
    repo.run("export", "messages")
    shards = b"".join(repo.files("build/dataset/train").values())
    assert repo.read(f"{EXPORT}/messages/train.jsonl") == shards


def test_it_says_what_it_wrote_and_how_to_read_it(repo: Repo) -> None:
    repo.built()
    outcome = repo.run("export", "messages")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.sub(r"\d\.\d s", "T s", outcome.out) == (
        "449 rows in build/export/messages: 1 file, 0.1 MB (T s)\n"
        'load_dataset("json", data_files="build/export/messages/train.jsonl", split="train")\n'
    )
    outcome = repo.run("export", "sharegpt", "--split", "validation=0.1", "--to", "out")
    assert re.sub(r"\d\.\d s", "T s", outcome.out) == (
        "449 rows (401 train, 48 validation) in out: 3 files, 0.1 MB (T s)\n"
        "llamafactory-cli train --stage sft --dataset_dir out --dataset small ...\n"
    )


def test_the_report_and_the_marker_agree_with_the_lock(repo: Repo) -> None:
    report = repo.run("export", "parquet", "--json").json
    marker = orjson.loads(repo.read(f"{EXPORT}/parquet/prodabuild-export.json"))
    assert set(report) == {
        "schema", "format", "folder", "rows", "splits", "disciplines", "recipes", "files", "data", "load", "seconds",
    }  # fmt: skip
    for name in ("splits", "disciplines", "recipes", "data", "format", "schema"):
        assert report[name] == marker[name]
    assert (report["splits"], report["disciplines"]) == ({"train": 449}, {"tools": 217, "zoo": 232})
    assert report["recipes"] == {"choose": 59, "define": 144, "judge": 118, "relate": 128}
    assert {entry.pop("path"): entry for entry in report["files"]} == marker["files"]
    assert locked(repo, "dataset") == marker["data"]


def test_stale_data_are_built_first_and_locked_is_honoured(repo: Repo) -> None:
    repo.run("export", "messages")
    repo.edit(KINDS, "a lizard with the habits of a gecko and of nothing else", "a lizard that sticks to walls")
    before = repo.files()
    outcome = repo.run("export", "messages", "--locked")
    assert outcome.code == 4
    assert repo.files() == before
    assert b"sticks to walls" not in repo.read(f"{EXPORT}/messages/train.jsonl")
    outcome = repo.run("export", "messages")
    assert outcome.code == 0
    assert outcome.out.endswith("proda.lock was updated: commit it with your change\n")
    assert b"sticks to walls" in repo.read(f"{EXPORT}/messages/train.jsonl")
    assert repo.run("export", "messages", "--locked").code == 0


@pytest.mark.parametrize("form", ["alpaca", "hf"])
def test_the_same_data_give_the_same_bytes(repo: Repo, form: str) -> None:
    repo.run("export", form, "--split", "validation=0.2")
    before = repo.files(EXPORT)
    outcome = repo.spawn("export", form, "--split", "validation=0.2", env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"})
    assert outcome.code == 0, outcome.err
    assert repo.files(EXPORT) == before


def test_an_id_decides_alone_which_split_it_falls_into(repo: Repo) -> None:
    repo.run("export", "messages", "--split", "validation=0.1")
    small = {row["id"] for row in rows_of(repo, "messages", split="validation")}
    train = {row["id"] for row in rows_of(repo, "messages")}
    assert not small & train
    assert small | train == {row["id"] for row in samples(repo)}
    repo.run("export", "hf", "--split", "later=.3", "--discipline", "zoo")
    large = {row["id"] for row in rows_of(repo, "hf", split="later")}
    assert {identity for identity in small if identity.startswith("zoo/")} < large


def test_disciplines_can_be_chosen(repo: Repo) -> None:
    repo.run("export", "hf", "--discipline", "tools")
    assert {row["discipline"] for row in rows_of(repo, "hf")} == {"tools"}
    assert not (repo.path / EXPORT / "hf/data/zoo").exists()
    repo.run("export", "alpaca", "--discipline", "tools", "--discipline", "zoo")
    assert len(rows_of(repo, "alpaca")) == 449


@pytest.mark.parametrize("split", ["dev", "sealed"])
def test_items_go_out_by_name_alone_and_by_themselves(repo: Repo, split: str) -> None:
    for form in FORMATS:
        assert repo.run("export", form, "--items", split).code == 0
        found, by_id = rows_of(repo, form, f"{form}-{split}", split), {item["id"]: item for item in items(repo, split)}
        assert len(found) == len(by_id) > 0
        for row in found:
            item = by_id[row["id"]]
            assert text_of(row) == (item["question"], item["choices"][item["gold"]])
            for name in ("discipline", "split", "nodes", "choices", "gold"):
                assert row[name] == item[name]
        marker = orjson.loads(repo.read(f"{EXPORT}/{form}-{split}/prodabuild-export.json"))
        assert (marker["what"], marker["splits"]) == (split, {split: len(found)})
        assert locked(repo, "suite:chains") == marker["data"]
    assert {path.name for path in (repo.path / EXPORT).iterdir()} == {f"{form}-{split}" for form in FORMATS}


def test_no_export_of_training_data_holds_an_item(repo: Repo) -> None:
    for form in FORMATS:
        repo.run("export", form, "--split", "validation=0.2")
        rows = [row for split in ("train", "validation") for row in rows_of(repo, form, split=split)]
        questions = {item["question"] for split in ("dev", "sealed") for item in items(repo, split)}
        assert (len(rows), len(questions)) == (449, 20)
        assert not questions.intersection(text_of(row)[0] for row in rows)
    names = {path.name for path in (repo.path / EXPORT).rglob("*") if path.is_file()}
    assert not {name for name in names if name.startswith(("dev", "sealed"))}


def test_items_do_not_land_among_training_data(repo: Repo) -> None:
    repo.run("export", "messages", "--to", "out")
    outcome = repo.run("export", "messages", "--to", "out", "--items", "dev")
    assert outcome.code == 1
    assert outcome.err == (
        f"error: {repo.path}/out holds training data, which dev items may not replace\n"
        "hint: name another folder with --to\n"
    )
    assert repo.run("export", "messages", "--to", "out/items", "--items", "dev").code == 1


def test_sources_and_licences_are_what_the_repo_declares(repo: Repo) -> None:
    repo.write("knowledge/LICENSE.field", "You may look.\n")
    repo.edit(
        "proda.yaml", "compile:", "licences:\n  field: {name: Field licence, file: knowledge/LICENSE.field}\ncompile:"
    )
    repo.edit(KINDS, "- id: zoo/gecko\n", "- id: zoo/gecko\n  source: field:notes#10-20\n")
    repo.edit(KINDS, "- id: zoo/cobra\n", "- id: zoo/cobra\n  source: {document: atlas, quote: hisses}\n")
    repo.run("export", "hf")
    rows = {row["id"]: orjson.loads(row["provenance"]) for row in rows_of(repo, "hf")}
    source = {"document": "field:notes", "span": [10, 20]}
    assert rows["zoo/gecko#define.term"] == {"record": "zoo/gecko", "sources": {"zoo/gecko": source}}
    relation = rows["zoo/gecko.is_a.lizard#relate.question"]
    assert relation == {"record": "zoo/gecko.is_a.lizard", "sources": {"zoo/gecko": source}}
    assert rows["zoo/cobra#define.term"]["sources"]["zoo/cobra"] == {"document": "atlas", "quote": "hisses"}
    assert rows["zoo/owl#define.term"] == {"record": "zoo/owl", "sources": {}}
    marker = orjson.loads(repo.read(f"{EXPORT}/hf/prodabuild-export.json"))
    assert [(each["source"], each["licence"]) for each in marker["sources"]] == [
        (None, "unknown"), ("atlas", "unknown"), ("field", "Field licence"),
    ]  # fmt: skip
    gecko = sum("zoo/gecko" in row["nodes"] for row in samples(repo))
    assert marker["sources"][2]["rows"] == gecko
    assert repo.read(f"{EXPORT}/hf/licences/knowledge/LICENSE.field") == b"You may look.\n"
    assert f"| field | Field licence, [text](licences/knowledge/LICENSE.field) | {gecko} |\n".encode() in repo.read(
        f"{EXPORT}/hf/README.md"
    )


def test_a_licence_is_no_input_of_a_build(repo: Repo) -> None:
    repo.built()
    lock = repo.read("proda.lock")
    repo.edit("proda.yaml", "compile:", "licences: {field: {name: MIT}}\ncompile:")
    assert repo.data()["built"] == []
    assert repo.read("proda.lock") == lock


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["text"], "'text' is not one of"),
        (["hf", "--split", "0.1"], "write a name and a share between 0 and 1, as in validation=0.05"),
        (["hf", "--split", "later=0.0"], "write a name and a share between 0 and 1, as in validation=0.05"),
        (["hf", "--split", "later=1.5"], "write a name and a share between 0 and 1, as in validation=0.05"),
        (["hf", "--split", "sealed=0.1"], "'sealed' is taken; what is set aside is no test item"),
        (["hf", "--items", "train"], "'train' is not one of"),
        (["hf", "--items", "dev", "--split", "later=0.1"], "--split sets training samples aside: it does not go with --items"),
        (["hf", "--discipline", "zo"], "error: there is no discipline 'zo'\nhint: did you mean 'zoo'?"),
        (["hf", "--to", "knowledge/zoo/out"], "error: knowledge/zoo/out lies in knowledge/zoo, which is no place for exports\nhint: without --to it goes to build/export/hf"),
        (["hf", "--to", "build/dataset/out"], "error: build/dataset/out lies in build, which is no place for exports"),
        (["hf", "--to", "build/export"], "error: build/export lies in build, which is no place for exports"),
        (["hf", "--to", "build/export/../items"], "is no place for exports"),
        (["hf", "--to", ".git/x"], "error: .git/x lies in .git, which is no place for exports"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_met_builds_nothing(repo: Repo, arguments: list[str], words: str) -> None:
    outcome = repo.run("export", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert not (repo.path / "build").exists()


def test_the_repo_itself_is_no_place(repo: Repo) -> None:
    repo.built()
    outcome = repo.run("export", "hf", "--to", ".")
    assert outcome.code == 1
    assert "holds files that no export wrote" in outcome.err
    assert repo.run("check").code == 0


def test_a_split_without_a_row_is_an_error_and_leaves_nothing(repo: Repo) -> None:
    outcome = repo.run("export", "messages", "--split", "later=0.000001", "-q")
    assert outcome.code == 1
    assert outcome.err == (
        "error: the split 'later' would be empty\nhint: choose other disciplines, or another share with --split\n"
    )
    assert list((repo.path / EXPORT).iterdir()) == []


def test_without_chains_there_are_no_items_to_export(repo: Repo) -> None:
    (repo.path / "knowledge/tools/chains.yaml").unlink()
    outcome = repo.run("export", "messages", "--items", "dev", "--discipline", "tools", "-q")
    assert outcome.code == 1
    assert outcome.err == (
        "error: there is nothing to export\nhint: choose other disciplines, or other items with --items\n"
    )
    repo.edit("proda.yaml", "tests:\n  chains: {from: chains, sealed: 0.5}\n", "")
    outcome = repo.run("export", "messages", "--items", "dev")
    assert (outcome.code, outcome.err) == (
        2, "error: proda.yaml declares no suite that is made from chains\nhint: so there are no test items\n",
    )  # fmt: skip


def test_a_missing_library_is_named_with_its_extra_before_anything_is_built(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = repo.run("export", "parquet")
    assert (outcome.code, outcome.err) == (
        5,
        "error: this needs the package 'pyarrow', which is not installed\nhint: pip install 'prodabuild[export]'\n",
    )
    assert not (repo.path / "build").exists()
    assert repo.run("export", "sharegpt").code == 0
