"""How a question and its answer read as text, in training and in tests alike.

Plain text, not a chat template: a small base has none, and lm-eval's `doc_to_text` must give the same bytes.
"""

from __future__ import annotations

from typing import Any

TEMPLATE = "Question: {question}\nAnswer:"


def prompt_and_answer(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the prompt (not trained on) and the answer (trained on) of one sample's messages."""
    question, answer = messages[0]["content"], messages[-1]["content"]
    return TEMPLATE.format(question=question), f" {answer}"
