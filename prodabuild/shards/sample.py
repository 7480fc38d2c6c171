"""One training sample: a question and its answer, tied to the records it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical
from prodabuild.segments import fold

if TYPE_CHECKING:
    from collections.abc import Iterable


class Sample(NamedTuple):
    """What a recipe yields. `variant` tells apart the samples that one recipe makes of one record."""

    variant: str
    question: str
    answer: str
    nodes: tuple[str, ...]


def said(sample: Sample) -> tuple[str, str]:
    """Return question and answer as they are compared: case and spaces make no difference."""
    return bare(sample.question), bare(sample.answer)


def bare(text: str) -> str:
    """Return a text without case, its spaces single."""
    return " ".join(fold(text).split())


def to_row(sample: Sample, record: str, recipe: str, discipline: str) -> dict[str, Any]:
    """Return a sample as a row of the dataset: id, discipline, recipe, node ids, messages."""
    return {
        "id": f"{record}#{recipe}.{sample.variant}",
        "discipline": discipline,
        "recipe": recipe,
        "nodes": list(sample.nodes),
        "messages": [{"role": "user", "content": sample.question}, {"role": "assistant", "content": sample.answer}],
    }


def to_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Return rows as JSONL."""
    return b"".join(canonical(row) + b"\n" for row in rows)
