"""Small bases of every kind that a repository may bring, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SHAPE = {
    "vocab_size": 258,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


def tokenizer(first: str = "", last: str = "") -> Any:
    """Return a byte-level tokenizer of 258 tokens whose post-processor puts a text between two others."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<s>": 0, "</s>": 1} | {sign: number + 2 for number, sign in enumerate(alphabet)}
    found = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    found.add_special_tokens(["<s>", "</s>"])
    if first or last:
        found.post_processor = processors.TemplateProcessing(
            single=" ".join(part for part in (first, "$A", last) if part), special_tokens=[("<s>", 0), ("</s>", 1)]
        )
    return PreTrainedTokenizerFast(tokenizer_object=found, bos_token="<s>", eos_token="</s>")


def llama(folder: Path, first: str = "", last: str = "", **settings: Any) -> Path:
    """Save a Llama with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    shape = SHAPE | {"max_position_embeddings": 512, "tie_word_embeddings": False} | settings
    LlamaForCausalLM(LlamaConfig(**shape)).save_pretrained(folder)
    tokenizer(first, last).save_pretrained(folder)
    return folder


def gpt2(folder: Path, positions: int) -> Path:
    """Save a GPT-2 with so many positions: absolute ones, and tied embeddings."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    GPT2LMHeadModel(GPT2Config(vocab_size=258, n_positions=positions, n_embd=32, n_layer=1, n_head=2)).save_pretrained(
        folder
    )
    tokenizer().save_pretrained(folder)
    return folder
