"""Memory of a training process by the size of its data: made-up samples, a tiny base, a few steps.

    python benchmarks/training_scale.py [--samples 14000 160000] [--steps 20] [--json]

The samples are written as shards of a thousand, then a process tokenises them into a corpus and trains some steps.
Prints, for each size, seconds to tokenise, seconds when every shard's tokens are known, and the most memory that the
process held in either case.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import measure
from resume import BASE

SHARD = 1000
PROGRAM = """
import json, sys, time
from pathlib import Path

from prodabuild.training.base import load_tokenizer
from prodabuild.training.job import Job, run_job
from prodabuild.training.tokens import Writing, tokenise

folder, steps = Path(sys.argv[1]), int(sys.argv[2])
tokenizer = load_tokenizer(folder / "models/tiny")
started = time.perf_counter()
with Writing(folder / "corpus", 256, "error") as corpus:
    for shard in sorted(folder.glob("*.jsonl")):
        corpus.add(tokenise(shard, folder / "known" / shard.name, tokenizer), shard)
tokenised = time.perf_counter() - started
settings = {
    "adapter.type": "lora", "adapter.r": 8, "adapter.alpha": 16, "adapter.dropout": 0.0,
    "adapter.targets": "all-linear",
    "adapter.save_modules": [], "allow_missing": [], "allow_unexpected": [],
    "train.epochs": 3, "train.learning_rate": 1e-3, "train.max_length": 256,
    "train.batch_tokens": 2048, "train.micro_tokens": None, "train.packing": False, "train.seed": 7,
    "train.gradient_checkpointing": False,
}
(folder / "work").mkdir(exist_ok=True)
base, work = str(folder / "models/tiny"), str(folder / "work")
job = Job(base, "models/tiny", None, str(corpus.folder), work, settings, "cpu", False, steps)
told = []
run_job(job, told.append)
print(json.dumps({"tokenised": tokenised, "memory": told[-1].memory_mb, "tokens": corpus.tokens}))
"""


def fill(folder: Path, samples: int) -> None:
    """Write made-up samples, and a tiny base."""
    draw = random.Random(7)
    for begin in range(0, samples, SHARD):
        with (folder / f"{begin:09}.jsonl").open("w") as file:
            for number in range(begin, min(begin + SHARD, samples)):
                answer = " ".join(draw.choice("abcdefgh") for _ in range(draw.randint(3, 30)))
                messages = [{"role": "user", "content": f"what is {number}?"}, {"role": "assistant", "content": answer}]
                file.write(json.dumps({"id": f"made/{number}", "messages": messages}) + "\n")
    measure.checked([sys.executable, "-c", BASE], folder, measure.own_environment())


def train(folder: Path, steps: int) -> dict[str, Any]:
    """Tokenise and train in a process of its own; returns what it printed."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder), str(steps)]
    done = subprocess.run(command, env=measure.own_environment(), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[14_000, 160_000])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    rows = []
    for samples in asked.samples:
        with tempfile.TemporaryDirectory() as name:
            fill(Path(name), samples)
            first, again = train(Path(name), asked.steps), train(Path(name), asked.steps)
        rows.append(
            {
                "samples": samples,
                "tokens": first["tokens"],
                "tokenise_s": round(first["tokenised"], 2),
                "known_s": round(again["tokenised"], 2),
                "memory_mb": round(first["memory"]),
                "memory_known_mb": round(again["memory"]),
            }
        )
    if asked.json:
        print(json.dumps({"machine": measure.machine(), "rows": rows}, indent=2))
        return
    print(measure.machine_line(measure.machine()))
    print("| " + " | ".join(rows[0]) + " |\n|" + "---:|" * len(rows[0]))
    print("\n".join("| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows))


if __name__ == "__main__":
    main()
