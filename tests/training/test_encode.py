from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers.normalizers import Replace

from prodabuild.errors import ProjectError
from prodabuild.training.encode import encode, refuse_unfit

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
    (example,) = encode([row("what is it?", "a thing.")], tokenizer)
    assert tokenizer.decode(example.ids[: example.start]) == "Question: what is it?\nAnswer:"
    assert tokenizer.decode(example.ids[example.start : -1]) == " a thing."
    assert example.ids[-1] == tokenizer.eos_token_id


def test_samples_without_a_supervised_token_are_refused_by_name(tokenizer: Any) -> None:
    rows = [row("what is it?", answer) | {"id": f"zoo/{name}"} for name, answer in (("a", ""), ("b", "x"), ("c", "  "))]
    with pytest.raises(ProjectError, match=r"2 samples \(zoo/a, zoo/c\) without a supervised token"):
        encode(rows, tokenizer)


def test_a_tokenizer_that_cannot_end_a_text_or_loses_the_marks_is_refused(base: Path, tokenizer: Any) -> None:
    from transformers import AutoTokenizer

    refuse_unfit(tokenizer)
    other = AutoTokenizer.from_pretrained(base)
    other.backend_tokenizer.normalizer = Replace("\n", " ")
    with pytest.raises(ProjectError, match="loses the template's marks"):
        refuse_unfit(other)
    other.eos_token = None
    with pytest.raises(ProjectError, match="no end-of-text token"):
        refuse_unfit(other)
