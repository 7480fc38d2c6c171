"""The scorer against a forward pass for each option, against lm-eval's own code, and in changing company."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prodabuild.errors import ProjectError
from prodabuild.evaluation.encoding import Request, encode
from prodabuild.evaluation.scoring import Likelihood, Scorer, prepare, score

pytestmark = pytest.mark.train
WORDS = [
    "the",
    "thing",
    "is",
    "a",
    "kind",
    "of",
    "answer.",
    "question:",
    "what?",
    "h",
    "g",
    "f",
    "e",
    "d",
    "c",
    "b",
    "a",
    "it",
]


@pytest.fixture(scope="module")
def scorer(base: Path) -> Scorer:
    from prodabuild.training.base import load_base

    return prepare(*load_base(base, "cpu", bf16=False))


def text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(WORDS, k=words))


def requests(number: int, seed: int = 0) -> list[Request]:
    """Contexts of many lengths, options of one token and of many."""
    draw = random.Random(seed)
    return [
        Request(text(draw, draw.randint(1, 40)), tuple(f" {text(draw, draw.randint(1, 9))}." for _ in range(draw.randint(1, 5))))
        for _ in range(number)
    ]  # fmt: skip


ODD = [
    Request("", ("the thing is", " a")),
    Request("Question: what is it?\nAnswer:   ", ("a.", "thing.")),
    Request("a kind of", (" a", " a", " b")),
    Request(text(random.Random(1), 900), (" answer.", " " + text(random.Random(2), 60))),
    Request("the thing is", tuple(" " + text(random.Random(seed), 30) for seed in range(12))),
    Request("a", (" " + text(random.Random(3), 200),)),
]


def by_hand(scorer: Scorer, request: Request) -> list[Likelihood]:
    """One forward pass for each option, padded by nothing."""
    import torch

    found = []
    for row in encode(scorer.tokenizer, [request], scorer.limit, cut=True):
        for option in row.options:
            ids = torch.tensor([[*row.context, *option]])
            with torch.inference_mode():
                logits = scorer.model(ids[:, :-1]).logits[0, len(row.context) - 1 :].log_softmax(-1)
            value = logits.gather(1, torch.tensor(option)[:, None]).double().sum().item()
            found.append(Likelihood(value, logits.argmax(-1).tolist() == option))
    return found


def differences(found: list[list[Likelihood]], expected: list[list[Likelihood]]) -> float:
    assert [len(row) for row in found] == [len(row) for row in expected]
    pairs = [(one, other) for row, wanted in zip(found, expected, strict=True) for one, other in zip(row, wanted, strict=True)]  # fmt: skip
    assert [one.greedy for one, _ in pairs] == [other.greedy for _, other in pairs]
    return max(abs(one.value - other.value) / max(1, abs(other.value)) for one, other in pairs)


@pytest.mark.parametrize("packed", [True, False])
def test_likelihoods_are_those_of_a_forward_pass_for_each_option(scorer: Scorer, packed: bool) -> None:
    assert scorer.packed == scorer.limit == 512
    scorer = scorer if packed else replace(scorer, packed=0)
    asked = requests(40) + ODD
    assert differences(score(scorer, asked, cut=True), [by_hand(scorer, request) for request in asked]) < 1e-5


def test_likelihoods_are_those_of_lm_eval(scorer: Scorer) -> None:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    asked = [request for request in requests(30, seed=1) + ODD if len(request.context) < 2000]
    theirs = HFLM(pretrained=scorer.model, tokenizer=scorer.tokenizer, batch_size=8, device="cpu")
    flat = [Instance("loglikelihood", {}, (request.context, option), 0) for request in asked for option in request.continuations]  # fmt: skip
    answers = iter(theirs.loglikelihood(flat, disable_tqdm=True))
    expected = [[Likelihood(*next(answers)) for _ in request.continuations] for request in asked]
    assert differences(score(scorer, asked, cut=True), expected) < 1e-5


def test_what_an_item_scores_is_the_same_to_the_bit_in_any_company(scorer: Scorer) -> None:
    asked = requests(300) + ODD
    whole = score(scorer, asked, cut=True)
    for seed, size in ((0, len(asked)), (1, 100), (2, 17), (3, 1)):
        chosen = random.Random(seed).sample(range(len(asked)), size)
        assert score(scorer, [asked[number] for number in chosen], cut=True) == [whole[number] for number in chosen]


def test_a_context_window_that_masks_would_open_is_left_closed(scorer: Scorer) -> None:
    narrow = replace(scorer, packed=30)
    asked = requests(40)
    assert differences(score(narrow, asked), score(scorer, asked)) < 1e-5


def test_models_without_positions_score_one_option_a_row(scorer: Scorer) -> None:
    from transformers import BloomConfig, BloomForCausalLM

    size = len(scorer.tokenizer)
    model = BloomForCausalLM(BloomConfig(vocab_size=size, hidden_size=16, n_layer=1, n_head=2))
    other = prepare(model, scorer.tokenizer)
    assert other.packed == 0
    asked = requests(5)
    assert differences(score(other, asked), [by_hand(other, request) for request in asked]) < 1e-5


def test_a_model_that_heeds_no_mask_is_found_out(scorer: Scorer) -> None:
    import torch

    class Deaf(torch.nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner, self.config, self.dtype = inner, inner.config, inner.dtype
            self.device = inner.device

        def forward(self, input_ids: Any, attention_mask: Any = None, position_ids: Any = None) -> Any:
            return self.inner(input_ids)

    assert prepare(Deaf(scorer.model), scorer.tokenizer).packed == 0


def test_an_option_without_a_token_is_an_error_that_quotes_it(scorer: Scorer) -> None:
    with pytest.raises(ProjectError, match="'' is 0 tokens long, the model takes 1 to 512"):
        score(scorer, [Request("a", ("",))])
