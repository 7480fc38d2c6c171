"""Samples as token ids with a mask: the loss counts the answer only. Nothing is cut or dropped in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.shards.prompt import prompt_and_answer

if TYPE_CHECKING:
    from collections.abc import Iterable


class Example(NamedTuple):
    """Token ids; those from `start` on are trained on."""

    ids: tuple[int, ...]
    start: int


def encode(rows: Iterable[dict[str, Any]], tokenizer: Any, max_length: int) -> list[Example]:
    """Return each sample's tokens, the end-of-text token last; raises `ProjectError` on one that cannot be used."""
    rows = list(rows)
    pairs = [prompt_and_answer(row["messages"]) for row in rows]
    prompts = tokenizer([prompt for prompt, _ in pairs], add_special_tokens=False)["input_ids"] if pairs else []
    answers = tokenizer([answer for _, answer in pairs], add_special_tokens=False)["input_ids"] if pairs else []
    examples = []
    for row, prompt, answer in zip(rows, prompts, answers, strict=True):
        if not answer or not row["messages"][-1]["content"].strip():
            raise ProjectError(
                f"sample {row['id']} has no supervised token", "its answer is empty: mend the record or the recipe"
            )
        length = len(prompt) + len(answer) + 1
        if length > max_length:
            hint = f"raise model.train.max_length to {length}, or shorten the record"
            raise ProjectError(
                f"sample {row['id']} has {length} tokens, over model.train.max_length {max_length}", hint
            )
        examples.append(Example((*prompt, *answer, tokenizer.eos_token_id), len(prompt)))
    return examples
