"""How a row reads in each format, by itself; the files that describe it; memory that does not grow with the rows."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from prodabuild.cli.export_command import FORMATS as OFFERED
from prodabuild.shards.contents import Contents
from prodabuild.shards.formats import FORMATS, write_jsonl
from prodabuild.shards.parquet import GROUP, write_parquet

KEPT = {
    "id": "zoo/gecko#define.term",
    "discipline": "zoo",
    "recipe": "define",
    "nodes": ["zoo/gecko"],
}
ROW = {
    **KEPT,
    "messages": [{"role": "user", "content": "Which term?"}, {"role": "assistant", "content": "gecko."}],
}


def contents(**files: list[str]) -> Contents:
    return Contents("small", "train", "0" * 64, "0", files, Counter(), ())


def test_the_command_offers_every_format() -> None:
    assert tuple(FORMATS) == OFFERED


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        ("messages", {"messages": ROW["messages"]}),
        ("prompt-completion", {"prompt": "Question: Which term?\nAnswer:", "completion": " gecko."}),
        ("sharegpt", {"conversations": [{"from": "human", "value": "Which term?"}, {"from": "gpt", "value": "gecko."}]}),
        ("alpaca", {"instruction": "Which term?", "input": "", "output": "gecko."}),
        ("parquet", {"messages": ROW["messages"]}),
        ("hf", {"messages": ROW["messages"]}),
    ],
)  # fmt: skip
def test_a_row_keeps_where_it_comes_from_in_every_format(form: str, columns: dict[str, Any]) -> None:
    assert FORMATS[form].row(ROW) == {**KEPT, **columns}


def test_llama_factory_is_told_each_column_and_tag() -> None:
    split = contents(train=["train.jsonl"], validation=["validation.jsonl"])
    told = {form: orjson.loads(FORMATS[form].describe(split)["dataset_info.json"]) for form in ("sharegpt", "alpaca")}
    assert [list(register) for register in told.values()] == [["small", "small_validation"]] * 2
    assert told["sharegpt"]["small_validation"] == {
        "file_name": "validation.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
            "observation_tag": "observation",
            "function_tag": "function_call",
            "system_tag": "system",
        },
    }
    assert told["alpaca"]["small"] == {
        "file_name": "train.jsonl",
        "formatting": "alpaca",
        "columns": {"prompt": "instruction", "query": "input", "response": "output"},
    }


def test_parquet_has_the_schema_that_is_stated_and_nothing_beside_it(tmp_path: Path) -> None:
    from pyarrow import parquet

    file = tmp_path / "x.parquet"
    write_parquet(file, iter([{**ROW, "provenance": "{}"}] * (GROUP + 1)))
    found = parquet.ParquetFile(file)
    assert str(found.schema_arrow) == (
        "id: string\ndiscipline: string\nrecipe: string\nnodes: list<element: string>\n  child 0, element: string\n"
        "messages: list<element: struct<role: string, content: string>>\n"
        "  child 0, element: struct<role: string, content: string>\n"
        "      child 0, role: string\n      child 1, content: string\nprovenance: string"
    )
    assert found.metadata.metadata is None
    assert [found.metadata.row_group(number).num_rows for number in range(found.num_row_groups)] == [GROUP, 1]


def test_a_column_that_the_schema_lacks_is_not_dropped_in_silence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a row has other columns than the schema"):
        write_parquet(tmp_path / "x.parquet", iter([{**ROW, "mood": "calm"}]))


@pytest.mark.parametrize("write", [write_jsonl, write_parquet])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, write: Any) -> None:
    def rows(number: int) -> Iterator[dict[str, Any]]:
        return ({**ROW, "id": f"zoo/{n}#define.term", "nodes": [f"zoo/{n}"]} for n in range(number))

    def peak(number: int) -> int:
        tracemalloc.start()
        write(tmp_path / "rows", rows(number))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)  # imports
    assert peak(6 * GROUP) < 1.2 * peak(2 * GROUP) + 1_000_000  # all rows would be several times that
