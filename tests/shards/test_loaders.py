"""Each format, read by the library that its users read it with: nothing is lost, renamed or retyped on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import Repo, rows_below

pytestmark = pytest.mark.train

TEXT, TEXTS = "string", ["string"]
ORIGIN = {"id": TEXT, "discipline": TEXT, "recipe": TEXT, "nodes": TEXTS}
MESSAGES = [{"role": TEXT, "content": TEXT}]


@pytest.fixture
def expected(repo: Repo) -> dict[str, dict[str, Any]]:
    repo.built()
    return {row["id"]: row for row in rows_below(repo.path / "build/dataset/train")}


def load(repo: Repo, *arguments: Any, **options: Any) -> Any:
    from datasets import load_dataset

    return load_dataset(*arguments, cache_dir=str(repo.path / "cache"), **options)


def export(repo: Repo, *arguments: str) -> str:
    """Export, and return the folder."""
    report = repo.run("export", *arguments, "--json")
    assert report.code == 0, report.err
    return str(repo.path / report.json["folder"])


def types(features: Any) -> Any:
    """Return the types of a dataset's columns as plain data."""
    if isinstance(features, dict):
        return {name: types(feature) for name, feature in features.items()}
    return [types(features.feature)] if hasattr(features, "feature") else features.dtype


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        ("messages", {"messages": MESSAGES}),
        ("prompt-completion", {"prompt": TEXT, "completion": TEXT}),
        ("sharegpt", {"conversations": [{"from": TEXT, "value": TEXT}]}),
        ("alpaca", {"instruction": TEXT, "input": TEXT, "output": TEXT}),
    ],
)
def test_datasets_reads_jsonl(
    repo: Repo, expected: dict[str, dict[str, Any]], form: str, columns: dict[str, Any]
) -> None:
    folder = Path(export(repo, form, "--split", "validation=0.1"))
    files = {split: str(folder / f"{split}.jsonl") for split in ("train", "validation")}
    found = load(repo, "json", data_files=files)
    written = [orjson.loads(line) for file in files.values() for line in Path(file).read_bytes().splitlines()]
    assert types(found["train"].features) == {**ORIGIN, **columns}
    assert [row for split in files for row in found[split]] == written
    assert sorted(row["id"] for row in written) == sorted(expected)


@pytest.mark.parametrize("form", ["messages", "parquet", "hf"])
def test_datasets_reads_the_folder(repo: Repo, expected: dict[str, dict[str, Any]], form: str) -> None:
    found = load(repo, export(repo, form, "--split", "validation=0.1"))
    assert set(found) == {"train", "validation"}
    extra = {} if form == "messages" else {"provenance": TEXT}
    assert types(found["train"].features) == {**ORIGIN, "messages": MESSAGES, **extra}
    rows = [row for split in found.values() for row in split]
    assert len(rows) == len(expected)
    for row in rows:
        row.pop("provenance", None)
        assert row == expected[row["id"]]


def test_datasets_reads_one_discipline_and_the_items_of_a_hub_folder(
    repo: Repo, expected: dict[str, dict[str, Any]]
) -> None:
    found = load(repo, export(repo, "hf"), "zoo", split="train")
    assert sorted(found["id"]) == sorted(row["id"] for row in expected.values() if row["discipline"] == "zoo")
    items = load(repo, export(repo, "hf", "--items", "sealed"), split="sealed")
    assert types(items.features)["gold"] == "int64"
    assert [row["choices"][row["gold"]] for row in items] == [row["messages"][1]["content"] for row in items]


def test_the_hub_accepts_the_card(repo: Repo) -> None:
    from huggingface_hub import DatasetCard

    repo.write("knowledge/LICENSE.field", "You may look.\n")
    repo.edit("proda.yaml", "compile:", "licences: {field: {name: Ours, file: knowledge/LICENSE.field}}\ncompile:")
    repo.edit("knowledge/zoo/kinds.yaml", "- id: zoo/gecko\n", "- id: zoo/gecko\n  source: field:notes#1-2\n")
    data = DatasetCard.load(Path(export(repo, "hf")) / "README.md").data
    assert (data.pretty_name, data.license, data.tags) == ("small", ["other", "unknown"], ["prodabuild"])
    assert [config["config_name"] for config in data.configs] == ["default", "tools", "zoo"]


@pytest.mark.parametrize("reader", ["pandas", "pyarrow"])
def test_pandas_and_pyarrow_read_parquet(repo: Repo, expected: dict[str, dict[str, Any]], reader: str) -> None:
    import pandas as pd
    from pyarrow import parquet

    file = export(repo, "parquet") + "/train.parquet"
    rows = pd.read_parquet(file).to_dict("records") if reader == "pandas" else parquet.read_table(file).to_pylist()
    assert len(rows) == len(expected)
    for row in rows:
        origin = expected[row["id"]]
        assert [list(row["nodes"]), list(row["messages"])] == [origin["nodes"], origin["messages"]]
        assert [row["discipline"], row["recipe"]] == [origin["discipline"], origin["recipe"]]
        assert orjson.loads(row["provenance"])["record"] == row["id"].partition("#")[0]


# What LLaMA-Factory's data/README.md says of dataset_info.json: the keys there are, and what a missing one stands for.
COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
TAGS = {"role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag", "system_tag"}


@pytest.mark.parametrize("form", ["sharegpt", "alpaca"])
def test_llama_factory_reads_what_is_described(repo: Repo, expected: dict[str, dict[str, Any]], form: str) -> None:
    """By its documented rules: it cannot be installed beside the libraries that are used here."""
    folder = Path(export(repo, form))
    (told,) = orjson.loads((folder / "dataset_info.json").read_bytes()).values()
    assert told.keys() <= {"file_name", "formatting", "columns", "tags"}
    assert told["columns"].keys() <= COLUMNS.keys()
    assert set(told.get("tags", TAGS)) == TAGS
    assert told["formatting"] == form
    rows = load(repo, "json", data_files=[str(folder / told["file_name"])], split="train")
    assert len(rows) == len(expected)
    for row in rows:
        question, answer = (message["content"] for message in expected[row["id"]]["messages"])
        if form == "alpaca":
            columns = told["columns"]
            asked = "\n".join(row[columns[name]] for name in ("prompt", "query") if row[columns[name]])
            assert (asked, row[columns["response"]]) == (question, answer)
        else:
            tags = told["tags"]
            turns = [(turn[tags["role_tag"]], turn[tags["content_tag"]]) for turn in row[told["columns"]["messages"]]]
            assert turns == [(tags["user_tag"], question), (tags["assistant_tag"], answer)]
