"""TRL's trainer on exported rows: it must take them as they are, and train on the very tokens that `compile` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prodabuild.training.encode import encode
from tests.conftest import Repo, rows_below

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::FutureWarning")]  # of transformers', about names

CHAT = (
    "{% for message in messages %}{{ message.role }}:\n{% if message.role == 'assistant' %}{% generation %}"
    "{{ message.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ message.content }}\n{% endif %}{% endfor %}"
)


@pytest.fixture
def tokenizer(base: Path) -> Any:
    from transformers import AutoTokenizer

    pytest.importorskip("trl", reason="comes with the dev extra")
    return AutoTokenizer.from_pretrained(base)


def prepared(repo: Repo, form: str, base: Path, tokenizer: Any, **settings: Any) -> Any:
    """Return the trainer's own rows of an export: token ids, and labels where the loss counts."""
    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    assert repo.run("export", form, "-q").code == 0
    file = str(repo.path / f"build/export/{form}/train.jsonl")
    rows = load_dataset("json", data_files=file, split="train", cache_dir=str(repo.path / "cache"))
    config = SFTConfig(
        output_dir=str(repo.path / "out"), max_steps=1, per_device_train_batch_size=2, use_cpu=True, bf16=False,
        report_to=[], save_strategy="no", disable_tqdm=True, max_length=512, **settings,
    )  # fmt: skip
    trainer = SFTTrainer(model=str(base), args=config, train_dataset=rows, processing_class=tokenizer)
    trainer.train()
    return trainer.train_dataset


def test_prompt_and_completion_train_on_the_tokens_that_compile_trains_on(
    repo: Repo, base: Path, tokenizer: Any
) -> None:
    found = prepared(repo, "prompt-completion", base, tokenizer)
    examples = encode(rows_below(repo.path / "build/dataset/train"), tokenizer)
    assert len(found) == len(examples) == 449
    for row, example in zip(found, examples, strict=True):
        assert row["input_ids"] == list(example.ids)
        assert row["labels"] == [-100] * example.start + list(example.ids[example.start :])


def test_messages_train_on_the_answers_alone(repo: Repo, base: Path, tokenizer: Any) -> None:
    tokenizer.chat_template = CHAT
    found = prepared(repo, "messages", base, tokenizer, assistant_only_loss=True)
    expected = rows_below(repo.path / "build/dataset/train")
    assert len(found) == len(expected)
    for row, origin in zip(found, expected, strict=True):
        question, answer = (message["content"] for message in origin["messages"])
        assert tokenizer.decode(row["input_ids"]) == f"user:\n{question}\nassistant:\n{answer}{tokenizer.eos_token}"
        trained = [token for token in row["labels"] if token != -100]
        assert tokenizer.decode(trained) == answer + tokenizer.eos_token
