"""Samples as token ids with a mask: the loss counts the answer only. Nothing is cut or dropped in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.shards.prompt import prompt_and_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROBE = [{"role": "user", "content": "who?"}, {"role": "assistant", "content": "nobody."}]
NAMED = 5  # samples that a message names


class Example(NamedTuple):
    """Token ids; those from `start` on are trained on."""

    ids: tuple[int, ...]
    start: int


def encode(rows: Iterable[dict[str, Any]], tokenizer: Any) -> list[Example]:
    """Return each sample's tokens, the end-of-text token last; raises `ProjectError` naming those without an answer.

    Question and answer are tokenised as one text, as a test does it.
    """
    rows = list(rows)
    if not rows:
        return []
    pairs = [prompt_and_answer(row["messages"]) for row in rows]
    whole = tokens_of(tokenizer, [prompt + answer for prompt, answer in pairs])
    prompts = tokens_of(tokenizer, [prompt for prompt, _ in pairs])
    examples = [
        Example((*ids, tokenizer.eos_token_id), len(prompt)) for ids, prompt in zip(whole, prompts, strict=True)
    ]
    empty = [
        row["id"]
        for row, example in zip(rows, examples, strict=True)
        if example.start >= len(example.ids) - 1 or not row["messages"][-1]["content"].strip()
    ]
    if empty:
        raise ProjectError(
            f"{named(empty)} without a supervised token", "the answer is empty: mend the record or the recipe"
        )
    return examples


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the tokens of texts in the one way that both training and tests use; raises `ProjectError`.

    What the tokenizer puts before a text comes first (`<s>`), unless the text brings it itself; what it would put
    behind one is left out, since an answer follows, or the end-of-text token that training adds.
    """
    if not texts:
        return []
    first = _first_tokens(tokenizer)
    ids = _plain(tokenizer, texts)
    start = tokenizer.decode(first) if first else ""
    return [one if start and text.startswith(start) else first + one for text, one in zip(texts, ids, strict=True)]


def _first_tokens(tokenizer: Any) -> list[int]:
    """Return the special tokens that a tokenizer puts before a text."""
    (bare,) = tokenizer(["a"], add_special_tokens=False)["input_ids"]
    (dressed,) = tokenizer(["a"])["input_ids"]
    at = next((at for at in range(len(dressed)) if dressed[at : at + len(bare)] == bare), None)
    if at is None or not bare:
        raise ProjectError(
            "the base's tokenizer reads a text in another way when it adds special tokens", "take another base"
        )
    return list(dressed[:at])


def _plain(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the tokens of texts alone, in a third of the time where the library beneath can be asked."""
    below = getattr(tokenizer, "backend_tokenizer", None)
    if below is not None and below.padding is None and below.truncation is None:
        return [encoded.ids for encoded in below.encode_batch_fast(list(texts), add_special_tokens=False)]
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    return ids


def named(samples: Sequence[str]) -> str:
    """Return how many samples there are, and the first of them by id."""
    more = f" and {len(samples) - NAMED} more" if len(samples) > NAMED else ""
    return f"{len(samples)} sample{'s' * (len(samples) > 1)} ({', '.join(samples[:NAMED])}{more})"


def refuse_unfit(tokenizer: Any) -> None:
    """Raise `ProjectError` when a tokenizer cannot end a text, or loses the marks between question and answer."""
    if tokenizer.eos_token_id is None:
        raise ProjectError(
            "the base's tokenizer has no end-of-text token", "set eos_token in its tokenizer_config.json"
        )
    text = "".join(prompt_and_answer(PROBE))
    ids = tokenizer([text], add_special_tokens=False)["input_ids"][0]
    back = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    if back.strip() != text or tokenizer.unk_token_id in ids:
        raise ProjectError(
            f"the base's tokenizer loses the template's marks: {text!r} is read back as {back!r}",
            "take a base whose tokenizer keeps line breaks and colons",
        )
