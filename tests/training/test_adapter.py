"""The loop with a real model, from a base in the repo to scores by lm-eval."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import Repo
from tests.engine.test_store import DAMAGES, damage
from tests.project.test_damage import settle_placed

pytestmark = pytest.mark.train
KINDS = "knowledge/zoo/kinds.yaml"


def scores(document: dict[str, Any]) -> dict[str, float]:
    return {split: found["acc"] for split, found in document["suites"]["chains"].items()}


def test_the_loop_on_a_base_of_the_repo(taught: Repo) -> None:
    report = taught.run("compile", "--json").json
    assert {"base", "model"} <= set(report["built"])
    files = taught.files("build/model")
    assert set(files) == {"adapter_config.json", "adapter_model.safetensors", "loss.csv", "loss.svg"}
    losses = [float(line.split(",")[1]) for line in files["loss.csv"].decode().splitlines()[1:]]
    assert losses[-1] < losses[0]
    assert taught.run("compile", "--json").json["built"] == []

    failed = taught.run("test", "--json")
    assert failed.code == 3
    assert failed.json["verdict"] == "fail"
    assert [(gate["name"], gate["limit"], gate["ok"]) for gate in failed.json["gates"]] == [
        ("chains.sealed.acc", 0.99, False)
    ]
    assert {"n", "acc", "stderr", "base_acc"} < set(failed.json["suites"]["chains"]["dev"])
    assert failed.json["ran"] == ["results:chains", "results:chains@base"]

    taught.edit("proda.yaml", "min: 0.99", "min: 0.0")
    passed = taught.run("test", "--json")
    assert (passed.code, passed.json["verdict"], passed.json["ran"]) == (0, "pass", [])
    assert b'"score:chains/sealed"' in taught.read("proda.lock")
    text = taught.run("test").out.splitlines()
    assert text[0].split()[:5] == ["suite", "split", "n", "base", "acc"]
    assert text[-1] == "pass (nothing changed: these are the recorded results)"


def test_the_same_sources_give_the_same_adapter_and_an_edit_trains_again(taught: Repo) -> None:
    first = taught.run("compile", "--json").json
    lock = taught.read("proda.lock")
    for name in ("build", ".prodabuild"):
        shutil.rmtree(taught.path / name)
    again = taught.run("compile", "--json").json
    assert (again["model"], again["dataset"]) == (first["model"], first["dataset"])
    assert taught.read("proda.lock") == lock
    taught.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    edited = taught.run("compile", "--json").json
    assert [unit.partition(":")[0] for unit in edited["built"]] == ["dataset", "leaks", "model", "shard"]
    assert edited["model"] != first["model"]
    taught.edit(KINDS, "a lizard that sticks", "a lizard with the habits of a gecko")
    back = taught.run("compile", "--json").json
    assert (back["built"], back["model"]) == ([], first["model"])


def test_training_never_reads_a_damaged_shard(taught: Repo) -> None:
    first = taught.run("compile", "--json").json
    shards = taught.files("build/dataset/train")
    paths = {data: path for path in (taught.path / ".prodabuild/cache/files").rglob("*") if path.is_file() for data in [path.read_bytes()]}  # fmt: skip
    for how, (name, data) in zip(DAMAGES, shards.items(), strict=False):
        damage(paths[data], how)
        lost = name
    rot = taught.path / "build/dataset/train" / lost  # its copy rots, too, and the state does not know
    damage(rot, "flipped")
    settle_placed(taught, f"dataset/train/{lost}")
    damage(paths[taught.read("build/base/base.json")], "flipped")
    for name in taught.files("build/model"):
        damage(paths[taught.read(f"build/model/{name}")], "truncated")
    shutil.rmtree(taught.path / "build/model")
    again = taught.run("compile", "--json")
    assert (again.code, again.json["model"], again.json["dataset"]) == (0, first["model"], first["dataset"])
    assert again.json["built"] == ["model", f"shard:{lost.removesuffix('.jsonl')}"]
    assert again.err.count("warning: ") == 3
    assert taught.files("build/dataset/train") == shards
    assert taught.run("verify").code == 0


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of PEFT's, about a name in transformers
def test_lm_eval_alone_peft_alone_and_datasets_alone_read_what_was_built(taught: Repo, tmp_path: Path) -> None:
    import datasets
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    taught.edit("proda.yaml", ", gate: {metric: acc, min: 0.99}", "")
    ours = scores(taught.run("test", "--json").json)
    base = AutoModelForCausalLM.from_pretrained(taught.path / "models/tiny")
    adapted = PeftModel.from_pretrained(base, taught.path / "build/model")
    assert adapted.peft_config["default"].base_model_name_or_path == "models/tiny"
    rows = datasets.load_dataset(str(taught.path / "build/dataset"), cache_dir=str(tmp_path / "hf"))["train"]
    assert rows.num_rows == orjson.loads(taught.read("build/dataset/dataset.json"))["samples"] == 449
    command = [
        sys.executable, "-m", "lm_eval", "--model", "hf",
        "--model_args", "pretrained=models/tiny,peft=build/model,dtype=float32",
        "--include_path", "build/suites/chains", "--tasks", "chains_dev,chains_sealed",
        "--output_path", str(tmp_path / "out"), "--batch_size", "8", "--device", "cpu", "--log_samples",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=taught.path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (file,) = (tmp_path / "out").rglob("results_*.json")
    theirs = orjson.loads(file.read_bytes())["results"]
    assert {split: round(theirs[f"chains_{split}"]["acc,none"], 6) for split in ours} == ours
    logged = [
        orjson.loads(line)
        for log in (tmp_path / "out").rglob("samples_*.jsonl")
        for line in log.read_bytes().splitlines()
    ]
    samples = {sample["doc"]["id"]: sample for sample in logged}
    items = orjson.loads(taught.read("build/results/chains.json"))["items"]
    assert {item["id"] for item in items} == set(samples)
    for item in items:
        sample = samples[item["id"]]
        assert item["correct"] == bool(sample["acc"])
        expected = [float(response[0]) for response in sample["filtered_resps"]]
        assert item["loglikelihoods"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "code", "expected"),
    [
        ("max_length: 128", "max_length: 8", 1, "error: 449 samples (tools/"),
        (
            "adapter: {r: 8",
            "adapter: {targets: [q_prog, v_proj], r: 8",
            1,
            "error: model.adapter.targets: q_prog names no module of the base (while building model)\nhint: the base has down_proj, embed_tokens, gate_proj, input_layernorm, k_proj, lm_head, norm, o_proj, post_attention_layernorm, q_proj, up_proj, v_proj\n",
        ),
        ("lm_head]", "lm_haed]", 1, "error: model.adapter.save_modules: lm_haed names no module of the base"),
        (
            "adapter: {r: 8",
            "adapter: {type: qlora, r: 8",
            1,
            "error: model.adapter.type is qlora, which needs a CUDA device, and there is none",
        ),
        (
            "epochs: 6",
            "precision: bf16, epochs: 6",
            1,
            "error: model.train.precision is bf16, but there is no CUDA device",
        ),
    ],
)
def test_what_cannot_be_trained_is_one_clear_error(taught: Repo, old: str, new: str, code: int, expected: str) -> None:
    taught.edit("proda.yaml", old, new)
    outcome = taught.run("compile", "-q")
    assert outcome.code == code
    assert expected in outcome.err
    assert "(while building model)" in outcome.err
    assert "hint: " in outcome.err
    assert not (taught.path / "build/model").exists()


def test_a_gpu_that_is_not_there_exits_5(taught: Repo) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    outcome = taught.run("compile", "-q", "--device", "cuda")
    assert outcome.code == 5
    assert "pass --device cpu" in outcome.err


def test_tasks_of_the_repo_are_a_suite(taught: Repo) -> None:
    taught.data()
    taught.edit("proda.yaml", "tests:\n", "tests:\n  own: {tasks: [tests/tasks/own.yaml]}\n")
    folder = taught.path / "build/suites/chains"
    task = (folder / "chains_dev.yaml").read_text().replace("chains_dev", "own")
    taught.write("tests/tasks/own.yaml", task)
    for name in ("dev.jsonl", "items.py"):
        taught.write(f"tests/tasks/{name}", (folder / name).read_bytes())
    document = taught.run("test", "--json").json
    assert document["suites"]["own"]["dev"] == document["suites"]["chains"]["dev"]
