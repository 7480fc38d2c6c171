"""Text to tokens, exactly as lm-eval's `HFLM` does it, so that the figures are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.shards.prompt import prompt_and_answer
from prodabuild.training.encode import tokens_of
from prodabuild.training.fit import context_length as stated_length

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST = 256  # tokens of options that one row holds at most, if it holds more than one option
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
    stated = stated_length(config)
    if stated is None:
        stated = getattr(tokenizer, "model_max_length", None)
        return int(stated) if stated is not None and stated < _INFINITE else _UNSTATED
    return stated


def encode(tokenizer: Any, requests: Sequence[Request], limit: int, cut: bool = False) -> list[Row]:
    """Return the rows of some requests; raises `ProjectError` for what is too long for the model, unless it is `cut`.

    lm-eval cuts it from the left.
    """
    moved = [_move_spaces(request) for request in requests]
    whole = [context + text for context, texts in moved for text in texts]
    contexts = tokens_of(tokenizer, [context for context, _ in moved])
    tokens = iter(tokens_of(tokenizer, whole))
    rows: list[Row] = []
    for number, ((context, texts), ids) in enumerate(zip(moved, contexts, strict=True)):
        pairs = [_pair(tokenizer, context, text, ids, next(tokens)) for text in texts]
        longest = max((len(one) + len(other) - 1 for one, other in pairs), default=0)
        if longest > limit and not cut:
            raise ProjectError(
                f"a test item is {longest} tokens long with an option, the base takes {limit} (its config.json)",
                "shorten the names of the concepts in it, or take a base with a longer context",
            )
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
