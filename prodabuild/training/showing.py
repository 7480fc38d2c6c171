"""What training sees: one sample a recipe as tokens, and which of them it learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from prodabuild.training.base import load_tokenizer, open_base
from prodabuild.training.encode import encode
from prodabuild.training.model import write_corpus
from prodabuild.training.settings import read_settings

if TYPE_CHECKING:
    from prodabuild.engine.view import View


class Shown(NamedTuple):
    """A sample as tokens; those in `trained` are learned, those in `given` are not."""

    recipe: str
    sample: str
    given: tuple[str, ...]
    trained: tuple[str, ...]


def show(view: View) -> tuple[Shown, ...]:
    """Return the first sample of each recipe; raises what training would raise about any sample, or the tokenizer."""
    settings = read_settings(view)
    base = open_base(view, view.scratch() / "base")
    write_corpus(view, base, settings)
    tokenizer = load_tokenizer(base)
    first: dict[str, dict[str, Any]] = {}
    for unit in view.units("shards"):
        for line in view.path(view.output(unit)[0]).read_bytes().splitlines():
            row = orjson.loads(line)
            first.setdefault(row["recipe"], row)
    return tuple(_shown(row, tokenizer, settings["train.max_length"]) for _, row in sorted(first.items()))


def _shown(row: dict[str, Any], tokenizer: Any, max_length: int) -> Shown:
    (example,) = encode([row], tokenizer)
    words = tuple(tokenizer.decode([number]) for number in example.ids[:max_length])
    return Shown(row["recipe"], row["id"], words[: example.start], words[example.start :])
