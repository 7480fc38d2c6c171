from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prodabuild.errors import ProjectError
from prodabuild.training.encode import encode

pytestmark = pytest.mark.train


def row(question: str, answer: str) -> dict[str, Any]:
    return {
        "id": "zoo/x#define.term",
        "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
    }


@pytest.fixture
def tokenizer(base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base)


def test_the_loss_counts_the_answer_and_the_end_only(tokenizer: Any) -> None:
    (example,) = encode([row("what is it?", "a thing.")], tokenizer, 64)
    assert tokenizer.decode(example.ids[: example.start]) == "Question: what is it?\nAnswer:"
    assert tokenizer.decode(example.ids[example.start : -1]) == " a thing."
    assert example.ids[-1] == tokenizer.eos_token_id


@pytest.mark.parametrize("answer", ["", "  "])
def test_a_sample_without_a_supervised_token_is_refused(tokenizer: Any, answer: str) -> None:
    with pytest.raises(ProjectError, match=r"sample zoo/x#define\.term has no supervised token"):
        encode([row("what is it?", answer)], tokenizer, 64)


def test_a_sample_that_is_too_long_is_refused_with_its_length(tokenizer: Any) -> None:
    (fits,) = encode([row("what is it?", "a thing.")], tokenizer, 64)
    with pytest.raises(
        ProjectError, match=rf"has {len(fits.ids)} tokens, over model.train.max_length {len(fits.ids) - 1}"
    ):
        encode([row("what is it?", "a thing.")], tokenizer, len(fits.ids) - 1)
