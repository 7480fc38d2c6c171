"""`scratch:PRESET` bases: a small causal model that the build itself pretrains, so that the loop runs offline on a CPU.

A Llama-shaped model with untied embeddings (tied ones break under PEFT's modules_to_save) and a byte-level
BPE tokenizer, both made from the base text alone. Same text, preset and libraries: same bytes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodabuild.training.collate import collate
from prodabuild.training.encode import Example
from prodabuild.training.exact import exact
from prodabuild.training.loop import Run, Schedule, Step, cut_blocks, deterministic, train
from prodabuild.training.saving import save

if TYPE_CHECKING:
    from pathlib import Path

    from prodabuild.events import Emit


@dataclass(frozen=True)
class Preset:
    """Shape and schedule of a scratch base; `block` is its training context in tokens, `batch` blocks a step."""

    vocab: int
    hidden: int
    layers: int
    heads: int
    steps: int
    batch: int
    block: int
    learning_rate: float
    context: int = 512
    seed: int = 7


PRESETS = {
    "micro": Preset(vocab=2048, hidden=128, layers=2, heads=4, steps=200, batch=16, block=128, learning_rate=2e-3),
    "small": Preset(vocab=4096, hidden=256, layers=4, heads=4, steps=400, batch=16, block=256, learning_rate=1.5e-3),
}


def read_documents(texts: list[str]) -> list[str]:
    """Return the documents of base texts: blocks between blank lines."""
    return [document for text in texts for document in text.strip().split("\n\n") if document.strip()]


def build_scratch(preset: Preset, texts: list[str], folder: Path, device: str, emit: Emit) -> None:
    """Pretrain a base on texts and save it, tokenizer included, in `folder`."""
    from transformers import LlamaForCausalLM

    documents = read_documents(texts)
    tokenizer = _tokenizer(documents, preset)
    blocks = list(
        cut_blocks(tokenizer(documents, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id, preset.block)
    )
    schedule = Schedule(preset.learning_rate, preset.steps, max(1, preset.steps // 10))
    with deterministic(preset.seed), exact(device):
        model = LlamaForCausalLM(make_config(preset, len(tokenizer))).to(device)
        train(model, _Blocks(blocks, preset), Run(schedule, "base", emit, preset.seed, weight_decay=0.01))
    save(model.to("cpu"), folder)
    save(tokenizer, folder)


def make_config(preset: Preset, vocab: int) -> Any:
    """Return the shape of a scratch model with that many tokens; 0 pads, 1 ends."""
    # a short text gives fewer words than the preset asks for, and lm-eval cuts the embeddings to the tokenizer
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=vocab,
        hidden_size=preset.hidden,
        intermediate_size=preset.hidden * 8 // 3 // 16 * 16,
        num_hidden_layers=preset.layers,
        num_attention_heads=preset.heads,
        num_key_value_heads=preset.heads,
        max_position_embeddings=preset.context,
        tie_word_embeddings=False,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )


def _tokenizer(documents: list[str], preset: Preset) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=preset.vocab,
        special_tokens=["<|pad|>", "<|end|>"],
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        bos_token="<|end|>",
        pad_token="<|pad|>",
        model_max_length=preset.context,
    )


class _Blocks:
    """Steps of blocks, every block once before one comes again."""

    def __init__(self, blocks: list[list[int]], preset: Preset) -> None:
        self._blocks = blocks
        self._preset = preset
        draw = random.Random(preset.seed)
        self._order: list[int] = []
        while len(self._order) < preset.steps * preset.batch:
            self._order += draw.sample(range(len(blocks)), len(blocks))

    def __len__(self) -> int:
        return self._preset.steps

    def __getitem__(self, number: int) -> Step:
        size = self._preset.batch
        chosen = self._order[number * size : (number + 1) * size]
        batch = collate([[Example(tuple(self._blocks[at]), 0)] for at in chosen], 0, packed=False)
        return Step([batch], len(batch.targets), batch.tokens)
