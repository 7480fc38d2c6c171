"""The files that people write in the staged repo: one of every kind that prodabuild reads."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "tests" / "sources" / "samples"
MANIFEST = """version: 1
name: small
disciplines:
  zoo: {knowledge: [knowledge/zoo], sources: [sources/notes.txt]}
  tea: {knowledge: [knowledge/tea]}
licences:
  notes: {name: CC-BY-4.0, file: sources/LICENSE.notes}
compile: {seed: 7, recipes: [define, relate, choose, judge], shard_size: 16}
model:
  base: path:models/base
tests:
  chains: {from: chains, sealed: 0.5}
"""
TASK = """task: general
dataset_path: json
dataset_kwargs: {data_files: {test: general.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
"""
CARD = """title: Distance
claim: A longer lag costs more
knob: source
baseline: {source: "lag:lag=1"}
treatment: {source: "lag:lag=4"}
direction: higher
epsilon: 0.05
refuted_if: the change is below 0.05 bits
seeds: [1, 2]
"""
TRIAL = (
    b'{"event":"tried","groups":{},"nodes":{"zoo/lory":["0001-macaws",2,1]},"patches":{"0001-macaws":"' + b"a" * 64
    + b'"},"results":"' + b"b" * 64 + b'","round":1,"verdict":"fail"}\n'
)  # fmt: skip
GROUPS = {
    "bird": ("parrot", "owl"),
    "fish": ("shark", "salmon"),
    "insect": ("beetle", "ant"),
    "reptile": ("lizard", "snake"),
}
LEAVES = {"parrot": ("macaw", "lory"), "owl": ("barn_owl", "snowy_owl"), "shark": ("reef_shark", "nurse_shark"),
          "salmon": ("chinook", "sockeye"), "beetle": ("weevil", "scarab"), "ant": ("army_ant", "fire_ant"),
          "lizard": ("gecko", "iguana"), "snake": ("cobra", "adder")}  # fmt: skip
WIDTH, WORDS = 8, 16
CONFIG: dict[str, object] = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": WIDTH, "intermediate_size": WIDTH,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": WORDS,
    "max_position_embeddings": 256, "tie_word_embeddings": False,
}  # fmt: skip
TOKENIZER: dict[str, object] = {
    "version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "[UNK]": 2}, "unk_token": "[UNK]"},
    "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
    "decoder": None,
}  # fmt: skip
DVC_CONFIG = """[core]
    analytics = false
    check_update = false
    remote = store
['remote "store"']
    url = ../../remote
"""
MORE = """{"level":"concept","id":"zoo/koi","name":"koi","definition":"a carp of garden ponds",\
"source":{"document":"notes.txt","span":[0,18],"quote":"Koi live in ponds."}}
{"level":"relation","subject":"zoo/koi","predicate":"is_a","object":"zoo/fish"}
"""
PREDICATES = """predicates:
  eats:
    forward: '{subject} eats {object}'
    question: 'What does {subject} eat?'
    inverse_question: 'What eats {object}?'
    path: an eater of
"""
PATCH = """title: Macaws talk
reason: they do
cause: correction
ops:
- replace: zoo/macaw
  with:
    definition: a parrot that talks
- emphasise: [zoo/lory]
"""
CAT = """{"@context": {"skos": "http://www.w3.org/2004/02/skos/core#"}, "@id": "http://x.example/cat",
"@type": "skos:Concept", "skos:prefLabel": "cat", "skos:definition": "a pet that purrs"}
"""
IMPORTED = ("tea.csv", "tea.yaml", "cells.obo", "clouds.jsonl", "pets.ttl", "boats.owl", "state.json")


def knowledge() -> tuple[str, str]:
    """Return concepts with their relations, and chains, as YAML."""
    concepts, chains = ["concepts:"], ["chains:"]

    def concept(name: str, parent: str | None) -> None:
        about = f"an animal that keepers know by the ways of the {name} and of nothing else"
        concepts.append(f"- id: zoo/{name}\n  name: {name.replace('_', ' ')}\n  definition: {about}")
        if parent:
            concepts.append(f"  relations:\n  - {{predicate: is_a, object: zoo/{parent}}}")

    for branch, middles in GROUPS.items():
        concept(branch, None)
        for middle in middles:
            concept(middle, branch)
            for leaf in LEAVES[middle]:
                concept(leaf, middle)
                steps = f"  - zoo/{leaf}.is_a.{middle}\n  - zoo/{middle}.is_a.{branch}"
                chains.append(f"- id: zoo/{leaf}..{branch}\n  title: from {leaf} to {branch}\n  steps:\n{steps}")
    return "\n".join(concepts) + "\n", "\n".join(chains) + "\n"


def shapes() -> dict[str, list[int]]:
    """Return the shapes of the base's weights by name."""
    square, table = [WIDTH, WIDTH], [WORDS, WIDTH]
    layer = dict.fromkeys((f"self_attn.{name}_proj" for name in "qkvo"), square)
    layer |= dict.fromkeys((f"mlp.{name}_proj" for name in ("gate", "up", "down")), square)
    layer |= {f"{name}_layernorm": [WIDTH] for name in ("input", "post_attention")}
    inner = {f"model.layers.0.{name}.weight": shape for name, shape in layer.items()}
    return {"model.embed_tokens.weight": table, **inner, "model.norm.weight": [WIDTH], "lm_head.weight": table}


def safetensors(header: object = None) -> bytes:
    """Return a file of weights: the length of the header, the header, numbers, all of them 0."""
    default, end = {}, 0
    for name, shape in sorted(shapes().items()):
        size = 4 * math.prod(shape)
        default[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(default if header is None else header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end if header is None else 512)


def files() -> Mapping[str, bytes]:
    """Return what people write into the repo."""
    concepts, chains = knowledge()
    texts = {
        "proda.yaml": MANIFEST,
        "knowledge/zoo/kinds.yaml": concepts,
        "knowledge/zoo/chains.yaml": chains,
        "knowledge/zoo/more.jsonl": MORE,
        "knowledge/predicates.yaml": PREDICATES,
        "patches/0001-macaws.yaml": PATCH,
        "patches/README.md": "# Patches\n",
        "sources/notes.txt": "Koi live in ponds. They are old.\n",
        "sources/LICENSE.notes": "CC-BY-4.0\n",
        "sources/pets.jsonld": CAT,
        "models/base/config.json": json.dumps(CONFIG),
        "models/base/tokenizer.json": json.dumps(TOKENIZER),
        "models/base/tokenizer_config.json": '{"tokenizer_class": "PreTrainedTokenizerFast"}',
        "tests/general.yaml": TASK,
        "tests/general.jsonl": '{"question": "q", "choices": ["a", "b"], "answer": 0}\n',
        "claims/card.yaml": CARD,
        "recipes/own.py": "def brief(concept):\n    return []\n",
        "raw.dvc": "outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  size: 5\n  hash: md5\n  path: raw\n",
        ".dvcignore": "*.tmp\n",
        ".dvc/config": DVC_CONFIG,
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        ".gitignore": "/build/\n/.prodabuild/\n",
    }
    return {
        **{name: text.encode() for name, text in texts.items()},
        **{f"sources/{name}": (SAMPLES / name).read_bytes() for name in IMPORTED},
        "patches/trials.jsonl": TRIAL,
        "models/base/model.safetensors": safetensors(),
        "dvc.yaml": (ROOT / "dvc.yaml").read_bytes(),
    }
