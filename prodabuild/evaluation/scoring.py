"""Log-likelihoods of continuations. A row packs the options of a question behind their context, computed once.

Shapes are fixed: a row is as long as its own request asks for, and as many rows as that length allows are computed
together, filled up where there are fewer. So what an item scores never depends on the items beside it.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.errors import ProjectError
from prodabuild.evaluation.encoding import Row, context_length, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prodabuild.evaluation.encoding import Request

TOKENS = {"cpu": 1024, "cuda": 32768}  # of one batch
LOGITS = 1 << 26  # of one batch: 256 MB
WINDOW = 4096  # requests whose tokens are in memory at a time
STEP, COARSE_STEP, COARSE_FROM = 16, 128, 256  # lengths are rounded up to these steps
TOLERANCE = 1e-4  # of packed rows, against single ones, in a probe of the model


class Likelihood(NamedTuple):
    """The natural logarithm of a continuation's probability; `greedy`: each of its tokens is the likeliest one."""

    value: float
    greedy: bool


class _Shape(NamedTuple):
    """Columns of a batch: those up to the end of the contexts, and those of the options (none in single rows)."""

    context: int
    options: int


@dataclass(frozen=True)
class Scorer:
    """A model that scores texts of up to `limit` tokens. Options share rows of up to `packed` tokens."""

    model: Any
    tokenizer: Any
    limit: int
    packed: int


def prepare(model: Any, tokenizer: Any) -> Scorer:
    """Return the scorer of a model; a probe tells whether it heeds masks and positions, so that options share rows."""
    limit = context_length(model.config, tokenizer)
    single = Scorer(model.eval(), tokenizer, limit, packed=0)
    window = getattr(model.config, "sliding_window", None)  # our masks would open it
    packing = Scorer(model, tokenizer, limit, packed=min(limit, window or limit))
    return packing if _heeds_masks(packing, single) else single


def score(
    scorer: Scorer, requests: Sequence[Request], told: Callable[[int], None] | None = None, cut: bool = False
) -> list[list[Likelihood]]:
    """Return the log-likelihoods of each request's continuations. `told` hears how many requests are done.

    What is too long for the model is cut from the left where `cut` says so, as lm-eval does; else it is refused.
    Raises `ProjectError`, for a likelihood that is NaN or infinite, too.
    """
    found: list[list[Likelihood]] = []
    for start in range(0, len(requests), WINDOW):
        window = requests[start : start + WINDOW]
        scored = _score_rows(scorer, encode(scorer.tokenizer, window, scorer.limit, cut))
        for number, request in enumerate(window):
            found.append([scored[number, which] for which in range(len(request.continuations))])
        if told:
            told(len(found))
    return found


def _score_rows(scorer: Scorer, rows: list[Row]) -> dict[tuple[int, int], Likelihood]:
    found: dict[tuple[int, int], Likelihood] = {}
    infinite = 0
    rows = [part for row in rows for part in ([row] if _is_packed(scorer, row) else _apart(row))]
    for shape, batch in _batches(scorer, rows):
        compute = _packed if shape.options else _single
        spans = [(row.request, which, len(option)) for row in batch for which, option in _options(row)]
        values, greedy = compute(scorer, batch, shape, _size(scorer, shape))
        at = 0
        for request, which, length in spans:
            end = at + length
            finite = all(map(math.isfinite, values[at:end]))
            infinite += not finite
            found[request, which] = Likelihood(math.fsum(values[at:end]) if finite else math.nan, all(greedy[at:end]))
            at = end
    if infinite:
        raise not_finite(infinite, len(found))
    return found


def not_finite(infinite: int, of: int) -> ProjectError:
    """Return the error about a model some of whose likelihoods are NaN or infinite: nothing is scored by them."""
    return ProjectError(
        f"the model gives {infinite} of {of} likelihoods that are NaN or infinite: no score is made of them",
        "its training has diverged, or its weights are damaged: lower model.train.learning_rate and compile again",
    )


def _is_packed(scorer: Scorer, row: Row) -> bool:
    return len(row.context) + sum(len(option) - 1 for option in row.options) <= scorer.packed


def _apart(row: Row) -> list[Row]:
    return [Row(row.request, row.context, [option], [which]) for which, option in _options(row)]


def _options(row: Row) -> Iterator[tuple[int, list[int]]]:
    return zip(row.numbers, row.options, strict=True)


def _batches(scorer: Scorer, rows: list[Row]) -> Iterator[tuple[_Shape, list[Row]]]:
    """Group rows of one shape, the longest first, so that memory that does not suffice is missed at once."""
    groups: dict[_Shape, list[Row]] = {}
    for row in rows:
        groups.setdefault(_shape(scorer, row), []).append(row)
    for shape in sorted(groups, reverse=True):
        size = _size(scorer, shape)
        for start in range(0, len(groups[shape]), size):
            yield shape, groups[shape][start : start + size]


def _shape(scorer: Scorer, row: Row) -> _Shape:
    options = sum(len(option) - 1 for option in row.options)
    if not _is_packed(scorer, row):
        return _Shape(min(_up(len(row.context) + options), scorer.limit), 0)  # positions end there
    return _Shape(_up(len(row.context)), _up(max(1, options)))


def _up(length: int) -> int:
    step = STEP if length <= COARSE_FROM else COARSE_STEP
    return -(-length // step) * step


def _size(scorer: Scorer, shape: _Shape) -> int:
    """Return how many rows of a shape are computed together."""
    columns = shape.context + shape.options
    logits = (shape.options + 1 if shape.options else columns) * int(scorer.model.config.vocab_size)
    return max(1, min(TOKENS[scorer.model.device.type] // columns, LOGITS // logits))


def _packed(scorer: Scorer, rows: list[Row], shape: _Shape, size: int) -> tuple[list[float], list[bool]]:
    """Compute rows of context and options. Contexts end, and options begin, at the same column in all rows."""
    import torch

    columns = shape.context + shape.options
    ids, positions, segments = ([[0] * columns for _ in range(size)] for _ in range(3))
    at: list[tuple[int, int, int]] = []
    for number, (row, tokens, place, segment) in enumerate(zip(rows, ids, positions, segments, strict=False)):
        length = len(row.context)
        start = shape.context - length
        tokens[start : shape.context], place[start : shape.context] = row.context, range(length)
        segment[start : shape.context] = [1] * length
        column = shape.context
        for part, option in enumerate(row.options, 2):
            end = column + len(option) - 1
            tokens[column:end], place[column:end] = option[:-1], range(length, length + len(option) - 1)
            segment[column:end] = [part] * (end - column)
            seen_from = (shape.context - 1, *range(column, end))
            at += [(number, seen - shape.context + 1, token) for seen, token in zip(seen_from, option, strict=True)]
            column = end
    device = scorer.model.device
    with torch.inference_mode():
        output = _call(
            scorer.model,
            input_ids=torch.tensor(ids, device=device),
            position_ids=torch.tensor(positions, device=device),
            attention_mask=_mask(torch.tensor(segments, device=device), scorer.model.dtype),
            keep=shape.options + 1,
        )
        return _read(output, at)


def _mask(segments: Any, dtype: Any) -> Any:
    """Return what is added to attention: a token sees the context (segment 1) and its own option, up to itself."""
    import torch

    keys, queries = segments[:, None, :], segments[:, :, None]
    columns = segments.shape[1]
    causal = torch.ones(columns, columns, dtype=torch.bool, device=segments.device).tril()
    seen = ((keys == 1) | ((keys == queries) & (keys > 0))) & causal
    seen |= torch.eye(columns, dtype=torch.bool, device=segments.device)  # padding sees itself: no row may see nothing
    return torch.zeros(seen.shape, dtype=dtype, device=segments.device).masked_fill_(~seen, torch.finfo(dtype).min)[
        :, None
    ]


def _single(scorer: Scorer, rows: list[Row], shape: _Shape, size: int) -> tuple[list[float], list[bool]]:
    """Compute one option a row, padded on the right, as lm-eval does: any causal model can."""
    import torch

    ids = [[0] * shape.context for _ in range(size)]
    at: list[tuple[int, int, int]] = []
    for number, row in enumerate(rows):
        (option,) = row.options
        whole = [*row.context, *option]
        ids[number][: len(whole) - 1] = whole[:-1]
        first = len(row.context) - 1
        at += [(number, first + step, token) for step, token in enumerate(option)]
    with torch.inference_mode():
        return _read(_call(scorer.model, input_ids=torch.tensor(ids, device=scorer.model.device)), at)


def _call(model: Any, keep: int = 0, **inputs: Any) -> Any:
    """Return a model's logits, of the last `keep` columns where that is not 0."""
    accepted = _accepted(model)
    if keep and "logits_to_keep" in accepted:
        inputs["logits_to_keep"] = keep
    if "use_cache" in accepted:
        inputs["use_cache"] = False
    logits = model(**inputs).logits
    return logits[:, -keep:] if keep else logits


def _accepted(model: Any) -> frozenset[str]:
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return frozenset(inspect.signature(inner.forward).parameters)


def _read(logits: Any, at: list[tuple[int, int, int]]) -> tuple[list[float], list[bool]]:
    """Return, for each (row, column, token), the token's log-probability, and whether it is the likeliest one."""
    import torch

    rows, columns, tokens = torch.tensor(at, device=logits.device).T
    chosen = logits[rows, columns].float()
    own = chosen.gather(1, tokens[:, None])[:, 0]
    likelihoods = chosen.log_softmax(-1).gather(1, tokens[:, None])[:, 0]
    return likelihoods.tolist(), (own == chosen.amax(-1)).tolist()


def _heeds_masks(packed: Scorer, single: Scorer) -> bool:
    """Tell whether packed rows give what single ones give, on tokens that any vocabulary has."""
    if "position_ids" not in _accepted(packed.model):
        return False
    last = int(packed.model.config.vocab_size) - 1
    few = [min(token, last) for token in range(14)]
    row = Row(0, few[5:10], [[few[3], few[4], few[11]], [few[10], few[12]], [few[13]]], [0, 1, 2])
    if packed.limit < len(row.context) + 3:
        return False
    one, other = _score_rows(packed, [row]), _score_rows(single, [row])
    return all(abs(one[key].value - other[key].value) <= TOLERANCE for key in one)
