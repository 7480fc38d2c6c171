"""What a model that is not trained for it makes of a source within one context, symbols written as single tokens."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from prodabuild.errors import ProjectError
from prodabuild.insight.fresh import learning
from prodabuild.insight.reading import Alphabet, Excess, excess_of, read, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.insight.draws import Floats, Ints
    from prodabuild.insight.reading import Forward
    from prodabuild.insight.source import Source

HALF = 0.5  # where the counts of the predictors begin that a model is held against
_WORD = re.compile("[\u0120\u2581][a-z]+")  # the marks that stand for a space: of byte-level BPE, of SentencePiece
CHECKED = 4096  # symbols of rows whose text is tokenised again


class Span(NamedTuple):
    """Means over places of all rows, in bits a symbol; `counts` and `pairs` learn in the row, by order 0 and 1."""

    first: int
    last: int
    model: float
    counts: float
    pairs: float
    source: float
    leaked: float


class Context(NamedTuple):
    """What a model pays in context above who knows the source, and the same for its rows one by one."""

    excess: Excess
    leaked: float
    spans: tuple[Span, ...]
    rows: Floats


def alphabet_in(tokenizer: Any, symbols: int) -> Alphabet:
    """Return single tokens that stand for symbols: short words of a tokenizer; raises `ProjectError` if it has too few.

    A word is one only if it is one token behind another one, too: no two of them merge.
    """
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    if start is None:
        raise ProjectError("the tokenizer has no token that begins or ends a text", "set bos_token or eos_token")
    chosen = tuple(islice(_words(tokenizer), symbols))
    if len(chosen) < symbols:
        raise ProjectError(
            f"the tokenizer has {len(chosen)} words that are one token", f"ask for {len(chosen)} symbols"
        )
    return Alphabet(int(start), chosen)


def refuse_merged(tokenizer: Any, alphabet: Alphabet, rows: Ints) -> None:
    """Raise `ProjectError` where the text of rows is not read back as the tokens that it was made of."""
    for row in rows[: max(1, CHECKED // rows.shape[1])].tolist():
        ids = [alphabet.tokens[symbol] for symbol in row]
        if _ids(tokenizer, tokenizer.decode(ids)) != ids:
            raise ProjectError("the tokenizer merges symbols that stand side by side", "ask for fewer symbols")


def in_context(forward: Forward, alphabet: Alphabet, source: Source, rows: Ints, device: str = "cpu") -> Context:
    """Return what a model pays for rows of a source, each in a context of its own.

    Where a chain is drawn for each row, the source's own bits are those of Bayes' predictor, which learns it, too.
    """
    said, allowed = read(forward, alphabet, rows, device), source.surprisal(rows)
    counts, pairs = (learning(rows, source.symbols, order, HALF) for order in (0, 1))
    spans = tuple(
        Span(
            span.start + 1,
            span.stop,
            *(float(part[:, span].mean()) for part in (said.bits, counts, pairs, allowed, said.leaked)),
        )
        for span in windows(rows.shape[1])
    )
    return Context(excess_of(said.bits, allowed), float(said.leaked.mean()), spans, (said.bits - allowed).mean(1))


def paired(before: Sequence[Floats], after: Sequence[Floats]) -> Excess:
    """Return how much more is paid after than before, over rungs of a ladder: rows are pairs, rungs count alike."""
    changes = np.array([(new - old).mean() for old, new in zip(before, after, strict=True)])
    errors = [(new - old).var(ddof=1) / len(new) for old, new in zip(before, after, strict=True)]
    error = float(np.sqrt(np.sum(errors)) / len(errors))
    return Excess(float(changes.mean()), error, sum(len(rows) for rows in after))


def _words(tokenizer: Any) -> Iterator[int]:
    """Return tokens that are a space and letters, the shortest first, then as they are spelled."""
    special = set(tokenizer.all_special_ids)
    named = enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer))))
    words = [(len(text), text, number) for number, text in named if number not in special and _WORD.fullmatch(text)]
    for _, _, number in sorted(words):
        if _ids(tokenizer, tokenizer.decode([number, number])) == [number, number]:
            yield number


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))
