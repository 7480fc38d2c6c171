"""Training beside TRL's SFTTrainer and a plain Trainer: the same base, samples, LoRA, schedule and seed, interleaved.

    python benchmarks/training.py [--repo .] [--samples 4000] [--runs 3] [--threads 2] [--json | --md]

The repo must have been compiled: its base and its dataset are read from build/. Each contestant trains one epoch in a
process of its own. Tokens are those of the samples, without padding; seconds are those of the training loop alone. The
loss is the mean over answer tokens of samples that nobody was trained on, so that speed is compared at what it buys.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import machine, own_environment
from report import ROOT, Table, parser, progress, tell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

HELD_OUT = 400
RATE, RANK, ALPHA, SEED = 3.0e-3, 32, 64, 7
# name -> samples a step, and other arguments of TRL's or transformers' configuration
CONTESTANTS: dict[str, dict[str, Any]] = {
    "prodabuild": {},
    "SFTTrainer, its defaults": {"kind": "trl", "batch": 8},
    "SFTTrainer, our step, no checkpointing": {"kind": "trl", "batch": 54, "gradient_checkpointing": False},
    "Trainer, our step": {"kind": "plain", "batch": 54},
}
COMMON = """
import json, sys, time, warnings
from pathlib import Path

warnings.simplefilter("ignore")
import torch

torch.set_num_threads(int(sys.argv[3]))
folder, base, config = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[4])
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from transformers.utils import logging

logging.disable_progress_bar()
set_seed(config["seed"])
rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
held = [json.loads(line) for line in (folder / "held.jsonl").read_text().splitlines()]
tokenizer = AutoTokenizer.from_pretrained(base)


def encode(row):
    prompt = tokenizer(row["prompt"], add_special_tokens=False)["input_ids"]
    answer = [*tokenizer(row["completion"], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    return prompt, answer


tokens = sum(len(part) for row in rows for part in encode(row))


def lora():
    from peft import LoraConfig

    return LoraConfig(
        r=config["rank"], lora_alpha=config["alpha"], target_modules="all-linear", task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens", "lm_head"],
    )


def loss_of(model):
    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for row in held:
            prompt, answer = encode(row)
            logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
            total += torch.nn.functional.cross_entropy(logits.float(), torch.tensor(answer), reduction="sum").item()
            count += len(answer)
    return total / count


def arguments(**others):
    return dict(
        output_dir=str(folder / "out"), num_train_epochs=1, per_device_train_batch_size=config["batch"],
        learning_rate=config["rate"], lr_scheduler_type="cosine", warmup_steps=0.05, seed=config["seed"], bf16=False,
        use_cpu=True, report_to="none", save_strategy="no", logging_strategy="no", disable_tqdm=True,
        adam_beta2=0.95, **others,
    )


def finish(trainer):
    started, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"tokens": tokens, "seconds": seconds, "cpu": cpu, "loss": loss_of(trainer.model)}))
"""
TRL = (
    COMMON
    + """
from datasets import Dataset, disable_progress_bars
from trl import SFTConfig, SFTTrainer

disable_progress_bars()
extra = {key: config[key] for key in ("gradient_checkpointing",) if key in config}
finish(SFTTrainer(
    model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
    args=SFTConfig(**arguments(max_length=256, **extra)),
    train_dataset=Dataset.from_list(rows),
    processing_class=tokenizer,
    peft_config=lora(),
))
"""
)
PLAIN = (
    COMMON
    + """
from peft import get_peft_model
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

data = []
for row in rows:
    prompt, answer = encode(row)
    data.append({"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer})
finish(Trainer(
    model=get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), lora()),
    args=TrainingArguments(**arguments()),
    train_dataset=data,
    data_collator=DataCollatorForSeq2Seq(tokenizer),
))
"""
)
OURS = (
    COMMON
    + """
from prodabuild.training.adapter import load_model
from prodabuild.training.base import load_tokenizer
from prodabuild.training import job
from prodabuild.training.tokens import Writing, tokenise

with Writing(folder / "corpus", 256, "error") as corpus:
    shard = folder / "shard.jsonl"
    corpus.add(tokenise(shard, folder / "known" / shard.name, load_tokenizer(Path(base))), shard)
settings = {
    "adapter.type": "lora", "adapter.r": config["rank"], "adapter.alpha": config["alpha"], "adapter.dropout": 0.0,
    "adapter.targets": "all-linear", "adapter.save_modules": ["embed_tokens", "lm_head"], "train.epochs": 1,
    "allow_missing": [], "allow_unexpected": [],
    "train.learning_rate": config["rate"], "train.max_length": 256, "train.batch_tokens": 2048,
    "train.micro_tokens": None, "train.packing": False, "train.seed": config["seed"],
    "train.gradient_checkpointing": False,
}
work = folder / "work"
work.mkdir(exist_ok=True)
spent = []


def timed(*given):
    started, cpu = time.perf_counter(), time.process_time()
    logs = train(*given)
    spent.extend((time.perf_counter() - started, time.process_time() - cpu))
    return logs


train, job.train = job.train, timed
job.run_job(job.Job(base, "base", None, str(corpus.folder), str(work), settings, "cpu", False), lambda event: None)
model, _ = load_model(Path(base), work / job.TRAINED, "cpu")
print(json.dumps({"tokens": tokens, "seconds": spent[0], "cpu": spent[1], "loss": loss_of(model)}))
"""
)
PROGRAMS = {None: OURS, "trl": TRL, "plain": PLAIN}


def main() -> None:
    asked = _arguments()
    where = machine()
    with tempfile.TemporaryDirectory(prefix="training-", dir=asked.below) as name:
        folder = Path(name)
        _write(asked.repo.resolve(), folder, asked.samples)
        runs: dict[str, list[dict[str, float]]] = {contestant: [] for contestant in CONTESTANTS}
        for number in range(asked.runs):
            for contestant in CONTESTANTS:
                progress(f"run {number + 1} of {asked.runs}: {contestant}")
                runs[contestant].append(_run(contestant, asked, folder))
    found = {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in runs.items()}
    ours = runs["prodabuild"]
    for name, rows in runs.items():
        found[name]["rate"] = found[name]["tokens"] / found[name]["seconds"]
        pairs = zip(rows, ours, strict=True)
        found[name]["times"] = statistics.median(row["seconds"] / mine["seconds"] for row, mine in pairs)
    document = {"machine": where, "samples": asked.samples, "runs": asked.runs, "threads": asked.threads}
    tell(asked, {**document, "contestants": found}, _tables(document, found))


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--repo", type=Path, default=ROOT, help="a data repo that was compiled (default: this one)")
    options.add_argument("--samples", type=int, default=4000, help="samples of the epoch (default: 4000)")
    options.add_argument("--runs", type=int, default=3, help="how often each contestant runs (default: 3)")
    options.add_argument("--threads", type=int, default=2, help="torch's threads (default: 2)")
    options.add_argument("--below", type=Path, help="folder for temporary files")
    return options.parse_args()


def _write(repo: Path, folder: Path, samples: int) -> None:
    """Write the samples to train on and those held out, as our shard and as prompts and completions."""
    from prodabuild.shards.prompt import prompt_and_answer

    files = sorted((repo / "build/dataset/train").rglob("*.jsonl"))
    rows = [line for file in files for line in file.read_text().splitlines()]
    random.Random(SEED).shuffle(rows)
    chosen = {"train": rows[HELD_OUT : HELD_OUT + samples], "held": rows[:HELD_OUT]}
    for name, lines in chosen.items():
        pairs = (prompt_and_answer(json.loads(line)["messages"]) for line in lines)
        text = "".join(json.dumps({"prompt": prompt, "completion": answer}) + "\n" for prompt, answer in pairs)
        (folder / f"{name}.jsonl").write_text(text)
    (folder / "shard.jsonl").write_text("\n".join(chosen["train"]) + "\n")
    (folder / "base").symlink_to((repo / "build/base").resolve())


def _run(contestant: str, asked: argparse.Namespace, folder: Path) -> dict[str, float]:
    settings = CONTESTANTS[contestant]
    config = json.dumps({"rate": RATE, "rank": RANK, "alpha": ALPHA, "seed": SEED, **settings})
    program = PROGRAMS[settings.get("kind")]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        for file in ("train.jsonl", "held.jsonl", "shard.jsonl"):
            (Path(name) / file).symlink_to(folder / file)
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            program,
            name,
            str(folder / "base"),
            str(asked.threads),
            config,
        ]
        env = {**own_environment(), "OMP_NUM_THREADS": str(asked.threads), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{contestant}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _tables(document: Mapping[str, Any], found: Mapping[str, Mapping[str, float]]) -> list[Table]:
    rows = [
        [
            name,
            f"{row['rate']:,.0f}",
            f"{row['seconds']:.1f}",
            f"{row['cpu']:.1f}",
            f"{row['times']:.2f}",
            f"{row['loss']:.3f}",
        ]
        for name, row in found.items()
    ]
    head = ("trainer", "tokens/s", "s", "CPU s", "times our time", "held-out loss")
    threads, runs = document["threads"], document["runs"]
    note = f"One epoch of {document['samples']} samples, {threads} threads; medians of {runs} interleaved runs."
    return [Table("Training side by side", head, rows, (note,))]


if __name__ == "__main__":
    main()
