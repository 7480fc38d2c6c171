"""A small data repo that has one of every file that prodabuild reads: built, committed, stored at a remote of DVC."""

from __future__ import annotations

import json
import os
import shutil
import stat
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from confinement import Scene, command, environment, set_scene

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
GROUPS = {"bird": ("parrot", "owl"), "fish": ("shark", "salmon"), "insect": ("beetle", "ant"), "reptile": ("lizard", "snake")}
LEAVES = {"parrot": ("macaw", "lory"), "owl": ("barn_owl", "snowy_owl"), "shark": ("reef_shark", "nurse_shark"),
          "salmon": ("chinook", "sockeye"), "beetle": ("weevil", "scarab"), "ant": ("army_ant", "fire_ant"),
          "lizard": ("gecko", "iguana"), "snake": ("cobra", "adder")}  # fmt: skip
CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "intermediate_size": 8,
          "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 16,
          "max_position_embeddings": 256, "tie_word_embeddings": False}  # fmt: skip
TOKENIZER = {"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "[UNK]": 2}, "unk_token": "[UNK]"},
             "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
             "decoder": None}  # fmt: skip
DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n    remote = store\n['remote \"store\"']\n    url = ../../remote\n"


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


def safetensors(header: object = None) -> bytes:
    """Return a file of weights: the length of the header, the header, the numbers."""
    default = {"lm_head.weight": {"dtype": "F32", "shape": [16, 8], "data_offsets": [0, 512]}}
    text = json.dumps(default if header is None else header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(512)


def files() -> Mapping[str, bytes]:
    """Return what people write into the repo."""
    concepts, chains = knowledge()
    line = '{"level":"concept","id":"zoo/koi","name":"koi","definition":"a carp of garden ponds","source":' \
           '{"document":"notes.txt","span":[0,18],"quote":"Koi live in ponds."}}\n'  # fmt: skip
    line += '{"level":"relation","subject":"zoo/koi","predicate":"is_a","object":"zoo/fish"}\n'
    patch = "title: Macaws talk\nreason: they do\ncause: correction\nops:\n- replace: zoo/macaw\n  with:\n" \
            "    definition: a parrot that talks\n- emphasise: [zoo/lory]\n"  # fmt: skip
    return {
        "proda.yaml": MANIFEST.encode(),
        "knowledge/zoo/kinds.yaml": concepts.encode(),
        "knowledge/zoo/chains.yaml": chains.encode(),
        "knowledge/zoo/more.jsonl": line.encode(),
        "knowledge/predicates.yaml": b"predicates:\n  eats:\n    forward: '{subject} eats {object}'\n"
                                     b"    question: 'What does {subject} eat?'\n    inverse_question: 'What eats {object}?'\n    path: an eater of\n",
        "patches/0001-macaws.yaml": patch.encode(),
        "patches/trials.jsonl": TRIAL,
        "patches/README.md": b"# Patches\n",
        "sources/notes.txt": b"Koi live in ponds. They are old.\n",
        "sources/LICENSE.notes": b"CC-BY-4.0\n",
        **{f"sources/{name}": (SAMPLES / name).read_bytes() for name in
           ("tea.csv", "tea.yaml", "cells.obo", "clouds.jsonl", "pets.ttl", "boats.owl", "state.json")},
        "sources/pets.jsonld": b'{"@context": {"skos": "http://www.w3.org/2004/02/skos/core#"}, "@id": "http://x.example/cat", '
                               b'"@type": "skos:Concept", "skos:prefLabel": "cat", "skos:definition": "a pet that purrs"}\n',
        "models/base/config.json": json.dumps(CONFIG).encode(),
        "models/base/tokenizer.json": json.dumps(TOKENIZER).encode(),
        "models/base/tokenizer_config.json": b'{"tokenizer_class": "PreTrainedTokenizerFast"}',
        "models/base/model.safetensors": safetensors(),
        "tests/general.yaml": TASK.encode(),
        "tests/general.jsonl": b'{"question": "q", "choices": ["a", "b"], "answer": 0}\n',
        "claims/card.yaml": CARD.encode(),
        "recipes/own.py": b"def brief(concept):\n    return []\n",
        "raw.dvc": b"outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  size: 5\n  hash: md5\n  path: raw\n",
        ".dvcignore": b"*.tmp\n",
        ".dvc/config": DVC_CONFIG.encode(),
        ".dvc/.gitignore": b"/config.local\n/tmp\n/cache\n",
        ".gitignore": b"/build/\n/.prodabuild/\n",
        "dvc.yaml": (ROOT / "dvc.yaml").read_bytes(),
    }  # fmt: skip


def build(around: Path) -> Scene:
    """Make the repo: imported, compiled, committed twice, its objects at a remote."""
    scene = set_scene(around)
    for name, data in files().items():
        target = scene.repo / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    git(scene, "init", "--quiet", "--initial-branch", "main")
    succeed(scene, "import", "csv", "sources/tea.csv", "--mapping", "sources/tea.yaml")
    succeed(scene, "compile", "--to", "data", "-j", "1")
    commit(scene, "a version")
    edited = (scene.repo / "knowledge/zoo/kinds.yaml").read_text().replace("ways of the lory", "colours of the lory")
    (scene.repo / "knowledge/zoo/kinds.yaml").write_text(edited)
    succeed(scene, "compile", "--to", "data", "-j", "1")
    commit(scene, "another version")
    cache = scene.repo / ".dvc/cache/files"
    shutil.copytree(cache, around / "remote/files")
    return scene


def copy(scene: Scene, around: Path) -> Scene:
    """Return a copy of a scene: same bytes, same times."""
    shutil.copytree(scene.around, around, symlinks=True, dirs_exist_ok=True)
    return Scene(around)


def renew(scene: Scene, origin: Scene) -> None:
    """Make a used copy of a scene what it was: files that are not as they were are copied again."""
    then, now = _stats(origin.around), _stats(scene.around)
    for path in sorted(now.keys() - then.keys(), key=len, reverse=True):
        target = scene.around / path
        if target.is_dir() and not target.is_symlink():
            target.rmdir()
        else:
            target.unlink()
    for path in sorted(name for name, found in then.items() if now.get(name) != found):
        source, target = origin.around / path, scene.around / path
        if source.is_dir():
            if not target.is_dir() or target.is_symlink():
                target.unlink(missing_ok=True)
                target.mkdir()
        else:
            if target.is_dir() and not target.is_symlink():
                target.rmdir()
            target.unlink(missing_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _stats(top: Path) -> dict[str, tuple[int, int, int]]:
    """Return mode, size and time of every file below a folder; of a folder its mode alone."""
    found: dict[str, tuple[int, int, int]] = {}
    waiting = [""]
    while waiting:
        name = waiting.pop()
        for entry in os.scandir(top / name):
            status = entry.stat(follow_symlinks=False)
            path = f"{name}/{entry.name}" if name else entry.name
            folder = stat.S_ISDIR(status.st_mode)
            found[path] = (status.st_mode, 0, 0) if folder else (status.st_mode, status.st_size, status.st_mtime_ns)
            if folder:
                waiting.append(path)
    return found


def succeed(scene: Scene, *arguments: str) -> None:
    """Run a command that must succeed."""
    ended = command(scene, arguments, 120)
    if ended.code != 0:
        raise RuntimeError(f"{arguments}: {ended}")


def commit(scene: Scene, message: str) -> None:
    """Commit all files."""
    git(scene, "add", "--all", "--force", ":!build", ":!.prodabuild", ":!.dvc/cache", ":!.dvc/tmp")
    git(scene, "commit", "--quiet", "--message", message)


def git(scene: Scene, *words: str, feed: bytes | None = None, folder: Path | None = None) -> str:
    """Run git in the repo, with nobody's configuration but its own."""
    who = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = {**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, **who, **environment(scene)}
    done = subprocess.run(["git", *words], cwd=folder or scene.repo, env=variables, input=feed, capture_output=True, check=True)
    return done.stdout.decode(errors="surrogateescape")
