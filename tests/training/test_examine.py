"""Folders of models by their files: what is odd is one error that names the file, and nothing of it is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from prodabuild.errors import ProjectError
from prodabuild.training.examine import examine_base, examine_start, model_files
from tests.conftest import Repo
from tests.training.weights import WHOLE, handmade, link, packed, trained

Spoil = Callable[[Path], object]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
INDEX = "model.safetensors.index.json"


def write(name: str, data: bytes | str) -> Spoil:
    return lambda folder: (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def lose(name: str) -> Spoil:
    return lambda folder: (folder / name).rename(folder.parent / "lost")


def config(**settings: object) -> Spoil:
    return write("config.json", orjson.dumps({"model_type": "llama", **settings}))


def sharded(places: object, *shards: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / INDEX).write_bytes(orjson.dumps({"weight_map": places}))
        for name in shards:
            (folder / name).write_bytes(packed(WHOLE, 32))

    return spoil


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "vocab.txt")


def both(*spoils: Spoil) -> Spoil:
    return lambda folder: [spoil(folder) for spoil in spoils]


AGAIN = "save or download it again"
SAVE = "save the model with save_pretrained"
CASES: list[tuple[Spoil, str, str]] = [
    (write("model.safetensors", POINTER), "m/model.safetensors is a Git LFS pointer, not the file itself", "run `git lfs pull`"),
    (write("tokenizer.json", POINTER), "m/tokenizer.json is a Git LFS pointer, not the file itself", "run `git lfs pull`"),
    (write("config.json", POINTER), "m/config.json is a Git LFS pointer, not the file itself", "run `git lfs pull`"),
    (write("tokenizer.model", POINTER), "m/tokenizer.model is a Git LFS pointer, not the file itself", "run `git lfs pull`"),
    (write("tokenizer.json", '{"model": {"vocab": {"a"'), "m/tokenizer.json is cut short, or no JSON", AGAIN),
    (write("generation_config.json", ""), "m/generation_config.json is cut short, or no JSON", AGAIN),
    (write("config.json", "[]"), "m/config.json holds no settings: it is not a JSON object", AGAIN),
    (write("config.json", "{} {}"), "m/config.json is not JSON: Extra data: line 1 column 4 (char 3)", AGAIN),
    (write("config.json", b"{" + b"[" * 200_000 + b"}"), "m/config.json is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", AGAIN),
    (write("config.json", "{}"), "m/config.json has no model_type", SAVE),
    (write("tokenizer_config.json", "[]"), "m/tokenizer_config.json holds no settings: it is not a JSON object", AGAIN),
    (config(num_hidden_layers=10**9), "m/config.json: num_hidden_layers is 1000000000, at most 1000000 are loaded", AGAIN),
    (config(text_config={"moe": [{"num_experts": 10**7}]}), "m/config.json: num_experts is 10000000, at most 1000000 are loaded", AGAIN),
    (config(quantization_config={"quant_method": "gptq"}), "m/config.json: the weights are quantised (gptq)", "take the model's original weights"),
    (lose("config.json"), "m is not a model: it has no config.json", "save one there with save_pretrained"),
    (lose("tokenizer_config.json"), "m is not a model: it has no tokenizer_config.json", "save one there with save_pretrained"),
    (lose("model.safetensors"), "m has no weights in safetensors", SAVE),
    (both(lose("model.safetensors"), write("pytorch_model.bin", b"\x80\x04.")), "m has its weights in pickles (pytorch_model.bin), which can run code", SAVE),
    (both(lose("model.safetensors"), write("part.safetensors", packed(WHOLE, 32))), "m has no model.safetensors, and no index of part.safetensors", SAVE),
    (write("adapter_config.json", '{"base_model_name_or_path": "/elsewhere"}'), "m holds an adapter (adapter_config.json), not a base", "merge it, or name its base"),
    (sharded({"a": "../x.safetensors"}), f"m/{INDEX} names ../x.safetensors, which is no name of a file beside it", "download the whole model"),
    (sharded({"a": "/etc/x"}), f"m/{INDEX} names /etc/x, which is no name of a file beside it", "download the whole model"),
    (sharded({"a": "s1.safetensors", "b": "s2.safetensors"}, "s1.safetensors"), f"m/{INDEX} names s2.safetensors, which is not there", "download the whole model"),
    (sharded({"a": "s1.safetensors", "c": "s1.safetensors"}, "s1.safetensors"), f"m/{INDEX} names tensors that its files do not have: c", AGAIN),
    (sharded([1]), f"m/{INDEX} has no weight_map from tensors to files", SAVE),
    (lambda folder: link(folder, "x.txt", Path("/etc/passwd")), "m/x.txt is a link out of its folder", "put the file itself there: cp -L"),
    (lambda folder: link(folder, "model.safetensors", folder.parent / "y.safetensors"), "m/model.safetensors is a link out of its folder", "put the file itself there: cp -L"),
    (lambda folder: link(folder, "x.json", folder / "none.json"), "m/x.json is a link to nothing", "`dvc pull`, or put the file itself there"),
    (pipe, "m/vocab.txt is a named pipe, not a regular file", "replace it by a file, or remove it"),
    (lambda folder: (folder / "x.json").mkdir(), "m/x.json is a folder, not a regular file", "replace it by a file, or remove it"),
    (write("a\x1bb.json", "{}"), "m: 'a\\x1bb.json' holds a control character", "name the file without it"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message", "hint"), CASES, ids=[case[1][:60] for case in CASES])
def test_an_odd_base_is_one_error(tmp_path: Path, spoil: Spoil, message: str, hint: str) -> None:
    folder = handmade(tmp_path / "m")
    spoil(folder)
    with pytest.raises(ProjectError) as raised:
        examine_base(folder, "m")
    assert (raised.value.message, raised.value.hint) == (message, hint)


def test_a_base_that_is_whole_is_its_tensors(tmp_path: Path) -> None:
    folder = handmade(tmp_path / "m")
    assert set(examine_base(folder, "m")) == {"a", "b"}
    sharded({"a": "s1.safetensors", "b": "s1.safetensors"}, "s1.safetensors")(folder)
    assert set(examine_base(folder, "m")) == {"a", "b"}


def test_links_to_objects_of_dvc_and_within_the_folder_are_followed(tmp_path: Path) -> None:
    folder = handmade(tmp_path / "m")
    stored = tmp_path / "cache/files/md5/ab" / ("0" * 30)
    stored.parent.mkdir(parents=True)
    (folder / "model.safetensors").rename(stored)
    link(folder, "model.safetensors", stored)
    link(folder, "x.json", folder / "config.json")
    assert set(examine_base(folder, "m")) == {"a", "b"}
    near = tmp_path / "cache/files/md5/ab/passwd"
    near.write_text("{}")
    link(folder, "y.json", near)
    with pytest.raises(ProjectError, match=r"m/y\.json is a link out of its folder"):
        examine_base(folder, "m")


@pytest.mark.parametrize(
    "name",
    ["chat_template.jinja", "generation_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model",
     "merges.txt", "qwen.tiktoken", "additional_chat_templates/tools.jinja"],
)  # fmt: skip
def test_every_file_that_a_library_may_read_is_a_file_of_the_model(tmp_path: Path, name: str) -> None:
    folder = handmade(tmp_path / "m")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    (folder / "README.md").write_text("no file of the model")
    assert [file.relative_to(folder).as_posix() for file in model_files(folder)] == sorted(
        ["config.json", "model.safetensors", name, "tokenizer.json", "tokenizer_config.json"],
        key=lambda each: (folder / each).parts,
    )


STARTS: list[tuple[dict[str, object], str]] = [
    ({"peft_type": "XLORA"}, "s/adapter_config.json has the peft_type XLORA, LORA is needed"),
    ({"peft_type": None}, "s/adapter_config.json has the peft_type None, LORA is needed"),
    ({"r": "8"}, "s/adapter_config.json has no r and lora_alpha that are numbers"),
    ({"lora_alpha": None}, "s/adapter_config.json has no r and lora_alpha that are numbers"),
    ({"r": 10**9}, "s/adapter_config.json has the rank 1000000000, the matrices in adapter_model.safetensors have 8"),
    ({"rank_pattern": {"(a+)+$": 4}}, "s/adapter_config.json has rank_pattern set"),
    ({"megatron_config": {"x": 1}}, "s/adapter_config.json has megatron_config set"),
    ({"init_lora_weights": "pissa"}, "s/adapter_config.json has init_lora_weights set"),
    ({"target_modules": "(a+)+$"}, "s/adapter_config.json: target_modules is not a list of names"),
]


@pytest.mark.parametrize(("settings", "message"), STARTS)
def test_an_odd_adapter_is_no_start(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ProjectError) as raised:
        examine_start(trained(tmp_path / "s", settings), "s")
    assert raised.value.message == message


def test_a_start_is_an_adapter_or_a_whole_model(tmp_path: Path) -> None:
    assert set(examine_start(trained(tmp_path / "s"), "s")) == {"m.q_proj.lora_A.weight"}
    assert set(examine_start(handmade(tmp_path / "m"), "m")) == {"a", "b"}
    (tmp_path / "s/adapter_model.safetensors").unlink()
    for folder, message in (("s", "s has no adapter_model.safetensors"), ("n", "n is no model that was trained")):
        (tmp_path / folder).mkdir(exist_ok=True)
        with pytest.raises(ProjectError) as raised:
            examine_start(tmp_path / folder, folder)
        assert raised.value.message == message


@pytest.mark.parametrize("command", ["check", "plan", "compile"])
def test_every_command_names_the_place_in_the_manifest(repo: Repo, command: str) -> None:
    write("model.safetensors", POINTER)(handmade(repo.path / "models/m"))
    repo.edit("proda.yaml", "base: scratch:micro", "base: path:models/m")
    outcome = repo.run(command, "-q")
    text = outcome.out + outcome.err
    assert outcome.code == 1
    assert text.splitlines()[:2] == [
        "proda.yaml:8:9: error[M016]: models/m/model.safetensors is a Git LFS pointer, not the file itself",
        "hint: run `git lfs pull`",
    ]


def test_a_base_outside_the_repository_is_refused(repo: Repo) -> None:
    handmade(repo.path.parent / "m")
    os.symlink(repo.path.parent / "m", repo.path / "linked")
    written = repo.read("proda.yaml")
    for name in ("../m", "linked", str(repo.path.parent / "m")):
        repo.edit("proda.yaml", "base: scratch:micro", f"base: path:{name}")
        outcome = repo.run("plan", "-q")
        assert (outcome.code, outcome.err.partition(" error[M02")[0]) == (1, "proda.yaml:8:9:")
        repo.write("proda.yaml", written)
