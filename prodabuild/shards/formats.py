"""The formats that other trainers read: how a row of the dataset reads in each, and the files that describe it.

Every row keeps `id`, `discipline`, `recipe` and `nodes` beside its text. A row of test items has `split`, `choices`
and `gold` in place of `recipe`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.digest import canonical
from prodabuild.shards.card import card
from prodabuild.shards.parquet import write_parquet
from prodabuild.shards.prompt import prompt_and_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from prodabuild.shards.contents import Contents

Row = dict[str, Any]


def as_messages(row: Row) -> Row:
    """Return the row as the dataset has it."""
    return row


def as_prompt_completion(row: Row) -> Row:
    """Return the row with the text that `compile` trains on and lm-eval asks with."""
    prompt, completion = prompt_and_answer(row["messages"])
    return _instead_of_messages(row, prompt=prompt, completion=completion)


def as_sharegpt(row: Row) -> Row:
    """Return the row with its messages as turns of `human` and `gpt`."""
    turns = [{"from": _SPEAKERS[message["role"]], "value": message["content"]} for message in row["messages"]]
    return _instead_of_messages(row, conversations=turns)


def as_alpaca(row: Row) -> Row:
    """Return the row with the question as its instruction."""
    question, answer = row["messages"]
    return _instead_of_messages(row, instruction=question["content"], input="", output=answer["content"])


def _instead_of_messages(row: Row, **columns: Any) -> Row:
    return {name: value for name, value in row.items() if name != "messages"} | columns


def write_jsonl(path: Path, rows: Iterator[Row]) -> None:
    """Write rows as lines of JSON."""
    with path.open("wb") as file:
        file.writelines(canonical(row) + b"\n" for row in rows)


def describe_nothing(contents: Contents) -> dict[str, bytes]:
    """Return no file: the data speak for themselves."""
    return {}


def describe_sharegpt(contents: Contents) -> dict[str, bytes]:
    """Return LLaMA-Factory's description of ShareGPT files."""
    return _dataset_info(contents, {"formatting": "sharegpt", "columns": {"messages": "conversations"}, "tags": _TAGS})


def describe_alpaca(contents: Contents) -> dict[str, bytes]:
    """Return LLaMA-Factory's description of Alpaca files."""
    columns = {"prompt": "instruction", "query": "input", "response": "output"}
    return _dataset_info(contents, {"formatting": "alpaca", "columns": columns})


def describe_hub(contents: Contents) -> dict[str, bytes]:
    """Return the card of a Hugging Face dataset."""
    return {"README.md": card(contents).encode()}


_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}
# LLaMA-Factory takes a tag that is left out beside others as none, so all of them are written.
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


def _dataset_info(contents: Contents, description: dict[str, Any]) -> dict[str, bytes]:
    """Return LLaMA-Factory's register of datasets: the first split has the repository's name, others theirs, too."""
    register = {
        contents.name if number == 0 else f"{contents.name}_{split}": {"file_name": path, **description}
        for number, (split, (path,)) in enumerate(contents.files.items())
    }
    return {"dataset_info.json": orjson.dumps(register, option=orjson.OPT_INDENT_2) + b"\n"}


class Format(NamedTuple):
    """One format. `load` is a line that reads it, once FOLDER, SPLIT and NAME are put in."""

    load: str
    row: Callable[[Row], Row] = as_messages
    write: Callable[[Path, Iterator[Row]], None] = write_jsonl
    file: str = "{split}.jsonl"
    describe: Callable[[Contents], dict[str, bytes]] = describe_nothing

    @property
    def by_discipline(self) -> bool:
        """Tell whether each discipline has files of its own."""
        return "{discipline}" in self.file

    @property
    def columnar(self) -> bool:
        """Tell whether rows become columns of Parquet, their provenance among them."""
        return self.write is write_parquet


_JSON = 'load_dataset("json", data_files="FOLDER/SPLIT.jsonl", split="train")'
_FACTORY = "llamafactory-cli train --stage sft --dataset_dir FOLDER --dataset NAME ..."
_PANDAS = 'pandas.read_parquet("FOLDER/SPLIT.parquet")'
FORMATS: dict[str, Format] = {
    "messages": Format(_JSON),
    "prompt-completion": Format(_JSON, as_prompt_completion),
    "sharegpt": Format(_FACTORY, as_sharegpt, describe=describe_sharegpt),
    "alpaca": Format(_FACTORY, as_alpaca, describe=describe_alpaca),
    "parquet": Format(_PANDAS, write=write_parquet, file="{split}.parquet"),
    "hf": Format(
        'load_dataset("FOLDER")',
        write=write_parquet,
        file="data/{discipline}/{split}.parquet",
        describe=describe_hub,
    ),
}
