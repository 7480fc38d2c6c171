"""Training and tests read a text alike, whatever a tokenizer puts around it; what is too long is refused or cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prodabuild.errors import ProjectError
from prodabuild.evaluation.encoding import Request, encode, request_of
from prodabuild.training import encode as training
from prodabuild.training.base import load_tokenizer
from tests.training.tinies import llama, tokenizer

pytestmark = pytest.mark.train
QUESTIONS = [("what is a gecko?", "A lizard."), ("<s>what?", " \u00e9clair \u7ea2\u6708"), ("", "x")]
AROUND: dict[str, tuple[str, str]] = {
    "none": ("", ""),
    "first": ("<s>", ""),
    "both": ("<s>", "</s>"),
    "last": ("", "</s>"),
}


@pytest.mark.parametrize("kind", ["scratch", *AROUND])
def test_a_text_is_the_same_tokens_in_training_and_in_tests(base: Path, tmp_path: Path, kind: str) -> None:
    found = load_tokenizer(base if kind == "scratch" else llama(tmp_path / "m", *AROUND[kind]))
    rows = [
        {"id": "i", "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for question, answer in QUESTIONS
    ]
    trained = training.encode(rows, found)
    asked = encode(found, [request_of(question, [answer]) for question, answer in QUESTIONS], 512)
    for example, row in zip(trained, asked, strict=True):
        assert [*row.context, *row.options[0], found.eos_token_id] == list(example.ids)
        assert len(row.context) == example.start
    starts = [example.ids[0] for example in trained]
    assert starts == ([found.bos_token_id] * 3 if kind in ("first", "both") else starts)
    assert all(example.ids.count(found.eos_token_id) == 1 for example in trained if kind != "scratch")


def test_a_text_that_brings_its_first_token_gets_no_second_one() -> None:
    found = tokenizer("<s>")
    assert [ids[:2].count(0) for ids in training.tokens_of(found, ["<s>a", "a", "a<s>"])] == [1, 1, 1]
    assert training.tokens_of(found, []) == []


def test_tokens_are_those_of_the_library_where_nothing_comes_last() -> None:
    found = tokenizer("<s>")
    texts = ["Question: what?\nAnswer:", "\u7ea2\u6708 x"]
    assert training.tokens_of(found, texts) == found(texts)["input_ids"]


def test_a_tokenizer_that_reads_otherwise_with_special_tokens_is_refused() -> None:
    class Odd:
        backend_tokenizer = None

        def __call__(self, texts: list[str], add_special_tokens: bool = True, **_: Any) -> dict[str, Any]:
            return {"input_ids": [[1, 2] if add_special_tokens else [3] for _ in texts]}

    with pytest.raises(ProjectError, match="reads a text in another way when it adds special tokens"):
        training.tokens_of(Odd(), ["a"])


@pytest.mark.parametrize("build", [lambda: ("word " * 30, (" a",)), lambda: ("a", (" a", " word" * 30))])
def test_an_item_longer_than_the_base_is_refused_and_of_lm_eval_cut(build: Callable[[], Any]) -> None:
    found, request = tokenizer(), Request(*build())
    longest = max(
        len(found(request.context.rstrip() + " " * (request.context[-1] == " ") + text)["input_ids"]) - 1
        for text in request.continuations
    )
    with pytest.raises(ProjectError) as raised:
        encode(found, [request], longest - 1)
    assert raised.value.message == (
        f"a test item is {longest} tokens long with an option, the base takes {longest - 1} (its config.json)"
    )
    assert encode(found, [request], longest)
    if len(request.continuations) == 1:
        (row,) = encode(found, [request], 20, cut=True)
        assert len(row.context) + len(row.options[0]) - 1 == 20
