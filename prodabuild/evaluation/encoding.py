"""Text to tokens, exactly as lm-eval's `HFLM` does it, so that the figures are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.shards.prompt import prompt_and_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST = 256  # tokens of options that one row holds at most, if it holds more than one option
_LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx")
_UNSTATED = 2048  # the context of a model that states none, as lm-eval takes it
_INFINITE = 10**9  # tokenizers without a limit state an enormous one


class Request(NamedTuple):
    """A context, and the continuations whose log-likelihoods are asked for."""

    context: str
    continuations: tuple[str, ...]


def request_of(question: str, answers: Sequence[str]) -> Request:
    """Return what is asked of a model so that it chooses among answers: the texts are those of training."""
    pairs = [prompt_and_answer([{"content": question}, {"content": answer}]) for answer in answers]
    return Request(pairs[0][0], tuple(answer for _, answer in pairs))


class Row(NamedTuple):
    """Tokens of a context and of some continuations of one request; `numbers` say which ones."""

    request: int
    context: list[int]
    options: list[list[int]]
    numbers: list[int]


def context_length(config: Any, tokenizer: Any) -> int:
    """Return the longest input that a model takes, in tokens."""
    config = getattr(config, "text_config", None) or config
    stated = next((value for name in _LENGTHS if (value := getattr(config, name, None)) is not None), None)
    if stated is None:
        stated = getattr(tokenizer, "model_max_length", None)
        return int(stated) if stated is not None and stated < _INFINITE else _UNSTATED
    return int(stated)


def encode(tokenizer: Any, requests: Sequence[Request], limit: int) -> list[Row]:
    """Return the rows of some requests. What is too long for the model is cut from the left, as lm-eval cuts it."""
    moved = [_move_spaces(request) for request in requests]
    whole = [context + text for context, texts in moved for text in texts]
    contexts = _tokens(tokenizer, [context for context, _ in moved])
    tokens = iter(_tokens(tokenizer, whole))
    rows: list[Row] = []
    for number, ((context, texts), ids) in enumerate(zip(moved, contexts, strict=True)):
        pairs = [_pair(tokenizer, context, text, ids, next(tokens)) for text in texts]
        rows += _rows(number, pairs, limit, requests[number])
    return rows


def _move_spaces(request: Request) -> Request:
    """Move spaces at the end of the context to the continuations: that is where tokenizers want them."""
    kept = request.context.rstrip()
    spaces = request.context[len(kept) :]
    if not spaces:
        return request
    return Request(kept, tuple(spaces + text for text in request.continuations))


def _pair(tokenizer: Any, context: str, text: str, ids: list[int], whole: list[int]) -> tuple[list[int], list[int]]:
    if context:
        return ids, whole[len(ids) :]
    option = list(tokenizer.encode(text, add_special_tokens=False))
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    return (option[:1], option[1:]) if option[:1] == [start] else ([start], option)


def _rows(number: int, pairs: list[tuple[list[int], list[int]]], limit: int, request: Request) -> list[Row]:
    rows: list[Row] = []
    for which, (context, option) in enumerate(pairs):
        if not 0 < len(option) <= limit:
            raise ProjectError(
                f"{request.continuations[which]!r} is {len(option)} tokens long, the model takes 1 to {limit}",
                "mend the item that has it as an option",
            )
        cut = context[max(0, len(context) + len(option) - limit - 1) :]
        last = rows[-1] if rows else None
        if last is None or last.context != cut or _width(last) + len(option) - 1 > WIDEST:
            rows.append(Row(number, cut, [option], [which]))
        else:
            last.options.append(option)
            last.numbers.append(which)
    return rows


def _width(row: Row) -> int:
    return sum(len(option) - 1 for option in row.options)


def _tokens(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    start = tokenizer.decode(tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id)
    begun = [text.startswith(start) for text in texts]  # a text that brings its first token gets no second one
    if any(begun):
        return [
            list(tokenizer.encode(text, **({"add_special_tokens": False} if has else {})))
            for text, has in zip(texts, begun, strict=True)
        ]
    return _tokens_of_many(tokenizer, texts)


def _tokens_of_many(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Return what `tokenizer(texts)` returns, in a third of the time where the library beneath can be asked."""
    below = getattr(tokenizer, "backend_tokenizer", None)
    if below is not None and below.padding is None and below.truncation is None:
        return [encoded.ids for encoded in below.encode_batch_fast(texts)]
    ids: list[list[int]] = tokenizer(texts, return_attention_mask=False)["input_ids"] if texts else []
    return ids
